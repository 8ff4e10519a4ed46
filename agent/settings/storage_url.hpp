#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace bundlesync::settings {

/// file:///srv/store
struct FileStore {
  std::string directory;  ///< absolute, percent-escapes decoded
  bool operator==(const FileStore&) const = default;
};

/// supabase+https://host[:port]/storage/v1
struct SupabaseStore {
  std::string origin;  ///< "https://host[:port]": credentials go nowhere else
  std::string path;    ///< "/storage/v1", without a slash at the end
  bool operator==(const SupabaseStore&) const = default;
};

/// s3://bucket?region=…&endpoint=…&style=path
struct S3Store {
  std::string bucket;
  std::string region;    ///< empty where not given
  std::string endpoint;  ///< "https://host[:port]", or empty: that of the region
  bool path_style = false;
  bool operator==(const S3Store&) const = default;
};

using StorageUrl = std::variant<FileStore, SupabaseStore, S3Store>;

/// Errors (usage) name the part that is wrong, never a user or password in it.
Result<StorageUrl> parse_storage_url(std::string_view text);
/// The URL again, in one spelling.
std::string to_string(const StorageUrl& url);

}  // namespace bundlesync::settings
