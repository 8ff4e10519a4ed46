#pragma once

#include "base/error.hpp"
#include "storage/file/beneath.hpp"
#include "storage/storage.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// The blocking half of the file store: plain functions over a directory, for a pool thread. They share no state and
/// may run side by side, in any number of processes. Keys were judged before (key_rules.hpp).
namespace bundlesync::storage::file {

struct OpenObject {
  Fd descriptor;
  std::uint64_t size = 0;
};

/// Opens a regular file for reading. Blocks while somebody holds a lease on it or the medium hangs.
Result<OpenObject> open_object(const std::filesystem::path& root, const std::string& key);
/// The next at most piece_bytes_max bytes; empty at the end.
Result<std::string> read_piece(const Fd& object, std::string_view key);

Result<ObjectInfo> stat_object(const std::filesystem::path& root, const std::string& key);
Result<void> create_object(const std::filesystem::path& root, const std::string& key, std::string_view bytes);
Result<std::vector<ObjectInfo>> list_objects(const std::filesystem::path& root, const std::string& prefix);
Result<void> remove_object(const std::filesystem::path& root, const std::string& key);

}  // namespace bundlesync::storage::file
