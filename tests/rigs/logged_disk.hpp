#pragma once

#include "rigs/block_log.hpp"

#include <optional>
#include <string>

namespace bundlesync::rigs {

constexpr std::size_t block_bytes = 4096;  ///< what a disk writes whole; our file systems have blocks of this size

/// Mounts are this process's alone from now on: the kernel takes them away with it, whatever way it ends.
void keep_mounts_to_ourselves();

/// An image on a loop device, for as long as this lives. `options` begin with a comma.
class Mount {
 public:
  Mount(const std::filesystem::path& image, std::filesystem::path place, const std::string& options);
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

 private:
  std::filesystem::path place_;
};

/// A new file system, ext4 or xfs, whose every write is known.
class LoggedDisk {
 public:
  LoggedDisk(const std::filesystem::path& home, std::string type, const std::string& options);
  std::filesystem::path image() const { return home_ / "image"; }
  std::filesystem::path place() const { return home_ / "mnt"; }
  const std::string& type() const { return type_; }
  LoggedFile& file() { return file_; }
  /// Everything is on the disk, and the log begins anew from there.
  void settle();

 private:
  std::string type_;
  std::filesystem::path home_;
  LoggedFile file_;
  std::optional<Mount> mount_;
};

/// The holes stay holes: what is copied is what was ever written.
void copy_image(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace bundlesync::rigs
