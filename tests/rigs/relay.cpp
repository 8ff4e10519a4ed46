#include "rigs/relay.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace bundlesync::rigs {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int new_socket() {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) throw std::runtime_error("socket");
  return made;
}

}  // namespace

Relay::Relay(int to_port) : to_port_(to_port), listener_(new_socket()) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("a relay cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

Relay::~Relay() {
  over_ = true;
  thread_.join();
  for (const auto& link : links_) {
    ::close(link.client);
    if (link.server >= 0) ::close(link.server);
  }
  ::close(listener_);
}

void Relay::swallow(bool everything) {
  swallowing_ = everything;
}

void Relay::accept_one() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  Link link{client, -1};
  if (swallowing_) {
    link.dead = true;
  } else {
    link.server = new_socket();
    const sockaddr_in address = loopback(to_port_);
    if (::connect(link.server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(link.server);
      ::close(client);
      return;
    }
  }
  links_.push_back(link);
}

/// False when one side has ended.
bool Relay::pass(int from, int to) {
  std::array<char, 16384> bytes{};
  const ssize_t size = ::recv(from, bytes.data(), bytes.size(), 0);
  if (size <= 0) return false;
  return ::send(to, bytes.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) == size;
}

void Relay::run() {
  while (!over_) {
    std::vector<pollfd> watched{{listener_, POLLIN, 0}};
    for (auto& link : links_) {
      link.dead |= swallowing_;
      if (link.dead) continue;
      watched.push_back({link.client, POLLIN, 0});
      watched.push_back({link.server, POLLIN, 0});
    }
    if (::poll(watched.data(), watched.size(), 20) <= 0) continue;
    const auto is_readable = [&](int fd) {
      return std::ranges::any_of(watched, [&](const pollfd& one) { return one.fd == fd && one.revents != 0; });
    };
    std::erase_if(links_, [&](const Link& link) {
      if (link.dead || swallowing_) return false;
      const bool goes_on = (!is_readable(link.client) || pass(link.client, link.server)) &&
                           (!is_readable(link.server) || pass(link.server, link.client));
      if (!goes_on) {
        ::close(link.client);
        ::close(link.server);
      }
      return !goes_on;
    });
    if (is_readable(listener_)) accept_one();
  }
}

}  // namespace bundlesync::rigs
