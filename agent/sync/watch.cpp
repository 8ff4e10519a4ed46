#include "sync/watch.hpp"

#include "base/glob.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace bundlesync::sync {
namespace {
/// How soon a target that has become ours is asked for.
constexpr auto kJoinInterval = std::chrono::milliseconds(200);

/// Carries out what the plan says, one step at a time.
class Watch {
 public:
  Watch(World world, catalog::Feed& feed, Audience& audience, const WatchOptions& options)
      : world_(world), feed_(feed), audience_(audience), plan_(options, world.random.next()) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { feed_.close(); }

  Task<> run() {
    catalog::Step step = plan_.start(world_.clock.now());
    for (;;) {
      tell(step);
      catalog::Step next = co_await take(step);
      step = std::move(next);
    }
  }

 private:
  async::Steady now() const { return world_.clock.now(); }

  Task<catalog::Step> take(const catalog::Step& step) {
    switch (step.action) {
      case catalog::WatchAction::connect:
        return connect();
      case catalog::WatchAction::listen:
        return done(feed_.listen());
      case catalog::WatchAction::ask_full:
        return ask(std::string());
      case catalog::WatchAction::ask:
        return ask(step.since);
      case catalog::WatchAction::probe:
        return probe();
      case catalog::WatchAction::wait:
        return wait(step.deadline);
      case catalog::WatchAction::heartbeat:
        return heartbeat();
      case catalog::WatchAction::sleep:
        return sleep(step.deadline);
      case catalog::WatchAction::close:
        return close();
    }
    return close();
  }

  Task<catalog::Step> connect() {
    Result<catalog::SessionInfo> info = co_await feed_.connect();
    if (!info) co_return failed(info.error());
    for (const auto& warning : info->warnings) world_.reporter.warning(warning);
    const std::string why = info->privilege.empty() ? "" : "the database role " + info->role + " " + info->privilege;
    world_.reporter.privileged("database_role", why);
    world_.reporter.connected(info->host + "/" + info->database, info->role, plan_.polling() ? "poll" : "listen");
    world_.reporter.contacted("database");
    co_return plan_.done(now());
  }

  Task<catalog::Step> done(Task<Result<void>> call) {
    Result<void> result = co_await std::move(call);
    if (!result) co_return failed(result.error());
    world_.reporter.contacted("database");
    co_return plan_.done(now());
  }

  Task<catalog::Step> heartbeat() { return done(feed_.heartbeat()); }

  Task<catalog::Step> ask(std::string since) {
    catalog::Question question = audience_.question(std::move(since));
    Result<plan::Answer> answer = co_await feed_.ask(std::move(question));
    if (!answer) co_return failed(answer.error());
    world_.reporter.contacted("database");
    catalog::Step next = plan_.answered(*answer, now());
    if (!next.discard) audience_.accept(*answer);
    co_return next;
  }

  Task<catalog::Step> probe() {
    Result<bool> arrived = co_await feed_.probe();
    if (!arrived) co_return failed(arrived.error());
    catalog::Step next = plan_.probed(*arrived, now());
    world_.reporter.listen_verified(plan_.proven());
    co_return next;
  }

  /// While somebody may join it wakes now and then, to ask in full for who has. Somebody may have joined before it
  /// began.
  Task<catalog::Step> wait(async::Steady deadline) {
    while (!audience_.must_ask_in_full()) {
      const async::Steady until = audience_.may_grow() ? std::min(deadline, now() + kJoinInterval) : deadline;
      Result<catalog::Waited> waited = co_await feed_.wait(until);
      if (!waited) co_return failed(waited.error());
      if (*waited == catalog::Waited::notified) {
        world_.reporter.notified();
        co_return plan_.waited(catalog::Waited::notified, now());
      }
      if (now() >= deadline) co_return plan_.waited(*waited, now());
    }
    co_return plan_.waited(catalog::Waited::notified, now());
  }

  Task<catalog::Step> sleep(async::Steady deadline) {
    co_await world_.clock.sleep_until(deadline);
    co_return plan_.done(now());
  }

  Task<catalog::Step> close() {
    feed_.close();
    co_return plan_.done(now());
  }

  catalog::Step failed(const Error& error) {
    audience_.database_failed();
    world_.reporter.listen_verified(false);
    return plan_.failed(error, now());
  }

  void tell(const catalog::Step& step) {
    for (const auto& transition : step.transitions) {
      if (const auto* lost = std::get_if<catalog::Lost>(&transition)) {
        world_.reporter.lost("database", lost->error, lost->retry_in);
      } else if (const auto* found = std::get_if<catalog::Found>(&transition)) {
        world_.reporter.found("database", found->away, static_cast<unsigned>(found->attempts));
      } else if (const auto* mode = std::get_if<catalog::ModeChanged>(&transition)) {
        world_.reporter.mode_changed(mode->mode, mode->reason, mode->hint);
      }
    }
  }

  World world_;
  catalog::Feed& feed_;
  Audience& audience_;
  catalog::WatchPlan plan_;
};

}  // namespace

Task<Result<void>> watch(World world, catalog::Feed& feed, Audience& audience, WatchOptions options) {
  co_await audience.gathered(world.clock);
  Watch watch(world, feed, audience, options);
  co_await watch.run();
  co_return Result<void>();
}

}  // namespace bundlesync::sync
