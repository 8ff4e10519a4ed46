#pragma once

#include "async/clock.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bundlesync::report {

/// Tells the service manager how we are (sd_notify(3): one datagram a message to $NOTIFY_SOCKET). Where nobody asked
/// for it every call does nothing. A message that cannot be sent is dropped: a manager that does not listen is no
/// reason to stop working.
class ServiceManager {
 public:
  /// By NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of the environment, as systemd sets them.
  static ServiceManager from_environment(async::Clock& clock);
  /// `socket`: a path, or "@name" for an abstract socket; empty for nobody. `watchdog`: how long it waits for alive().
  ServiceManager(async::Clock& clock, std::string socket, std::optional<std::chrono::microseconds> watchdog);

  bool listens() const { return !socket_.empty(); }
  void ready(std::string_view status);   ///< READY=1 once, and the status
  void status(std::string_view status);  ///< STATUS=, when it is another than before
  void stopping();                       ///< STOPPING=1, once
  /// WATCHDOG=1, sent at most every quarter of the time that the manager waits. Call only while healthy.
  void alive();

 private:
  void send(const std::string& message) const;

  async::Clock& clock_;
  std::string socket_;
  std::optional<std::chrono::microseconds> watchdog_;
  std::optional<async::Steady> last_alive_;
  std::string status_said_;
  bool ready_said_ = false;
  bool stopping_said_ = false;
};

}  // namespace bundlesync::report
