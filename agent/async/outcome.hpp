#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace bundlesync::async {

struct Nothing {};
template <class R>
using Stored = std::conditional_t<std::is_void_v<R>, Nothing, R>;

/// How a call ended: with a value or by an exception. Carries both across threads and coroutines, moved all the way.
template <class R>
class Outcome {
 public:
  explicit Outcome(std::exception_ptr error) : error_(std::move(error)) {}

  /// Calls `fn` and keeps how it ended.
  template <class Fn>
  static Outcome of(Fn& fn) noexcept {
    Outcome outcome(nullptr);
    try {
      if constexpr (std::is_void_v<R>) {
        fn();
        outcome.value_.emplace();
      } else {
        outcome.value_.emplace(fn());
      }
    } catch (...) {
      outcome.error_ = std::current_exception();
    }
    return outcome;
  }
  static Outcome with(Stored<R> value) {
    Outcome outcome(nullptr);
    outcome.value_.emplace(std::move(value));
    return outcome;
  }

  /// The value, or the exception. Once.
  R take() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    if constexpr (!std::is_void_v<R>) return std::move(*value_);
  }

 private:
  std::optional<Stored<R>> value_;
  std::exception_ptr error_;
};

}  // namespace bundlesync::async
