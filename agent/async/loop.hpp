#pragma once

#include "async/pool.hpp"
#include "async/steady_clock.hpp"
#include "async/task.hpp"
#include "base/error.hpp"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

namespace bundlesync::async {

struct LoopOptions {
  std::size_t pool_threads = 4;
  Duration shutdown = std::chrono::seconds(8);  ///< from the first signal, or the end of run(), to a forced exit
};

/// The process's loop: ONE thread, the caller's, runs every coroutine, socket, timer and signal; no lock is needed and
/// none is taken in coroutines. Blocking leaf functions go to pool(). One a process, in main().
class Loop {
 public:
  explicit Loop(LoopOptions options = {});
  /// Waits for the pool and a resolver that still runs, within LoopOptions::shutdown: what hangs longer cannot be
  /// joined, and the process ends by _exit(exit code) with a line on stderr.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  asio::io_context& io() { return *io_; }
  asio::any_io_executor executor() { return io_->get_executor(); }
  Clock& clock() { return clock_; }
  Pool& pool() { return *pool_; }

  /// Runs `root` to its end; may be called again. SIGTERM and SIGINT (and stop()) cancel it: it unwinds, and the result
  /// is what it returns, or `cancelled` "stopped by SIGTERM" when it did not end of its own. A second signal ends the
  /// process at once (_exit 128 + signal), whatever the loop does. Rethrows what root throws besides.
  template <class T>
  Result<T> run(Task<Result<T>> root);
  /// As a first signal does. On the loop thread.
  void stop();
  bool stopping() const { return stopped_by_ != 0; }

  /// For whoever has nothing left to lose: what still runs has this long, and then the process ends without a word.
  /// Counts from now, not from the signal.
  void end_within(Duration limit);

  /// What a forced exit in the destructor ends the process with: set it before main returns. 1 until then.
  void set_exit_code(int code) { exit_code_ = code; }

 private:
  class Watchdog;

  void drive(Task<> root);
  void stop_by(int signal);
  void force_exit_after_shutdown();

  LoopOptions options_;
  std::unique_ptr<asio::io_context> io_;
  SteadyClock clock_;
  std::unique_ptr<Pool> pool_;  ///< below io_: it ends first, its results go home before the home is gone
  asio::cancellation_signal stop_;
  std::unique_ptr<Watchdog> watchdog_;
  std::atomic<int> exit_code_{1};
  int stopped_by_ = 0;  ///< the signal; 0 while nobody asked to stop
};

namespace detail {

template <class T>
Task<> keep_result(Task<Result<T>> root, std::optional<Result<T>>* kept) {
  auto result = co_await std::move(root);
  kept->emplace(std::move(result));
}

Error stopped_error(int signal);

}  // namespace detail

template <class T>
Result<T> Loop::run(Task<Result<T>> root) {
  std::optional<Result<T>> kept;
  try {
    drive(detail::keep_result(std::move(root), &kept));
  } catch (...) {
    if (!stopping() || !is_cancellation(std::current_exception())) throw;
    return fail(detail::stopped_error(stopped_by_));
  }
  return std::move(*kept);
}

}  // namespace bundlesync::async
