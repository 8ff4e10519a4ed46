#pragma once

#include "async/cancelled.hpp"
#include "async/clock.hpp"
#include "async/outcome.hpp"
#include "async/task.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace bundlesync::async {

/// A few threads for blocking leaf functions (hash, write and fsync, link a tree). Jobs take values, return values and
/// share nothing. Threads start with the first job that needs them and take no signals. Must end before the
/// io_context that awaits its results. Media that may hang (NFS) get a pool of their own: a hanging job keeps its
/// thread.
class Pool {
 public:
  using Job = std::move_only_function<void()>;

  explicit Pool(std::size_t threads_max) : threads_max_(threads_max) {}
  ~Pool();  ///< finishes what was posted, then joins; Loop bounds how long that may take
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void post(Job job);  ///< from any thread; jobs never throw
  /// True once nothing is queued or running; false when `within` passed before.
  bool wait_idle(Duration within);

 private:
  void work();

  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::size_t busy_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

namespace detail {

/// Runs `fn` on the pool and completes the handler on its own executor. Handler and result are moved, never copied:
/// nothing of the coroutine is touched or destroyed on a pool thread.
struct StartJob {
  template <class Handler, class Fn>
  void operator()(Handler&& handler, Pool* pool, Fn fn) const {
    using R = std::invoke_result_t<Fn&>;
    auto home = asio::get_associated_executor(handler);
    auto job = [handler = std::forward<Handler>(handler), fn = std::move(fn), home,
                guard = asio::make_work_guard(home)]() mutable {
      auto outcome = Outcome<R>::of(fn);
      // The function's captures go with the result: whatever they own is freed at home, in order.
      auto finish = [handler = std::move(handler), outcome = std::move(outcome), fn = std::move(fn),
                     guard = std::move(guard)]() mutable {
        std::move(handler)(std::move(outcome));
        static_cast<void>(fn);
      };
      asio::post(home, std::move(finish));
    };
    pool->post(std::move(job));
  }
};

enum class JobState { pending, finished, abandoned };

/// Shared by the loop thread and one pool thread. Whoever moves `state` away from pending completes the handler.
template <class R, class Handler>
struct AbandonableJob {
  using Executor = asio::associated_executor_t<Handler>;
  explicit AbandonableJob(Handler h)
      : handler(std::move(h)), home(asio::get_associated_executor(handler)), guard(asio::make_work_guard(home)) {}

  bool claim(JobState outcome) {
    auto pending = JobState::pending;
    return state.compare_exchange_strong(pending, outcome);
  }
  /// On the loop thread, once.
  void complete(Outcome<R> outcome) {
    if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) slot.clear();
    guard.reset();
    auto last = std::move(handler);
    std::move(last)(std::move(outcome));
  }

  Handler handler;
  Executor home;
  asio::executor_work_guard<Executor> guard;
  std::atomic<JobState> state{JobState::pending};
};

struct StartAbandonableJob {
  template <class H, class Fn>
  void operator()(H&& handler, Pool* pool, Fn fn) const {
    using R = std::invoke_result_t<Fn&>;
    using Shared = AbandonableJob<R, std::decay_t<H>>;
    auto shared = std::make_shared<Shared>(std::forward<H>(handler));
    if (auto slot = asio::get_associated_cancellation_slot(shared->handler); slot.is_connected()) {
      slot.assign([weak = std::weak_ptr<Shared>(shared)](asio::cancellation_type) {
        const auto job = weak.lock();
        if (!job || !job->claim(JobState::abandoned)) return;
        asio::post(job->home, [job] { job->complete(Outcome<R>(operation_aborted())); });
      });
    }
    pool->post([shared = std::move(shared), fn = std::move(fn)]() mutable {
      if (shared->state.load() == JobState::abandoned) return;
      auto outcome = Outcome<R>::of(fn);
      if (!shared->claim(JobState::finished)) return;  // nobody waits any more: the result ends here
      auto home = shared->home;
      asio::post(home, [shared = std::move(shared), outcome = std::move(outcome)]() mutable {
        shared->complete(std::move(outcome));
      });
    });
  }
};

}  // namespace detail

/// Runs `fn()` on the pool and gives what it returns (or throws), back on the loop thread. Not cancellable: a cancelled
/// caller goes on when the function has ended.
template <class Fn, class R = std::invoke_result_t<Fn&>>
Task<R> offload(Pool& pool, Fn fn) {
  const detail::StartJob start;
  auto outcome = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Outcome<R>)>(
      start, asio::use_awaitable, &pool, std::move(fn));
  co_return outcome.take();
}

/// Like offload(), but a cancelled caller goes on at once (operation_aborted): the job ends whenever it ends, and its
/// result is destroyed on its pool thread; a job that has not begun is skipped. So `fn` must own all that it touches,
/// and nothing in it may belong to the loop thread.
template <class Fn, class R = std::invoke_result_t<Fn&>>
Task<R> offload_abandonable(Pool& pool, Fn fn) {
  const detail::StartAbandonableJob start;
  auto outcome = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Outcome<R>)>(
      start, asio::use_awaitable, &pool, std::move(fn));
  co_return outcome.take();
}

}  // namespace bundlesync::async
