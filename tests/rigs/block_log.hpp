#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

/// A disk whose every write and flush is known, in their order.
namespace bundlesync::rigs {

/// This machine, or whatever we run in, has no such disks for us.
struct NoDisk : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A flush says that everything before it is on the disk; what was written since may be there or not, in any order.
struct BlockEvent {
  bool flush = false;
  std::uint64_t offset = 0;
  std::string_view bytes;
};

/// A file to put a loop device on: FUSE, served by a process of its own, which dies with this one. Needs root; make it
/// while no other thread runs. Throws NoDisk.
class LoggedFile {
 public:
  /// The bytes lie in `backing`; the file itself appears below the directory `place`.
  LoggedFile(const std::filesystem::path& backing, const std::filesystem::path& place);
  ~LoggedFile();
  LoggedFile(const LoggedFile&) = delete;
  LoggedFile& operator=(const LoggedFile&) = delete;

  std::filesystem::path path() const { return place_ / "disk"; }
  std::size_t count() const;  ///< events since forget()
  /// Valid until forget(). Throws std::runtime_error when there were too many to keep.
  std::vector<BlockEvent> events() const;
  /// Only while nobody writes.
  void forget();

 private:
  struct Log;
  struct Server;

  std::filesystem::path place_;
  Log* log_;
  pid_t server_ = -1;
};

}  // namespace bundlesync::rigs
