#include "storage/http/idle_wires.hpp"

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <utility>

namespace bundlesync::storage::http {
namespace {

struct Idle {
  Idle(std::unique_ptr<Wire> kept, async::Steady end) : wire(std::move(kept)), until(end) {}
  std::unique_ptr<Wire> wire;
  async::Steady until;
};

}  // namespace

struct IdleWires::State {
  State(asio::any_io_executor executor, std::size_t count, std::chrono::milliseconds time)
      : count_max(count), time_max(time), timer(std::move(executor)) {}

  std::size_t count_max;
  std::chrono::milliseconds time_max;
  std::deque<Idle> idle;  ///< oldest first
  asio::steady_timer timer;
  bool is_waiting = false;

  void close_old() {
    const auto now = std::chrono::steady_clock::now();
    while (!idle.empty() && idle.front().until <= now) idle.pop_front();
  }

  /// One wait at a time, for the oldest.
  static void watch(const std::shared_ptr<State>& state) {
    if (state->is_waiting || state->idle.empty()) return;
    state->is_waiting = true;
    state->timer.expires_at(state->idle.front().until);
    state->timer.async_wait([weak = std::weak_ptr<State>(state)](const boost::system::error_code&) {
      const auto still = weak.lock();
      if (!still) return;
      still->is_waiting = false;
      still->close_old();
      watch(still);
    });
  }
};

IdleWires::IdleWires(asio::any_io_executor executor, std::size_t count_max, std::chrono::milliseconds time_max)
    : state_(std::make_shared<State>(std::move(executor), count_max, time_max)) {}

IdleWires::~IdleWires() = default;

std::unique_ptr<Wire> IdleWires::take() {
  state_->close_old();
  while (!state_->idle.empty()) {
    auto wire = std::move(state_->idle.back().wire);
    state_->idle.pop_back();
    if (state_->idle.empty()) state_->timer.cancel();
    if (wire->is_quiet()) return wire;
  }
  return nullptr;
}

void IdleWires::keep(std::unique_ptr<Wire> wire) {
  if (state_->count_max == 0 || !wire->is_quiet()) return;
  if (state_->idle.size() >= state_->count_max) state_->idle.pop_front();
  state_->idle.emplace_back(std::move(wire), std::chrono::steady_clock::now() + state_->time_max);
  State::watch(state_);
}

void IdleWires::clear() {
  state_->idle.clear();
  state_->timer.cancel();
}

}  // namespace bundlesync::storage::http
