#include "fakes/manual_clock.hpp"

#include "async/cancelled.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bundlesync::fakes {

Task<> ManualClock::sleep_until(async::Steady when) {
  if (when <= now_) {
    co_await asio::post(io_, asio::use_awaitable);
    co_return;
  }
  Sleeper sleeper(io_, when);
  const Registered registered(sleepers_, sleeper);
  co_await sleeper.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!sleeper.due) std::rethrow_exception(async::operation_aborted());
}

}  // namespace bundlesync::fakes
