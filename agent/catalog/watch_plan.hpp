#pragma once

#include "async/clock.hpp"
#include "base/backoff.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "catalog/feed.hpp"
#include "plan/desired.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// When to connect, listen, ask, check and wait: all policy of following the catalog, without doing any of it.
namespace bundlesync::catalog {

enum class WatchMode {
  automatic,  ///< listen, and poll while notifications are shown not to arrive
  listen,     ///< always listen, and ask at the unproven interval where notifications are not proven
  poll,       ///< connect, ask, close
};

struct WatchOptions {
  WatchMode mode = WatchMode::automatic;
  async::Duration poll_interval = std::chrono::seconds(30);        ///< ±20 %, while notifications are not proven
  async::Duration poll_interval_proven = std::chrono::minutes(5);  ///< ±20 %, while they are
  async::Duration heartbeat = std::chrono::seconds(20);            ///< after the last round trip of a listening session
  async::Duration prove_again = std::chrono::minutes(5);           ///< while polling in automatic mode, or unproven
  async::Duration full = std::chrono::hours(1);                    ///< ±20 %, since the last full answer
  async::Duration healthy = std::chrono::minutes(1);               ///< without a failure: the backoff begins anew
  BackoffPolicy backoff;
  double asks_per_second = 2;  ///< sustained, after notifications that brought nothing; moves are followed as they come
  double asks_burst = 4;       ///< as many follow each other at once
};

/// What the driver does next; each ends in the report that is named here, or in failed().
enum class WatchAction {
  connect,    ///< Feed::connect() → done()
  listen,     ///< Feed::listen() → done()
  ask_full,   ///< Feed::ask() with an empty `since` → answered()
  ask,        ///< Feed::ask() with Step::since → answered()
  probe,      ///< Feed::probe() → probed()
  wait,       ///< Feed::wait(Step::deadline) → waited()
  heartbeat,  ///< Feed::heartbeat() → done()
  sleep,      ///< Clock::sleep_until(Step::deadline) → done()
  close,      ///< Feed::close() → done()
};

/// Where the plan is: which action it last gave, and why.
enum class WatchState {
  disconnected,    ///< before the first connect, and sleeping after a failure
  connecting,      ///< opening a session
  subscribing,     ///< LISTEN is on its way
  asking,          ///< a question is on its way
  probing,         ///< a canary is on its way
  waiting,         ///< subscribed, for a notification or the next thing due
  heartbeating,    ///< a round trip is on its way
  pausing,         ///< notified, and too soon after the last asks
  closing_lost,    ///< the session failed
  closing_polled,  ///< the session has answered and is given back
  resting,         ///< polling, between two sessions
};

/// The database went away, or was never there: told once, and once more when it turns into or out of something that
/// people must mend (unauthorised, usage).
struct Lost {
  Error error;
  async::Duration retry_in;
};
/// It answers again.
struct Found {
  async::Duration away;
  std::uint64_t attempts;  ///< tries since it was lost, the one that worked included
};
/// It listens instead of polling, the other way round, or listens without proof.
struct ModeChanged {
  std::string mode;    ///< "listen" or "poll"
  std::string reason;  ///< probe_failed, listen_refused, too_many_connections, notifications_arrive
  std::string hint;    ///< may be empty
};
using Transition = std::variant<Lost, Found, ModeChanged>;

struct Step {
  WatchAction action = WatchAction::connect;
  async::Steady deadline;  ///< for wait and sleep
  std::string since;       ///< for ask
  bool discard = false;    ///< after answered(): drop that answer, a full one follows (another server or epoch)
  std::vector<Transition> transitions;  ///< to be told to people, in this order
};

/// A state machine: start(), then report how each Step::action ended and take the next step. Pure: the same reports at
/// the same times and the same seed give the same steps.
class WatchPlan {
 public:
  WatchPlan(WatchOptions options, std::uint64_t seed);

  Step start(async::Steady now);
  Step done(async::Steady now);
  Step answered(const plan::Answer& answer, async::Steady now);
  Step probed(bool arrived, async::Steady now);
  Step waited(Waited waited, async::Steady now);
  Step failed(Error error, async::Steady now);

  WatchState state() const { return state_; }
  bool polling() const { return polling_; }
  /// Notifications were shown to arrive in this session.
  bool proven() const { return proven_; }

 private:
  Step go(WatchState state, WatchAction action, async::Steady deadline = {});
  Step connect(async::Steady now);
  Step ask(async::Steady now);
  Step after_answer(async::Steady now);
  Step wait(async::Steady now);
  Step rest(async::Steady now);
  Step lost(Error error, async::Steady now);
  Step poll_instead(std::string reason, std::string hint, async::Steady now, WatchState state);
  void found(async::Steady now);
  void tell_mode(std::string mode, std::string reason, std::string hint);
  bool take_token(async::Steady now);
  async::Duration jittered_by_fifth(async::Duration duration);

  WatchOptions options_;
  Random random_;
  WatchState state_ = WatchState::disconnected;
  std::vector<Transition> transitions_;

  bool polling_;                ///< sessions are short
  bool trying_listen_ = false;  ///< this session listens, although polling_, to prove that it can
  bool subscribed_ = false;     ///< LISTEN worked in this session
  bool proven_ = false;
  bool probed_ = false;  ///< the canary was sent in this session
  bool told_unproven_ = false;
  bool listen_again_ = false;  ///< a canary that did not arrive has ended the listening: begin anew before the next one
  async::Steady prove_due_;

  std::string snapshot_;
  std::string epoch_;
  std::string server_started_;
  bool full_wanted_ = true;
  bool asked_full_ = false;
  async::Steady full_due_;
  async::Steady poll_due_;
  async::Steady heartbeat_due_;

  double tokens_;
  async::Steady tokens_at_;

  std::uint64_t failures_ = 0;  ///< in a row, for the backoff
  std::optional<async::Steady> healthy_since_;
  std::optional<async::Steady> lost_at_;
  std::uint64_t attempts_ = 0;  ///< since lost_at_
  bool lost_for_people_ = false;
  async::Steady retry_at_;
};

}  // namespace bundlesync::catalog
