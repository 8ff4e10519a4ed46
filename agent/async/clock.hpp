#pragma once

#include "async/task.hpp"

#include <chrono>

namespace bundlesync::async {

using Steady = std::chrono::steady_clock::time_point;
using Wall = std::chrono::system_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// The one way to know or wait for time. Real: SteadyClock on an io_context. Tests: ManualClock (tests/fakes).
/// Decisions use now(), which never jumps; wall_now() is for stamps that people read.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Steady now() const = 0;
  virtual Wall wall_now() const = 0;
  /// Ends at `when`, or at once when it is past. Cancellable (throws operation_aborted).
  virtual Task<> sleep_until(Steady when) = 0;
};

}  // namespace bundlesync::async
