#pragma once

#include "bundle/bundle.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What a name may be. The publisher, the agent and the database (bundlesync.path_problem and its sisters in
/// migrations/) give the same verdict and the same code for the same bytes; one corpus tests all three.
namespace bundlesync::bundle {

inline constexpr std::size_t path_bytes_max = 200;
inline constexpr std::size_t path_segments_max = 8;
inline constexpr std::size_t segment_bytes_max = 100;
inline constexpr std::size_t name_bytes_max = 100;  ///< a template's name
inline constexpr std::size_t semver_bytes_max = 64;

/// A stable reason code, or nothing when the path is good. Judged in this order; the first that applies is the answer:
/// path_empty, path_too_long (> 200 bytes), path_absolute (leading '/'), path_empty_segment ("a//b", "a/"),
/// path_dotdot (a segment "." or ".."), path_hidden (a segment that begins with '.'),
/// path_segment_too_long (> 100 bytes), path_character (a byte outside [A-Za-z0-9._+@=,() -] within a segment),
/// path_edge (a segment that begins or ends with a space, or ends with '.'), path_too_deep (> 8 segments).
std::optional<std::string_view> path_problem(std::string_view path);

/// A template's name is [a-z0-9][a-z0-9._-]{0,99}: name_empty, name_too_long (> 100 bytes), name_hidden (begins with
/// '.'), name_character (a byte outside [a-z0-9._-]), name_start (begins with '-' or '_').
std::optional<std::string_view> name_problem(std::string_view name);

/// semver_invalid unless it is a version by semver.org 2.0.0 of at most 64 bytes.
std::optional<std::string_view> semver_problem(std::string_view version);

/// version_invalid unless it is 1 to 64 of A-Z a-z 0-9 . + -: a label that can name a directory, whether it is a semver
/// or not ("filesystem", "v1").
std::optional<std::string_view> version_problem(std::string_view version);

/// What is wrong with a set of files as a whole, with the path that shows it:
/// path problems of each, then path_twice, path_case_twin (equal after ASCII folding), path_under_file ("a" beside
/// "a/b").
struct BundleProblem {
  std::string reason;
  std::string path;
  bool operator==(const BundleProblem&) const = default;
};
std::optional<BundleProblem> bundle_problem(std::span<const File> files);

/// A sentence for people about a reason code ("a path must not contain '..'"), for hints.
std::string_view describe_problem(std::string_view reason);

}  // namespace bundlesync::bundle
