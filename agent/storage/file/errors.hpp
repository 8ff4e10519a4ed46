#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string_view>

namespace bundlesync::storage::file {

/// What errno means for a caller of the port: unavailable where the medium is away, unauthorised, no_space, refused
/// where a link leads away, else failed. `doing` reads like "read 'section7/v1.0.0/a.md'".
Error system_error(int error, std::string_view doing, const std::filesystem::path& root);

Error object_missing(std::string_view key, const std::filesystem::path& root);
/// The store's directory is not there, or holds nothing at all: an unmounted volume looks like that.
Error store_away(const std::filesystem::path& root, std::string_view what);

}  // namespace bundlesync::storage::file
