#pragma once

#include "base/error.hpp"
#include "bundle/bundle.hpp"

#include <string>
#include <string_view>

/// .bundle.json: what every tree says about itself to apps: template, version, manifest_sha256 and the files.
namespace bundlesync::bundle {

inline constexpr std::string_view bundle_json_name = ".bundle.json";

/// Files without storage paths: a tree does not say where it came from. Same bundle, same bytes.
std::string bundle_to_json(const Bundle& bundle);

/// Strict, for bytes that a neighbour may have edited: the json_* reasons of base/json_read.hpp, every name and path by
/// path_rules.hpp (its reason), bundle_unsorted, and manifest_changed (kind damaged) when manifest_sha256 is not that
/// of the files. storage_path is empty in what comes back.
Result<Bundle> bundle_from_json(std::string_view text);

}  // namespace bundlesync::bundle
