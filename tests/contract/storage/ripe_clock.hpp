#pragma once

#include "async/clock.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace bundlesync::storage::contract {

/// Time that is always ripe: a wait between attempts is over at once, a deadline never comes.
class RipeClock final : public async::Clock {
 public:
  async::Steady now() const override { return async::Steady(); }
  async::Wall wall_now() const override { return async::Wall(); }
  Task<> sleep_until(async::Steady when) override {
    if (when - now() < std::chrono::seconds(10)) co_return;
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer never(executor, asio::steady_timer::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
  }
};

}  // namespace bundlesync::storage::contract
