#include "report/systemd.hpp"

#include "report/line.hpp"

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace bundlesync::report {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace

ServiceManager ServiceManager::from_environment(async::Clock& clock) {
  std::optional<std::chrono::microseconds> watchdog;
  const auto for_pid = number(environment("WATCHDOG_PID"));
  const bool for_us = !for_pid || std::cmp_equal(*for_pid, ::getpid());
  if (const auto usec = number(environment("WATCHDOG_USEC")); usec && *usec > 0 && *usec < (1ULL << 53) && for_us) {
    watchdog = std::chrono::microseconds(static_cast<std::int64_t>(*usec));
  }
  return ServiceManager(clock, std::string(environment("NOTIFY_SOCKET")), watchdog);
}

ServiceManager::ServiceManager(async::Clock& clock, std::string socket,
                               std::optional<std::chrono::microseconds> watchdog)
    : clock_(clock), socket_(std::move(socket)), watchdog_(watchdog) {
  const bool named = !socket_.empty() && (socket_.front() == '/' || socket_.front() == '@');
  if (!named || socket_.size() >= sizeof(sockaddr_un::sun_path)) socket_.clear();
}

void ServiceManager::ready(std::string_view status) {
  if (std::exchange(ready_said_, true)) return this->status(status);
  status_said_ = escaped(status, value_bytes_max);
  send("READY=1\nSTATUS=" + status_said_);
}

void ServiceManager::status(std::string_view status) {
  std::string text = escaped(status, value_bytes_max);
  if (text == status_said_) return;
  status_said_ = std::move(text);
  send("STATUS=" + status_said_);
}

void ServiceManager::stopping() {
  if (std::exchange(stopping_said_, true)) return;
  send("STOPPING=1");
}

void ServiceManager::alive() {
  if (!watchdog_) return;
  const async::Steady now = clock_.now();
  if (last_alive_ && now - *last_alive_ < *watchdog_ / 4) return;
  last_alive_ = now;
  send("WATCHDOG=1");
}

void ServiceManager::send(const std::string& message) const {
  if (socket_.empty()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t sent =
      ::sendto(fd, message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
  ::close(fd);
}

}  // namespace bundlesync::report
