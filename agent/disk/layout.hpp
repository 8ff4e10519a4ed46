#pragma once

#include "plan/observed.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

/// The names in the target, each in one place (README.md, "The directory that apps read").
namespace bundlesync::disk::layout {

inline constexpr std::string_view data_link = "..data";
inline constexpr std::string_view own_dir = "..bundlesync";
inline constexpr std::string_view views_dir = "views";
inline constexpr std::string_view trees_dir = "trees";
inline constexpr std::string_view cache_dir = "cache/sha256";
inline constexpr std::string_view lock_file = "lock";
inline constexpr std::string_view bundle_file = ".bundle.json";
inline constexpr std::string_view view_file = ".view.json";

inline constexpr mode_t dir_mode = 0755;      ///< folders of ours
inline constexpr mode_t private_mode = 0700;  ///< state, and whatever is still being made
inline constexpr mode_t sealed_mode = 0555;   ///< directories of trees and views
inline constexpr mode_t file_mode = 0444;
inline constexpr mode_t private_file_mode = 0600;

/// Names of things on their way in or out. All begin so that a restart can tell them from what stays.
inline constexpr std::string_view stage_prefix = ".stage-";
inline constexpr std::string_view gone_prefix = ".gone-";
inline constexpr std::string_view temporary_prefix = ".tmp-";
inline constexpr std::string_view temporary_link_prefix = "..data-";

/// `prefix` and 16 hex digits that no other process or call has.
std::string unique(std::string_view prefix);
/// Did unique(prefix) make it?
bool is_unique(std::string_view name, std::string_view prefix);

/// "00000042": at least 8 digits. Back: nothing unless it is exactly such a name of a number above 0.
std::string view_name(std::uint64_t number);
std::optional<std::uint64_t> parse_view_name(std::string_view name);
/// What `..data` holds: "..bundlesync/views/00000042".
std::string data_target(std::uint64_t number);
std::optional<std::uint64_t> parse_data_target(std::string_view target);
/// What a template's link in the root holds: "..data/section7".
std::string template_target(std::string_view template_name);
/// What a view's link holds: "../../trees/section7/1.0.1-9f2c4be07a11".
std::string tree_target(const plan::TreeId& tree);
std::optional<plan::TreeId> parse_tree_target(std::string_view target);

/// "<version>-<12 hex>", with ".2" and so on behind: may it be the name of a tree?
bool is_tree_name(std::string_view name);
/// The version in such a name.
std::string_view version_of_tree_name(std::string_view name);
/// A version is an opaque label here (bundle::version_problem).
bool is_version_label(std::string_view version);

}  // namespace bundlesync::disk::layout
