#pragma once

#include "base/error.hpp"
#include "storage/file/beneath.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bundlesync::publish {

/// A bundle's directory on the publisher's disk. Everything is opened below one descriptor; a link may lead anywhere
/// within the directory and nowhere else. Blocking.
class SourceDirectory {
 public:
  /// usage (reason directory_missing) when it is not a directory that can be read.
  static Result<SourceDirectory> open(const std::filesystem::path& directory);

  /// The text of manifest.json, or nothing when there is none. At most `bytes_max` bytes (refused, file_too_large).
  Result<std::optional<std::string>> manifest(std::uint64_t bytes_max) const;
  /// Every file that can be published, sorted by path: dot files and the manifest.json on top are not among them. Stops
  /// with refused (too_many_files) above `files_max`.
  Result<std::vector<std::string>> paths(std::uint64_t files_max) const;
  /// Bytes of a file, without reading it. Errors as read().
  Result<std::uint64_t> size(const std::string& path) const;
  /// One whole file. not_found (file_missing), refused (file_too_large, link_leads_out, not_regular), unauthorised.
  Result<std::string> read(const std::string& path, std::uint64_t bytes_max) const;

 private:
  SourceDirectory(std::filesystem::path directory, storage::file::Fd descriptor)
      : directory_(std::move(directory)), descriptor_(std::move(descriptor)) {}
  Result<void> add_paths(const std::string& prefix, std::size_t depth, std::uint64_t files_max,
                         std::vector<std::string>& found) const;
  Result<storage::file::Fd> open_file(const std::string& path, std::uint64_t& size) const;
  Error unable(std::string_view verb, const std::string& path, int error) const;

  std::filesystem::path directory_;
  storage::file::Fd descriptor_;
};

}  // namespace bundlesync::publish
