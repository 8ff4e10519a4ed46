#pragma once

#include "disk/files.hpp"

#include <cerrno>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace bundlesync::fakes {

/// The kernel's files, on a disk that fails in places: a file with a bad sector, a name that cannot be opened.
class UnreadableFiles final : public disk::RealFiles {
 public:
  /// Every read of this file, and every copy from it, ends with EIO. It is the file that fails, whatever its name.
  void bad_sector(const std::filesystem::path& path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return;
    const std::scoped_lock lock(mutex_);
    bad_.insert(info.st_ino);
  }
  /// Opening anything whose last segment is `name` ends with `code`.
  void refuse_to_open(const std::string& name, int code) {
    const std::scoped_lock lock(mutex_);
    refused_[name] = code;
  }
  /// Every copy fails on the side that is written to.
  void fail_copies(int code) {
    const std::scoped_lock lock(mutex_);
    copies_ = code;
  }
  void heal() {
    const std::scoped_lock lock(mutex_);
    copies_ = 0;
    bad_.clear();
    refused_.clear();
  }

  disk::Sys<disk::Fd> open_dir(int dir, std::string_view beneath, disk::Links links) override {
    if (const int code = refusal_of(beneath); code != 0) return std::unexpected(code);
    return RealFiles::open_dir(dir, beneath, links);
  }
  disk::Sys<disk::Fd> open_file(int dir, std::string_view beneath, disk::Links links) override {
    if (const int code = refusal_of(beneath); code != 0) return std::unexpected(code);
    return RealFiles::open_file(dir, beneath, links);
  }
  disk::Sys<std::size_t> read(int fd, char* bytes, std::size_t size, std::uint64_t offset) override {
    if (is_bad(fd)) return std::unexpected(EIO);
    return RealFiles::read(fd, bytes, size, offset);
  }
  disk::Sys<void> copy(int from, int to) override {
    if (is_bad(from)) return std::unexpected(EIO);
    if (const int code = copies(); code != 0) return std::unexpected(code);
    return RealFiles::copy(from, to);
  }

 private:
  int refusal_of(std::string_view beneath) {
    const std::string name(beneath.substr(beneath.rfind('/') + 1));
    const std::scoped_lock lock(mutex_);
    const auto found = refused_.find(name);
    return found == refused_.end() ? 0 : found->second;
  }
  int copies() {
    const std::scoped_lock lock(mutex_);
    return copies_;
  }
  bool is_bad(int fd) {
    struct stat info{};
    if (::fstat(fd, &info) != 0) return false;
    const std::scoped_lock lock(mutex_);
    return bad_.contains(info.st_ino);
  }

  std::mutex mutex_;  ///< calls come from the pool
  std::set<ino_t> bad_;
  std::map<std::string, int> refused_;
  int copies_ = 0;
};

}  // namespace bundlesync::fakes
