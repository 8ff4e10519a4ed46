#include "sync/keeper.hpp"

#include "async/cancelled.hpp"
#include "async/pool.hpp"
#include "async/task_group.hpp"
#include "async/timeout.hpp"
#include "base/backoff.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace bundlesync::sync {
namespace {
constexpr auto kStatusInterval = std::chrono::milliseconds(200);
constexpr auto kGuardInterval = std::chrono::seconds(5);
constexpr auto kGuardAgainAfter = std::chrono::seconds(1);
constexpr auto kStandbyInterval = std::chrono::milliseconds(500);
/// How long a start tries to read what is on the disk.
constexpr auto kRecoverPatience = std::chrono::seconds(15);

/// A task that the liveness rules know: once it runs it must go on running, so what ends when it is done bears no mark.
class TaskMark {
 public:
  TaskMark(report::Reporter& reporter, std::string name) : reporter_(reporter), name_(std::move(name)) {
    reporter_.task_running(name_, true);
  }
  TaskMark(const TaskMark&) = delete;
  TaskMark& operator=(const TaskMark&) = delete;
  ~TaskMark() { reporter_.task_running(name_, false); }

 private:
  report::Reporter& reporter_;
  const std::string name_;
};

/// There, for as long as this lives.
class Attendance {
 public:
  Attendance(Audience& audience, Reconciler& reconciler) : audience_(audience), reconciler_(reconciler) {
    audience_.join(reconciler_);
  }
  Attendance(const Attendance&) = delete;
  Attendance& operator=(const Attendance&) = delete;
  ~Attendance() { audience_.leave(reconciler_); }

 private:
  Audience& audience_;
  Reconciler& reconciler_;
};
}  // namespace

Keeper::Keeper(World world, const Options& options, Audience& audience)
    : world_(world), options_(options), audience_(audience), reconciler_(world, options) {}

Task<Result<void>> Keeper::follow() {
  async::TaskGroup tasks(world_.executor);
  std::exception_ptr thrown;
  std::optional<disk::TargetLock> lock;  // held until everything that writes has unwound
  std::optional<Attendance> attendance;
  std::optional<Error> replaced;
  Result<void> ended;
  try {
    lock = co_await standby();
    ended = co_await recover(kRecoverPatience);
    if (ended) {
      tasks.spawn("reconcile", reconcile(false));
      tasks.spawn("status", keep_status());
      tasks.spawn("guard", guard(replaced));
      if (options_.scrub_interval.count() > 0) tasks.spawn("scrub", scrub());
      attendance.emplace(audience_, reconciler_);
      ended = co_await tasks.wait();
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  // Cancelled or not: what is under way unwinds before the frame that it refers to goes.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  attendance.reset();
  tasks.cancel_all();
  co_await reconciler_.stop();
  Result<void> unwound;
  try {
    unwound = co_await tasks.wait();
  } catch (...) {
    if (!thrown) thrown = std::current_exception();  // the group remembers that it was cancelled, and says so again
  }
  if (lock) co_await save_status();
  if (thrown) std::rethrow_exception(thrown);
  if (replaced) co_return fail(*replaced);  // as it is, without the task's name
  co_return ended ? unwound : ended;
}

Task<Result<OnceOutcome>> Keeper::once(async::Duration timeout) {
  Result<disk::TargetLock> lock = disk::TargetLock::try_take(world_.target);
  if (!lock) {
    audience_.hold_back(reconciler_);
    if (lock.error().kind() == ErrorKind::held) co_return fail(lock.error());
    world_.reporter.sync_failed(lock.error());
    co_await reconciler_.look();
    co_return outcome();
  }
  Result<void> recovered = co_await recover(std::min<async::Duration>(timeout, kRecoverPatience));
  if (!recovered) {
    audience_.hold_back(reconciler_);
    co_return fail(recovered.error());
  }
  std::optional<Attendance> attendance(std::in_place, audience_, reconciler_);
  Task<Result<void>> settling = reconcile(true);
  std::exception_ptr thrown;
  try {
    Result<void> settled =
        co_await async::with_timeout(std::move(settling), world_.clock, timeout, "reaching the desired versions");
    (void)settled;  // the outcome says how far it came
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  attendance.reset();
  co_await reconciler_.stop();
  co_await save_status();
  if (thrown) std::rethrow_exception(thrown);
  co_return outcome();
}

/// Waits for the lock. Another agent may hold it for as long as it lives; which one is said once. Where the disk cannot
/// lock (it became read-only, say), that is an alarm, and what is shown is served meanwhile without writing.
Task<disk::TargetLock> Keeper::standby() {
  bool looked = false;
  for (;;) {
    Result<disk::TargetLock> lock = disk::TargetLock::try_take(world_.target);
    if (lock) co_return std::move(*lock);
    audience_.hold_back(reconciler_);
    if (lock.error().kind() == ErrorKind::held) {
      world_.reporter.standby(lock.error());
    } else {
      world_.reporter.sync_failed(lock.error());
      if (!std::exchange(looked, true)) co_await reconciler_.look();
    }
    co_await world_.clock.sleep_until(world_.clock.now() + kStandbyInterval);
  }
}

/// What cannot be read now may be whole, so nothing is built upon its absence: it is tried again for a while.
Task<Result<void>> Keeper::recover(async::Duration patience) {
  const async::Steady give_up = world_.clock.now() + patience;
  for (unsigned attempt = 0;; ++attempt) {
    const auto bound = backoff_delay(attempt, world_.random.next());
    const auto wait = std::chrono::duration_cast<async::Duration>(
        std::max<std::chrono::nanoseconds>(bound, std::chrono::milliseconds(100)));
    const bool last_try = world_.clock.now() + wait >= give_up;
    Result<void> recovered = co_await reconciler_.recover(last_try);
    if (recovered || last_try) co_return recovered;
    world_.reporter.sync_failed(recovered.error());
    co_await world_.clock.sleep_until(world_.clock.now() + wait);
  }
}

Task<Result<void>> Keeper::reconcile(bool until_settled) {
  const TaskMark mark(world_.reporter, "reconcile");
  co_await reconciler_.run(until_settled);
  co_return Result<void>();
}

Task<Result<void>> Keeper::scrub() {
  co_await reconciler_.scrub();
  co_return Result<void>();
}

/// Whether what apps read is still there. Nobody sees what is written to a directory that was removed or mounted over.
/// What is back a second later was moved about, by an operator or by a neighbour who would like to see us end.
Task<Result<void>> Keeper::guard(std::optional<Error>& replaced) {
  disk::Target& target = world_.target;
  for (bool was_there = true;;) {
    Result<void> there = co_await async::offload(world_.disk_pool, [&target] { return target.in_place(); });
    if (!there && !was_there) {
      replaced = there.error();
      co_return there;
    }
    was_there = there.has_value();
    if (was_there) co_await reconciler_.look_for_losses();
    const async::Duration wait = was_there ? kGuardInterval : kGuardAgainAfter;
    co_await world_.clock.sleep_until(world_.clock.now() + wait);
  }
}

/// What `bundlesync status` reads lies on disk a moment after it changed. Only whoever holds the lock writes it.
Task<Result<void>> Keeper::keep_status() {
  for (;;) {
    co_await save_status();
    co_await world_.clock.sleep_until(world_.clock.now() + kStatusInterval);
  }
}

Task<> Keeper::save_status() {
  const std::optional<std::string> text = world_.reporter.unsaved_status();
  if (!text) co_return;
  disk::StateStore& state = world_.state;
  const std::string& json = *text;
  Result<void> saved = co_await async::offload(world_.disk_pool, [&state, &json] { return state.save_status(json); });
  if (!saved) world_.reporter.warning(saved.error().line());
}

OnceOutcome Keeper::outcome() const {
  OnceOutcome result;
  result.readiness = reconciler_.readiness();
  result.converged = plan::converged(reconciler_.plan());
  for (const auto& [name, status] : reconciler_.plan().status) {
    if (status.state == plan::State::current || status.state == plan::State::moving) continue;
    std::string line = name + ": " + plan::to_string(status.state);
    if (!status.reason.empty()) line += " " + status.reason;
    result.unfinished.push_back(std::move(line));
  }
  return result;
}

}  // namespace bundlesync::sync
