#include "disk/open_beneath.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <linux/openat2.h>
#include <memory>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bundlesync::disk {
namespace {

constexpr int tries_max = 128;  // of an openat2 that lost a race with a rename somewhere (EAGAIN) or was interrupted

int open_retrying(int dir, const char* name, int flags) {
  int fd = -1;
  do fd = ::openat(dir, name, flags | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  return fd;
}

Sys<Fd> walk_without_links(int dir, std::string_view beneath, int flags) {
  Fd at;
  while (true) {
    const auto slash = beneath.find('/');
    const std::string segment(beneath.substr(0, slash));
    if (segment.empty() || segment == "..") return std::unexpected(segment.empty() ? ENOENT : EXDEV);
    const bool last = slash == std::string_view::npos;
    const int wanted = last ? flags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW;
    const int from = at ? at.get() : dir;
    Fd next(open_retrying(from, segment.c_str(), wanted));
    if (!next) {
      // O_DIRECTORY on a link says ENOTDIR; openat2 says ELOOP, and so do we.
      int code = errno;
      struct stat info{};
      if (code == ENOTDIR && ::fstatat(from, segment.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode))
        code = ELOOP;
      return std::unexpected(code);
    }
    at = std::move(next);
    if (last) return at;
    beneath.remove_prefix(slash + 1);
  }
}

std::string path_of(int fd) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const std::unique_ptr<char, decltype(&std::free)> path(::realpath(link.c_str(), nullptr), &std::free);
  return path ? std::string(path.get()) : std::string();
}

Sys<Fd> follow_and_look(int dir, std::string_view beneath, int flags) {
  if (beneath.starts_with('/')) return std::unexpected(EXDEV);
  Fd fd(open_retrying(dir, std::string(beneath).c_str(), flags));
  if (!fd) return std::unexpected(errno);
  const std::string above = path_of(dir);
  const std::string led_to = path_of(fd.get());
  if (above.empty() || led_to.empty()) return std::unexpected(EXDEV);
  if (led_to != above && !led_to.starts_with(above == "/" ? above : above + "/")) return std::unexpected(EXDEV);
  return fd;
}

}  // namespace

Sys<Fd> open_beneath_by_walking(int dir, std::string_view beneath, int flags, Links links) {
  return links == Links::refuse ? walk_without_links(dir, beneath, flags) : follow_and_look(dir, beneath, flags);
}

Sys<Fd> open_beneath(int dir, std::string_view beneath, int flags, Links links) {
  static std::atomic<bool> missing = false;
  if (missing.load(std::memory_order_relaxed)) return open_beneath_by_walking(dir, beneath, flags, links);
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (links == Links::refuse) how.resolve |= RESOLVE_NO_SYMLINKS;
  const std::string name(beneath);
  for (int tries = 0; tries < tries_max; ++tries) {
    const long fd = ::syscall(SYS_openat2, dir, name.c_str(), &how, sizeof how);
    if (fd >= 0) return Fd(static_cast<int>(fd));
    if (errno == ENOSYS || errno == EPERM) {  // an old kernel; a sandbox that does not know the call
      const int code = errno;
      auto walked = open_beneath_by_walking(dir, beneath, flags, links);
      if (code == ENOSYS || walked) missing = true;
      return walked;
    }
    if (errno != EAGAIN && errno != EINTR) return std::unexpected(errno);
  }
  return std::unexpected(EAGAIN);
}

}  // namespace bundlesync::disk
