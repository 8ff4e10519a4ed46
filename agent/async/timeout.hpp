#pragma once

#include "async/cancelled.hpp"
#include "async/clock.hpp"
#include "async/outcome.hpp"
#include "async/task.hpp"
#include "base/error.hpp"
#include "base/units.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace bundlesync::async {
namespace detail {

template <class T>
Task<Outcome<T>> outcome_of(Task<T> operation) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(operation);
      co_return Outcome<T>::with(Nothing());
    } else {
      auto value = co_await std::move(operation);
      co_return Outcome<T>::with(std::move(value));
    }
  } catch (...) {
    co_return Outcome<T>(unwrap(std::current_exception()));
  }
}

}  // namespace detail

/// What `operation` gives, or nothing when the deadline came first. Then the operation is cancelled, and this ends when
/// it has ended: at once for sockets and timers, late for offload(). What the operation throws is thrown on, a
/// cancellation from outside included.
template <class T>
Task<std::optional<Stored<T>>> before(Task<T> operation, Clock& clock, Steady deadline) {
  using asio::experimental::awaitable_operators::operator||;
  // Asio's || waits for the first success: an exception would wait for the deadline, so it travels as a value.
  auto guarded = detail::outcome_of(std::move(operation));
  auto timer = clock.sleep_until(deadline);
  auto race = std::move(guarded) || std::move(timer);
  auto first = co_await std::move(race);
  if (first.index() != 0) co_return std::nullopt;
  if constexpr (std::is_void_v<T>) {
    std::get<0>(first).take();
    co_return Nothing();
  } else {
    co_return std::get<0>(first).take();
  }
}

/// Gives the operation `limit` to end; else an Error of kind timed_out: "NAME did not end within 5s".
template <class T>
Task<Result<T>> with_timeout(Task<Result<T>> operation, Clock& clock, Duration limit, std::string name) {
  auto ended = co_await before(std::move(operation), clock, clock.now() + limit);
  if (ended) co_return std::move(*ended);
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(limit);
  co_return fail(ErrorKind::timed_out, name + " did not end within " + format_duration(rounded));
}

}  // namespace bundlesync::async
