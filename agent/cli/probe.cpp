#include "cli/probe.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace bundlesync::cli {
namespace {

constexpr std::size_t kAnswerBytesMax = std::size_t{64} << 10;
using Clock = std::chrono::steady_clock;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// An agent that listens everywhere is asked on the loopback.
std::string host_to_ask(const std::string& host) {
  if (host.empty() || host == "0.0.0.0" || host == "localhost") return "127.0.0.1";
  return host == "::" ? "::1" : host;
}

class Exchange {
 public:
  Exchange(std::string where, Clock::time_point deadline) : where_(std::move(where)), deadline_(deadline) {}

  Result<Socket> connect(const addrinfo& address) {
    Socket socket(::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.get() < 0) return failed(errno);
    if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) != 0) {
      if (errno != EINPROGRESS) return failed(errno);
      if (auto ready = wait(socket, POLLOUT); !ready) return fail(ready.error());
      int code = 0;
      socklen_t size = sizeof code;
      ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &code, &size);
      if (code != 0) return failed(code);
    }
    return socket;
  }
  Result<void> send(const Socket& socket, std::string_view bytes) {
    while (!bytes.empty()) {
      if (auto ready = wait(socket, POLLOUT); !ready) return ready;
      const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return failed(errno);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
  }
  /// All that comes until the peer closes.
  Result<std::string> receive(const Socket& socket) {
    std::string all;
    std::array<char, 4096> piece{};
    while (all.size() < kAnswerBytesMax) {
      if (auto ready = wait(socket, POLLIN); !ready) return fail(ready.error());
      const ssize_t got = ::recv(socket.get(), piece.data(), piece.size(), 0);
      if (got == 0) break;
      if (got < 0 && errno != EAGAIN && errno != EINTR) return failed(errno);
      if (got > 0) all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  Result<void> wait(const Socket& socket, short events) {
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
      if (left.count() <= 0) return fail(ErrorKind::timed_out, fmt::format("no answer in time from {}", where_));
      pollfd poll{socket.get(), events, 0};
      const int ready = ::poll(&poll, 1, static_cast<int>(left.count()));
      if (ready > 0) return {};
      if (ready < 0 && errno != EINTR) return failed(errno);
    }
  }
  std::unexpected<Error> failed(int code) const {
    return fail(ErrorKind::unavailable, fmt::format("cannot ask {}: {}", where_, std::strerror(code)),
                "is the agent running, and is http.listen the same here and there?");
  }

  std::string where_;
  Clock::time_point deadline_;
};

Result<ProbeAnswer> read_answer(std::string_view text, const std::string& where) {
  // "HTTP/1.1 200 OK\r\n…\r\n\r\nbody"
  ProbeAnswer answer;
  const std::size_t end = text.find("\r\n\r\n");
  const bool http = text.starts_with("HTTP/1.") && text.size() > 12 && end != std::string_view::npos;
  if (!http || std::from_chars(text.data() + 9, text.data() + 12, answer.status).ec != std::errc()) {
    return fail(ErrorKind::failed, fmt::format("what answers at {} speaks no HTTP", where));
  }
  answer.body = text.substr(end + 4);
  return answer;
}

}  // namespace

Result<ProbeAnswer> probe(const settings::ListenAddress& address, const std::string& path,
                          std::chrono::milliseconds timeout) {
  const std::string host = host_to_ask(address.host);
  const bool v6 = host.find(':') != std::string::npos;
  const std::string where = fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", address.port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(address.port).c_str(), &hints, &found) != 0) {
    return fail(ErrorKind::usage, fmt::format("http.listen: '{}' is no numeric address", host));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);

  Exchange exchange(where, Clock::now() + timeout);
  auto socket = exchange.connect(*addresses);
  if (!socket) return fail(socket.error());
  const std::string request = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", path, where);
  if (auto sent = exchange.send(*socket, request); !sent) return fail(sent.error());
  auto text = exchange.receive(*socket);
  if (!text) return fail(text.error());
  return read_answer(*text, where);
}

}  // namespace bundlesync::cli
