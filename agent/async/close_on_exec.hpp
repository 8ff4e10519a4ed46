#pragma once

#include <fcntl.h>

namespace bundlesync::async {

/// Asio makes sockets without SOCK_CLOEXEC: no program that is run gets this one. What is no descriptor is left alone.
inline void close_on_exec(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFD);
  if (flags >= 0) ::fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC);
}

}  // namespace bundlesync::async
