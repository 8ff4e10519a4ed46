#pragma once

#include "async/clock.hpp"
#include "async/task.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace bundlesync::async {

/// One bit: "look again". Set until somebody waited for it, so a storm is one wake-up and none is lost. On the loop
/// thread only; one waiter at a time.
class Wakeup {
 public:
  explicit Wakeup(asio::any_io_executor executor) : never_(std::move(executor), Steady::max()) {}

  void notify();
  bool is_set() const { return set_; }
  /// Until the bit is set (at once when it is), and clears it. A cancelled wait clears nothing.
  Task<> wait();
  /// The same, until `deadline`: false when that came first.
  Task<bool> wait_until(Clock& clock, Steady deadline);

 private:
  Task<> until_set();

  bool set_ = false;
  asio::steady_timer never_;  ///< a condition variable: never expires, is cancelled to wake
};

}  // namespace bundlesync::async
