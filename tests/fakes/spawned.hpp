#pragma once

#include "async/cancelled.hpp"
#include "async/outcome.hpp"
#include "async/task.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace bundlesync::fakes {

/// A coroutine that a test starts, looks at and cancels. The test drives the io_context.
template <class T = void>
class Spawned {
 public:
  Spawned(asio::io_context& io, Task<T> task) {
    auto ended = [state = state_](std::exception_ptr error) {
      state->ended = true;
      state->error = async::unwrap(std::move(error));
    };
    asio::co_spawn(io, keep(std::move(task), state_), asio::bind_cancellation_slot(state_->stop.slot(), ended));
  }

  void cancel() { state_->stop.emit(asio::cancellation_type::terminal); }
  bool ended() const { return state_->ended; }
  bool cancelled() const { return state_->ended && async::is_cancellation(state_->error); }
  /// What it returned; throws what it threw. Only when it has ended.
  T take() {
    if (state_->error) std::rethrow_exception(state_->error);
    if constexpr (!std::is_void_v<T>) return std::move(state_->value.value());
  }

 private:
  struct State {
    asio::cancellation_signal stop;
    bool ended = false;
    std::exception_ptr error;
    std::optional<async::Stored<T>> value;
  };

  static Task<> keep(Task<T> task, std::shared_ptr<State> state) {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
    } else {
      auto value = co_await std::move(task);
      state->value.emplace(std::move(value));
    }
  }

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

template <class T>
Spawned(asio::io_context&, Task<T>) -> Spawned<T>;

}  // namespace bundlesync::fakes
