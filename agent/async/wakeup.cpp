#include "async/wakeup.hpp"

#include "async/cancelled.hpp"
#include "async/timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace bundlesync::async {

void Wakeup::notify() {
  set_ = true;
  never_.cancel();
}

Task<> Wakeup::until_set() {
  while (!set_) {
    co_await never_.async_wait(asio::as_tuple(asio::use_awaitable));
    // Woken without the bit means cancelled: the next await would throw, but there may be none.
    if (!set_) std::rethrow_exception(operation_aborted());
  }
}

Task<> Wakeup::wait() {
  co_await until_set();
  set_ = false;
}

Task<bool> Wakeup::wait_until(Clock& clock, Steady deadline) {
  // Decided by the bit and not by who won: a notify in the same moment as the deadline must not be lost.
  co_await before(until_set(), clock, deadline);
  co_return std::exchange(set_, false);
}

}  // namespace bundlesync::async
