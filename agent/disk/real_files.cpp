#include "disk/files.hpp"
#include "disk/open_beneath.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <memory>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace bundlesync::disk {
namespace {

constexpr std::size_t piece_bytes = 256 << 10;

/// Repeats a call that a signal interrupted.
template <class Call>
auto retrying(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

template <class Number>
Sys<void> done(Number result) {
  if (result < 0) return std::unexpected(errno);
  return {};
}

Sys<Fd> opened(int fd) {
  if (fd < 0) return std::unexpected(errno);
  return Fd(fd);
}

FileInfo info_of(const struct stat& from) {
  FileInfo info;
  info.type = S_ISREG(from.st_mode)   ? FileType::regular
              : S_ISDIR(from.st_mode) ? FileType::directory
              : S_ISLNK(from.st_mode) ? FileType::link
                                      : FileType::other;
  info.mode = from.st_mode & 07777;
  info.uid = from.st_uid;
  info.gid = from.st_gid;
  info.device = from.st_dev;
  info.inode = from.st_ino;
  info.size = static_cast<std::uint64_t>(from.st_size);
  info.allocated = static_cast<std::uint64_t>(from.st_blocks) * 512;
  info.modified = from.st_mtim;
  return info;
}

Sys<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto wrote = retrying([&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (wrote < 0) return std::unexpected(errno);
    if (wrote == 0) return std::unexpected(ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

Sys<void> copy_by_hand(int from, int to, std::uint64_t offset) {
  std::string piece(piece_bytes, '\0');
  while (true) {
    const auto got = retrying([&] { return ::pread(from, piece.data(), piece.size(), static_cast<off_t>(offset)); });
    if (got < 0) return std::unexpected(errno);
    if (got == 0) return {};
    const auto size = static_cast<std::size_t>(got);
    if (auto wrote = write_all(to, std::string_view(piece).substr(0, size)); !wrote) return wrote;
    offset += size;
  }
}

struct CloseDir {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

}  // namespace

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Sys<Fd> RealFiles::open_path(const std::filesystem::path& path) {
  return opened(retrying([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
}

Sys<Fd> RealFiles::open_file_path(const std::filesystem::path& path) {
  return opened(retrying([&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); }));
}

Sys<Fd> RealFiles::open_dir(int dir, std::string_view beneath, Links links) {
  return open_beneath(dir, beneath, O_RDONLY | O_DIRECTORY, links);
}

Sys<Fd> RealFiles::open_file(int dir, std::string_view beneath, Links links) {
  return open_beneath(dir, beneath, O_RDONLY | O_NONBLOCK | O_NOCTTY, links);
}

Sys<Fd> RealFiles::create(int dir, const std::string& name) {
  constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  return opened(retrying([&] { return ::openat(dir, name.c_str(), flags, 0600); }));
}

Sys<Fd> RealFiles::open_lock(int dir, const std::string& name) {
  constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  return opened(retrying([&] { return ::openat(dir, name.c_str(), flags, 0600); }));
}

Sys<void> RealFiles::lock(int fd) {
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return done(retrying([&] { return ::fcntl(fd, F_OFD_SETLK, &whole); }));
}

Sys<void> RealFiles::write(int fd, std::string_view bytes) {
  return write_all(fd, bytes);
}

Sys<std::size_t> RealFiles::read(int fd, char* bytes, std::size_t size, std::uint64_t offset) {
  const auto got = retrying([&] { return ::pread(fd, bytes, size, static_cast<off_t>(offset)); });
  if (got < 0) return std::unexpected(errno);
  return static_cast<std::size_t>(got);
}

Sys<void> RealFiles::truncate(int fd) {
  if (auto cut = done(retrying([&] { return ::ftruncate(fd, 0); })); !cut) return cut;
  return done(::lseek(fd, 0, SEEK_SET));
}

Sys<void> RealFiles::copy(int from, int to) {
  if (::ioctl(to, FICLONE, from) == 0) return {};
  std::uint64_t copied = 0;
  while (true) {
    auto in = static_cast<off64_t>(copied);
    const auto got = retrying([&] { return ::copy_file_range(from, &in, to, nullptr, piece_bytes << 6, 0); });
    if (got < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO)) return std::unexpected(errno);
    // Other errors: not between these file systems. 0 is the end, or a file system that cannot tell: by hand from here.
    if (got <= 0) return copy_by_hand(from, to, copied);
    copied += static_cast<std::uint64_t>(got);
  }
}

Sys<void> RealFiles::fsync(int fd) {
  return done(retrying([&] { return ::fsync(fd); }));
}

Sys<void> RealFiles::chmod(int fd, mode_t mode) {
  return done(retrying([&] { return ::fchmod(fd, mode); }));
}

Sys<void> RealFiles::chmod_at(int dir, const std::string& name, mode_t mode) {
  return done(retrying([&] { return ::fchmodat(dir, name.c_str(), mode, AT_SYMLINK_NOFOLLOW); }));
}

Sys<void> RealFiles::mkdir(int dir, const std::string& name) {
  return done(::mkdirat(dir, name.c_str(), 0700));
}

Sys<void> RealFiles::rename(int dir, const std::string& name, int new_dir, const std::string& new_name) {
  return done(::renameat(dir, name.c_str(), new_dir, new_name.c_str()));
}

Sys<void> RealFiles::symlink(const std::string& target, int dir, const std::string& name) {
  return done(::symlinkat(target.c_str(), dir, name.c_str()));
}

Sys<void> RealFiles::unlink(int dir, const std::string& name) {
  return done(::unlinkat(dir, name.c_str(), 0));
}

Sys<void> RealFiles::rmdir(int dir, const std::string& name) {
  return done(::unlinkat(dir, name.c_str(), AT_REMOVEDIR));
}

Sys<std::string> RealFiles::readlink(int dir, const std::string& name) {
  std::string target(4096, '\0');
  const auto size = ::readlinkat(dir, name.c_str(), target.data(), target.size());
  if (size < 0) return std::unexpected(errno);
  target.resize(static_cast<std::size_t>(size));
  return target;
}

Sys<std::vector<Entry>> RealFiles::list(int dir) {
  // A descriptor of its own: fdopendir takes it over, and the position in a directory is the descriptor's.
  Fd own(retrying([&] { return ::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!own) return std::unexpected(errno);
  const std::unique_ptr<DIR, CloseDir> stream(::fdopendir(own.get()));
  if (!stream) return std::unexpected(errno);
  own.release();
  std::vector<Entry> entries;
  while (true) {
    errno = 0;
    const auto* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    FileType type = entry->d_type == DT_REG   ? FileType::regular
                    : entry->d_type == DT_DIR ? FileType::directory
                    : entry->d_type == DT_LNK ? FileType::link
                                              : FileType::other;
    if (entry->d_type == DT_UNKNOWN) {  // some file systems leave it to stat
      if (auto info = RealFiles::stat_at(dir, std::string(name))) type = info->type;
    }
    entries.push_back({std::string(name), type});
  }
  if (errno != 0) return std::unexpected(errno);
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

Sys<FileInfo> RealFiles::stat(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return std::unexpected(errno);
  return info_of(info);
}

Sys<FileInfo> RealFiles::stat_at(int dir, const std::string& name) {
  struct stat info{};
  if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::unexpected(errno);
  return info_of(info);
}

Sys<std::string> RealFiles::file_system(int fd) {
  struct statfs info{};
  if (retrying([&] { return ::fstatfs(fd, &info); }) != 0) return std::unexpected(errno);
  static constexpr std::array<std::pair<unsigned long, const char*>, 18> known = {{
      {0xef53, "ext4"},
      {0x58465342, "xfs"},
      {0x9123683e, "btrfs"},
      {0x01021994, "tmpfs"},
      {0x794c7630, "overlay"},
      {0x6969, "nfs"},
      {0x65735546, "fuse"},
      {0xff534d42, "cifs"},
      {0xfe534d42, "smb2"},
      {0x517b, "smb"},
      {0x2fc12fc1, "zfs"},
      {0x01021997, "9p"},
      {0x00c36400, "ceph"},
      {0x5346414f, "afs"},
      {0x47504653, "gpfs"},
      {0x0bd00bd0, "lustre"},
      {0xf2f52010, "f2fs"},
      {0x6a656a63, "virtiofs"},
  }};
  const auto magic = static_cast<unsigned long>(info.f_type) & 0xffffffffUL;
  for (const auto& [number, name] : known) {
    if (number == magic) return std::string(name);
  }
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%lx", magic);
  return std::string(text.data());
}

}  // namespace bundlesync::disk
