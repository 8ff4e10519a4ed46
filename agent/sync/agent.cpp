#include "sync/agent.hpp"

#include "async/task_group.hpp"

#include <boost/asio/this_coro.hpp>

#include <exception>
#include <utility>

namespace bundlesync::sync {
namespace {
constexpr auto kTickInterval = std::chrono::seconds(1);
/// One of several targets that could not be used is tried again after so long.
constexpr auto kKeepAgainAfter = std::chrono::seconds(5);

std::vector<Place> only(World world, const Options& options) {
  Place place{std::string(), world, &options};
  return std::vector<Place>(1, std::move(place));
}
}  // namespace

Agent::Agent(World session, std::vector<Place> places, catalog::Feed* feed, WatchOptions watch_options)
    : session_(session),
      feed_(feed),
      watch_options_(std::move(watch_options)),
      fetch_permits_(session.executor, places.front().options->fetch_parallel),
      audience_(session.executor, places.size()) {
  for (Place& place : places) {
    place.world.fetch_permits = &fetch_permits_;
    rooms_.emplace_back(place, audience_);
  }
}

Agent::Agent(World world, const Options& options, catalog::Feed* feed, WatchOptions watch_options)
    : Agent(world, only(world, options), feed, std::move(watch_options)) {}

Task<Result<void>> Agent::follow() {
  async::TaskGroup tasks(session_.executor);
  tasks.spawn("tick", tick());
  for (Room& room : rooms_) tasks.spawn("keep", keep(room));
  if (feed_) tasks.spawn("watch", watch(session_, *feed_, audience_, watch_options_));
  Result<void> ended = co_await tasks.wait();
  if (ended) co_return ended;
  for (const Room& room : rooms_) {
    if (room.failed) co_return fail(*room.failed);  // as it is, without the tasks' names
  }
  co_return ended;
}

Task<Result<void>> Agent::keep(Room& room) {
  for (;;) {
    // A task of its own: while it unwinds it hears of no cancellation, and we must go on hearing of them.
    async::TaskGroup keeping(session_.executor);
    room.failed.reset();
    keeping.spawn("keeper", keep_until_it_fails(room));
    Result<void> ended = co_await keeping.wait();
    if (!ended || !room.failed) co_return ended;
    const bool reopens = room.failed->reason() == "target_replaced";  // a start does, and finds the others unharmed
    if (rooms_.size() == 1 || reopens) co_return fail(*room.failed);
    room.reporter.sync_failed(*room.failed);
    co_await session_.clock.sleep_until(session_.clock.now() + kKeepAgainAfter);
  }
}

Task<Result<void>> Agent::keep_until_it_fails(Room& room) {
  Result<void> ended = co_await room.keeper.follow();
  if (!ended) room.failed = ended.error();
  co_return Result<void>();
}

Task<Result<void>> Agent::tick() {
  for (;;) {
    session_.reporter.tick();
    co_await session_.clock.sleep_until(session_.clock.now() + kTickInterval);
  }
}

Task<Result<OnceOutcome>> Agent::once(async::Duration timeout) {
  async::TaskGroup watching(session_.executor);
  async::TaskGroup keeping(session_.executor);
  if (feed_) watching.spawn("watch", watch(session_, *feed_, audience_, watch_options_));
  for (Room& room : rooms_) keeping.spawn("keep", keep_once(room, timeout));
  std::exception_ptr thrown;
  try {
    Result<void> kept = co_await keeping.wait();
    (void)kept;  // each room has its outcome
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  watching.cancel_all();
  Result<void> unwound = co_await watching.wait();
  if (thrown) std::rethrow_exception(thrown);
  if (!unwound) co_return fail(unwound.error());
  co_return together();
}

Task<Result<void>> Agent::keep_once(Room& room, async::Duration timeout) {
  room.outcome = co_await room.keeper.once(timeout);
  co_return Result<void>();
}

Result<OnceOutcome> Agent::together() {
  OnceOutcome all;
  all.readiness.ready = true;
  all.converged = true;
  for (Room& room : rooms_) {
    const std::string of = room.name.empty() ? std::string() : room.name + "/";
    if (!room.outcome) return fail(room.outcome.error());
    all.readiness.ready &= room.outcome->readiness.ready;
    all.converged &= room.outcome->converged;
    for (const auto& missing : room.outcome->readiness.missing) all.readiness.missing.push_back(of + missing);
    for (const auto& line : room.outcome->unfinished) all.unfinished.push_back(of + line);
  }
  return all;
}

}  // namespace bundlesync::sync
