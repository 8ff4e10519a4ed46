#include "storage/file/beneath.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bundlesync::storage::file {

Fd& Fd::operator=(Fd&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Fd::~Fd() {
  const int kept = errno;
  if (number_ >= 0) ::close(number_);
  errno = kept;
}

Fd open_by_walk(int directory, std::string_view path, int flags, mode_t mode) {
  Fd here;
  for (;;) {
    const std::size_t slash = path.find('/');
    const std::string segment(path.substr(0, slash));
    if (segment == "." && !here && slash == std::string_view::npos)
      return Fd(::openat(directory, ".", flags | O_CLOEXEC));
    if (segment.empty() || segment == "." || segment == "..") {
      errno = EXDEV;
      return Fd();
    }
    const int from = here ? here.number() : directory;
    if (slash == std::string_view::npos) {
      // O_PATH | O_NOFOLLOW would open the link itself: ask for the same verdict that openat2 gives.
      Fd opened(::openat(from, segment.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
      if (!opened || (flags & O_PATH) == 0) return opened;
      char target[1];
      if (::readlinkat(opened.number(), "", target, sizeof target) < 0) return opened;
      errno = ELOOP;
      return Fd();
    }
    Fd next(::openat(from, segment.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return next;
    here = std::move(next);
    path.remove_prefix(slash + 1);
  }
}

Fd open_beneath(int directory, const std::string& path, int flags, mode_t mode, Links links) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (links == Links::none) how.resolve |= RESOLVE_NO_SYMLINKS;

  // EAGAIN: something was renamed on the way while the kernel looked; a few tries are enough in practice.
  for (int attempt = 0; attempt < 16; ++attempt) {
    const long number = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
    if (number >= 0) return Fd(static_cast<int>(number));
    // EPERM is how older sandboxes answer a system call they do not know.
    if (errno == ENOSYS || errno == EPERM) return open_by_walk(directory, path, flags, mode);
    if (errno != EAGAIN) break;
  }
  return Fd();
}

}  // namespace bundlesync::storage::file
