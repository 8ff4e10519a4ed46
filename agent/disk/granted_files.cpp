#include "disk/granted_files.hpp"

#include "disk/layout.hpp"

#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

namespace bundlesync::disk {

mode_t GrantedFiles::granted(mode_t mode) const {
  switch (mode) {
    case layout::file_mode:
      return access_.file_mode;
    case layout::file_mode | S_IWUSR:  // the lock
      return access_.file_mode | S_IWUSR;
    case layout::sealed_mode:
      return access_.dir_mode;
    case layout::dir_mode:
      return access_.dir_mode | S_IWUSR;
    default:
      return mode;
  }
}

/// Looks first: a check of what is shown asks for the mode of every file, and what is right already is left alone.
Sys<void> GrantedFiles::chmod(int fd, mode_t mode) {
  const mode_t wanted = granted(mode);
  struct stat info{};
  if (::fstat(fd, &info) != 0) return std::unexpected(errno);
  const bool is_private = (mode & 077) == 0;
  const bool other_group = access_.gid && !is_private && info.st_gid != *access_.gid;
  // The group first: before it is right nobody is let in by the mode.
  if (other_group && ::fchown(fd, static_cast<uid_t>(-1), *access_.gid) != 0) return std::unexpected(errno);
  if (!other_group && (info.st_mode & 07777) == wanted) return {};
  return RealFiles::chmod(fd, wanted);
}

bool GrantedFiles::has_mode(const FileInfo& info, mode_t mode) const {
  const bool is_private = (mode & 077) == 0;
  return info.mode == granted(mode) && (is_private || !access_.gid || info.gid == *access_.gid);
}

Sys<void> GrantedFiles::chmod_at(int dir, const std::string& name, mode_t mode) {
  return RealFiles::chmod_at(dir, name, granted(mode));
}

}  // namespace bundlesync::disk
