#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <ctime>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

/// The one seam to system calls of the file system. Everything that disk/ and live/ do to a disk goes through `Files`,
/// so that a test can count the calls, let any one of them fail, and stop the world before or after it.
namespace bundlesync::disk {

/// A system call's result: a value, or the errno.
template <class T = void>
using Sys = std::expected<T, int>;

/// Owns a file descriptor. -1 is none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }
  /// Closes. What close() says is of no use: everything that matters was fsynced before.
  void reset();

 private:
  int fd_ = -1;
};

enum class FileType { regular, directory, link, other };

struct FileInfo {
  FileType type = FileType::other;
  mode_t mode = 0;  ///< permission bits, 07777
  uid_t uid = 0;
  gid_t gid = 0;
  dev_t device = 0;
  ino_t inode = 0;
  std::uint64_t size = 0;
  std::uint64_t allocated = 0;  ///< bytes on disk, as du counts
  timespec modified{};

  /// One file or directory, by whatever names it was reached.
  bool same_as(const FileInfo& other) const { return device == other.device && inode == other.inode; }
};

struct Entry {
  std::string name;
  FileType type = FileType::other;
};

/// What becomes of symbolic links on the way to a name.
enum class Links {
  refuse,  ///< none is followed, at any place of the name: ELOOP
  inside,  ///< followed as long as they stay beneath the directory: EXDEV when they lead out
};

/// All names are relative to an open directory; none may lead above it. Every descriptor is close-on-exec. EINTR and
/// short reads and writes are gone when a call returns. No call looks at the umask: modes are set by chmod.
/// Thread-safe.
class Files {
 public:
  virtual ~Files() = default;

  /// A directory by its path, links followed: how a target or an alternative is reached first.
  virtual Sys<Fd> open_path(const std::filesystem::path& path) = 0;
  /// A file by its path, for reading, links followed.
  virtual Sys<Fd> open_file_path(const std::filesystem::path& path) = 0;
  /// A directory some segments beneath `dir`.
  virtual Sys<Fd> open_dir(int dir, std::string_view beneath, Links links = Links::refuse) = 0;
  /// A file some segments beneath `dir`, for reading. Never waits, not even for a pipe.
  virtual Sys<Fd> open_file(int dir, std::string_view beneath, Links links = Links::refuse) = 0;
  /// A new file, for writing and reading back, mode 0600 at most; EEXIST when there is anything of this name.
  virtual Sys<Fd> create(int dir, const std::string& name) = 0;
  /// The lock file: made where missing, for reading and writing, kept where there.
  virtual Sys<Fd> open_lock(int dir, const std::string& name) = 0;
  /// An open-file-description lock over the whole file; EAGAIN when another has it. Held until the descriptor closes.
  virtual Sys<void> lock(int fd) = 0;

  /// All of the bytes.
  virtual Sys<void> write(int fd, std::string_view bytes) = 0;
  /// Up to `size` bytes from `offset`; 0 only at the end.
  virtual Sys<std::size_t> read(int fd, char* bytes, std::size_t size, std::uint64_t offset) = 0;
  virtual Sys<void> truncate(int fd) = 0;
  /// Copies all of `from` to the empty file `to`: a clone where the file system can, else in the kernel, else by hand.
  virtual Sys<void> copy(int from, int to) = 0;
  virtual Sys<void> fsync(int fd) = 0;
  virtual Sys<void> chmod(int fd, mode_t mode) = 0;
  /// Whether chmod() with this mode would change nothing.
  virtual bool has_mode(const FileInfo& info, mode_t mode) const { return info.mode == mode; }
  /// By name, for what cannot be opened; a link is never followed.
  virtual Sys<void> chmod_at(int dir, const std::string& name, mode_t mode) = 0;

  virtual Sys<void> mkdir(int dir, const std::string& name) = 0;  ///< mode 0700 at most
  virtual Sys<void> rename(int dir, const std::string& name, int new_dir, const std::string& new_name) = 0;
  virtual Sys<void> symlink(const std::string& target, int dir, const std::string& name) = 0;
  virtual Sys<void> unlink(int dir, const std::string& name) = 0;
  virtual Sys<void> rmdir(int dir, const std::string& name) = 0;

  virtual Sys<std::string> readlink(int dir, const std::string& name) = 0;  ///< EINVAL when it is no link
  virtual Sys<std::vector<Entry>> list(int dir) = 0;                        ///< sorted by name, without . and ..
  virtual Sys<FileInfo> stat(int fd) = 0;
  virtual Sys<FileInfo> stat_at(int dir, const std::string& name) = 0;  ///< a link is not followed
  virtual Sys<std::string> file_system(int fd) = 0;                     ///< "ext4", "tmpfs", … or the magic in hex
};

/// The kernel's.
class RealFiles : public Files {
 public:
  Sys<Fd> open_path(const std::filesystem::path& path) override;
  Sys<Fd> open_file_path(const std::filesystem::path& path) override;
  Sys<Fd> open_dir(int dir, std::string_view beneath, Links links) override;
  Sys<Fd> open_file(int dir, std::string_view beneath, Links links) override;
  Sys<Fd> create(int dir, const std::string& name) override;
  Sys<Fd> open_lock(int dir, const std::string& name) override;
  Sys<void> lock(int fd) override;
  Sys<void> write(int fd, std::string_view bytes) override;
  Sys<std::size_t> read(int fd, char* bytes, std::size_t size, std::uint64_t offset) override;
  Sys<void> truncate(int fd) override;
  Sys<void> copy(int from, int to) override;
  Sys<void> fsync(int fd) override;
  Sys<void> chmod(int fd, mode_t mode) override;
  Sys<void> chmod_at(int dir, const std::string& name, mode_t mode) override;
  Sys<void> mkdir(int dir, const std::string& name) override;
  Sys<void> rename(int dir, const std::string& name, int new_dir, const std::string& new_name) override;
  Sys<void> symlink(const std::string& target, int dir, const std::string& name) override;
  Sys<void> unlink(int dir, const std::string& name) override;
  Sys<void> rmdir(int dir, const std::string& name) override;
  Sys<std::string> readlink(int dir, const std::string& name) override;
  Sys<std::vector<Entry>> list(int dir) override;
  Sys<FileInfo> stat(int fd) override;
  Sys<FileInfo> stat_at(int dir, const std::string& name) override;
  Sys<std::string> file_system(int fd) override;
};

/// Opens beneath a directory without openat2(2), for kernels and sandboxes that lack it: segment by segment, each with
/// O_NOFOLLOW; with Links::inside by resolving the name and looking where it led. RealFiles falls back to it by itself.
Sys<Fd> open_beneath_by_walking(int dir, std::string_view beneath, int flags, Links links);

/// An errno as an Error: no_space (ENOSPC, EDQUOT), not_found (ENOENT), unauthorised (EACCES, EPERM), unavailable
/// (EMFILE, ENFILE, ENOMEM, EAGAIN), else failed. `what` is "cannot make the directory views/00000042".
Error os_error(int code, std::string_view what);
/// EMFILE, ENFILE, ENOMEM, EAGAIN: this process or machine has no more to give now, whatever the file.
bool is_shortage(int code);
inline std::unexpected<Error> os_fail(int code, std::string_view what) {
  return std::unexpected(os_error(code, what));
}

}  // namespace bundlesync::disk
