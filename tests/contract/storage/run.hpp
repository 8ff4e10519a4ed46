#pragma once

#include "async/task.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace bundlesync::test {

/// Holds what a coroutine ended with; both empty while it runs.
template <class T>
struct Ended {
  std::optional<T> value;
  std::exception_ptr error;
  bool done() const { return value.has_value() || error != nullptr; }
};

/// Begins a coroutine on `loop`; it runs while the loop does. `ended` and `cancel` must outlive it.
template <class T>
void begin(asio::io_context& loop, Task<T> task, Ended<T>& ended, asio::cancellation_signal* cancel = nullptr) {
  auto keep = [&ended](std::exception_ptr error, T value) {
    if (error) {
      ended.error = error;
    } else {
      ended.value.emplace(std::move(value));
    }
  };
  if (cancel == nullptr) {
    asio::co_spawn(loop, std::move(task), std::move(keep));
  } else {
    asio::co_spawn(loop, std::move(task), asio::bind_cancellation_slot(cancel->slot(), std::move(keep)));
  }
}

/// Runs the loop until `done()` or until the time is up; the result says which.
template <class Done>
bool run_until(asio::io_context& loop, Done done, std::chrono::milliseconds at_most = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + at_most;
  while (!done() && std::chrono::steady_clock::now() < end) {
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(20));
  }
  return done();
}

/// Runs one coroutine to its end on this loop.
template <class T>
T run(asio::io_context& loop, Task<T> task) {
  Ended<T> ended;
  begin(loop, std::move(task), ended);
  if (!run_until(loop, [&ended] { return ended.done(); }))
    throw std::runtime_error("the coroutine did not end within 20 s");
  if (ended.error) std::rethrow_exception(ended.error);
  return std::move(*ended.value);
}

/// This thread's own: it outlives every pool of a test, whose threads may still be waking it when a coroutine has ended.
inline asio::io_context& own_loop() {
  thread_local asio::io_context loop(1);
  return loop;
}

/// The same on this thread's own loop.
template <class T>
T run(Task<T> task) {
  return run(own_loop(), std::move(task));
}

}  // namespace bundlesync::test
