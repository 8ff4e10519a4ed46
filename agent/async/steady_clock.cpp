#include "async/steady_clock.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bundlesync::async {

Task<> SteadyClock::sleep_until(Steady when) {
  asio::steady_timer timer(executor_, when);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace bundlesync::async
