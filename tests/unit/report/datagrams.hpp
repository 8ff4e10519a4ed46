#pragma once

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace bundlesync::report {

/// The service manager's end: a datagram socket in a directory of its own.
class Datagrams {
 public:
  Datagrams() {
    char pattern[] = "/tmp/bundlesync-notify-XXXXXX";
    if (::mkdtemp(pattern) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
    path_ = directory_ + "/notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("bind");
  }
  ~Datagrams() {
    ::close(fd_);
    ::unlink(path_.c_str());
    ::rmdir(directory_.c_str());
  }
  Datagrams(const Datagrams&) = delete;
  Datagrams& operator=(const Datagrams&) = delete;

  const std::string& path() const { return path_; }
  std::vector<std::string> take() const {
    std::vector<std::string> messages;
    char buffer[512];
    for (ssize_t n = 0; (n = ::recv(fd_, buffer, sizeof buffer, 0)) >= 0;) {
      messages.emplace_back(buffer, static_cast<std::size_t>(n));
    }
    return messages;
  }

 private:
  std::string directory_;
  std::string path_;
  int fd_ = -1;
};

}  // namespace bundlesync::report
