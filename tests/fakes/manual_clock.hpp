#pragma once

#include "async/clock.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <list>
#include <stdexcept>
#include <thread>

namespace bundlesync::fakes {

/// Time that moves only when the test says so, on an io_context that the test drives through it.
class ManualClock final : public async::Clock {
 public:
  explicit ManualClock(asio::io_context& io) : io_(io) {}

  async::Steady now() const override { return now_; }
  async::Wall wall_now() const override { return wall_; }

  Task<> sleep_until(async::Steady when) override;

  /// Runs what is ready until nothing is. A loop that never comes to rest is an error after 100,000 handlers.
  void settle() {
    constexpr std::size_t handlers_max = 100'000;
    for (std::size_t ran = 0; ran < handlers_max; ++ran) {
      io_.restart();
      if (io_.poll_one() == 0) return;
    }
    throw std::runtime_error("the loop did not come to rest");
  }

  /// Settles, then moves time on; every sleeper on the way wakes at its own moment, in order.
  void advance(async::Duration duration) {
    settle();
    const auto target = now_ + duration;
    while (true) {
      const auto next = std::ranges::min_element(sleepers_, {}, [](const Sleeper* s) { return s->when; });
      if (next == sleepers_.end() || (*next)->when > target) break;
      move_to((*next)->when);
      wake_due();
      settle();
    }
    move_to(target);
  }

  /// Settles until `done()`, for work on other threads and sockets, which take real time: false after 10 s of it.
  template <class Predicate>
  bool settle_until(Predicate done) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (true) {
      settle();
      if (done()) return true;
      if (std::chrono::steady_clock::now() > give_up) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }

  /// People's clock alone: steady time does not move.
  void jump_wall(async::Duration by) { wall_ += std::chrono::duration_cast<async::Wall::duration>(by); }
  std::size_t sleepers() const { return sleepers_.size(); }

 private:
  struct Sleeper {
    Sleeper(asio::io_context& io, async::Steady until) : when(until), timer(io, async::Steady::max()) {}
    async::Steady when;
    asio::steady_timer timer;  ///< a condition variable: cancelled to wake
    bool due = false;
  };
  using Sleepers = std::list<Sleeper*>;
  struct Registered {
    Registered(Sleepers& all, Sleeper& one) : sleepers(all), sleeper(&one) { sleepers.push_back(sleeper); }
    ~Registered() { sleepers.remove(sleeper); }
    Registered(const Registered&) = delete;
    Registered& operator=(const Registered&) = delete;
    Sleepers& sleepers;
    Sleeper* sleeper;
  };

  void move_to(async::Steady when) {
    wall_ += std::chrono::duration_cast<async::Wall::duration>(when - now_);
    now_ = when;
  }
  void wake_due() {
    for (auto* sleeper : sleepers_) {
      if (sleeper->when > now_ || sleeper->due) continue;
      sleeper->due = true;
      sleeper->timer.cancel();
    }
  }

  asio::io_context& io_;
  async::Steady now_ = async::Steady() + std::chrono::hours(1'000);
  async::Wall wall_ = async::Wall() + std::chrono::sys_days(std::chrono::year(2026) / 1 / 1).time_since_epoch();
  Sleepers sleepers_;
};

}  // namespace bundlesync::fakes
