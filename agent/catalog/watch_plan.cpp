#include "catalog/watch_plan.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace bundlesync::catalog {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr std::string_view pooler_hint =
    "use the direct or session-mode port (5432), not the transaction pooler (6543)";
constexpr std::string_view standby_hint =
    "a standby cannot listen: name the primary, or several hosts with target_session_attrs=read-write";
constexpr std::string_view full_server_hint =
    "the server has no connection left: raise max_connections or the role's connection limit";

/// Nobody but a person can mend these.
bool for_people(const Error& error) {
  return error.kind() == ErrorKind::unauthorised || error.kind() == ErrorKind::usage;
}

/// By the contract of Feed: after any other error the session can be used on.
bool session_gone(const Error& error) {
  return error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::timed_out;
}

}  // namespace

WatchPlan::WatchPlan(WatchOptions options, std::uint64_t seed)
    : options_(options), random_(seed), polling_(options.mode == WatchMode::poll), tokens_(options.asks_burst) {}

Step WatchPlan::go(WatchState state, WatchAction action, async::Steady deadline) {
  state_ = state;
  Step step;
  step.action = action;
  step.deadline = deadline;
  if (action == WatchAction::ask) step.since = snapshot_;
  step.transitions = std::exchange(transitions_, {});
  return step;
}

Step WatchPlan::start(async::Steady now) {
  tokens_at_ = now;
  return connect(now);
}

Step WatchPlan::connect(async::Steady now) {
  trying_listen_ = !polling_ || (options_.mode == WatchMode::automatic && now >= prove_due_);
  subscribed_ = false;
  listen_again_ = false;
  probed_ = false;
  proven_ = false;
  return go(WatchState::connecting, WatchAction::connect);
}

Step WatchPlan::ask(async::Steady now) {
  asked_full_ = full_wanted_ || snapshot_.empty() || now >= full_due_;
  return go(WatchState::asking, asked_full_ ? WatchAction::ask_full : WatchAction::ask);
}

Step WatchPlan::done(async::Steady now) {
  switch (state_) {
    case WatchState::connecting:
      if (!trying_listen_) return ask(now);
      return go(WatchState::subscribing, WatchAction::listen);
    case WatchState::subscribing:
      // Listening came first, so what changed while nobody listened is in the answer. In full after a reconnect; an
      // agent that polls has missed nothing.
      subscribed_ = true;
      full_wanted_ = full_wanted_ || !polling_;
      return ask(now);
    case WatchState::heartbeating:
      heartbeat_due_ = now + options_.heartbeat;
      return wait(now);
    case WatchState::pausing:
      take_token(now);
      return ask(now);
    case WatchState::closing_lost:
      return go(WatchState::disconnected, WatchAction::sleep, retry_at_);
    case WatchState::closing_polled:
      return rest(now);
    case WatchState::disconnected:
    case WatchState::resting:
    case WatchState::asking:   // reported by answered(),
    case WatchState::probing:  // probed() and
    case WatchState::waiting:  // waited(): a driver that says done() begins anew
      break;
  }
  return connect(now);
}

Step WatchPlan::answered(const plan::Answer& answer, async::Steady now) {
  // Another server may have lost transactions and used their ids again, so what it says has changed since our snapshot
  // is not all that has.
  const bool other = answer.epoch != epoch_ || answer.server_started != server_started_;
  epoch_ = answer.epoch;
  server_started_ = answer.server_started;
  if (other && !asked_full_) {
    full_wanted_ = true;
    auto step = ask(now);
    step.discard = true;
    return step;
  }
  snapshot_ = answer.snapshot;
  // Anybody may notify, but to move something takes a right: only asking in vain is held back.
  if (!asked_full_ && !answer.templates.empty()) tokens_ = std::min(options_.asks_burst, tokens_ + 1.0);
  if (asked_full_) {
    full_wanted_ = false;
    full_due_ = now + jittered_by_fifth(options_.full);
  }
  if (!healthy_since_) healthy_since_ = now;
  found(now);
  return after_answer(now);
}

Step WatchPlan::after_answer(async::Steady now) {
  heartbeat_due_ = now + options_.heartbeat;
  if (!subscribed_) return go(WatchState::closing_polled, WatchAction::close);
  if (!probed_) {
    probed_ = true;
    return go(WatchState::probing, WatchAction::probe);
  }
  poll_due_ = now + jittered_by_fifth(proven_ ? options_.poll_interval_proven : options_.poll_interval);
  return wait(now);
}

Step WatchPlan::probed(bool arrived, async::Steady now) {
  heartbeat_due_ = now + options_.heartbeat;
  proven_ = arrived;
  prove_due_ = now + options_.prove_again;
  if (arrived) {
    if (polling_ || told_unproven_) tell_mode("listen", "notifications_arrive", "");
    polling_ = false;
    told_unproven_ = false;
  } else if (options_.mode == WatchMode::automatic) {
    return poll_instead("probe_failed", std::string(pooler_hint), now, WatchState::closing_polled);
  } else if (!told_unproven_) {
    told_unproven_ = true;
    tell_mode("listen", "probe_failed", std::string(pooler_hint));
  }
  listen_again_ = !arrived;
  poll_due_ = now + jittered_by_fifth(proven_ ? options_.poll_interval_proven : options_.poll_interval);
  return wait(now);
}

Step WatchPlan::wait(async::Steady now) {
  auto due = std::min({heartbeat_due_, poll_due_, full_due_});
  if (!proven_) due = std::min(due, prove_due_);
  return go(WatchState::waiting, WatchAction::wait, std::max(now, due));
}

Step WatchPlan::waited(Waited waited, async::Steady now) {
  if (waited == Waited::notified) {
    if (take_token(now)) return ask(now);
    const Seconds missing((1.0 - tokens_) / options_.asks_per_second);
    return go(WatchState::pausing, WatchAction::sleep, now + std::chrono::ceil<async::Duration>(missing));
  }
  if (now >= poll_due_ || now >= full_due_) return ask(now);
  if (!proven_ && now >= prove_due_) {
    if (!std::exchange(listen_again_, false)) return go(WatchState::probing, WatchAction::probe);
    probed_ = false;  // after the answer that follows
    return go(WatchState::subscribing, WatchAction::listen);
  }
  if (now >= heartbeat_due_) return go(WatchState::heartbeating, WatchAction::heartbeat);
  return wait(now);
}

Step WatchPlan::failed(Error error, async::Steady now) {
  const bool automatic = options_.mode == WatchMode::automatic;
  if (state_ == WatchState::subscribing && automatic && error.reason() == "listen_refused" && !session_gone(error)) {
    // The session is whole: it answers before it is given back.
    prove_due_ = now + options_.prove_again;
    full_wanted_ = full_wanted_ || !polling_;
    return poll_instead("listen_refused", std::string(standby_hint), now, WatchState::asking);
  }
  if (state_ == WatchState::probing && !session_gone(error)) {
    // The canary could not be sent, which says nothing about notifications; the session is whole.
    prove_due_ = now + options_.prove_again;
    if (polling_) return go(WatchState::closing_polled, WatchAction::close);
    poll_due_ = now + jittered_by_fifth(options_.poll_interval);
    return wait(now);
  }
  if (state_ == WatchState::connecting && automatic && error.reason() == "too_many_connections") {
    prove_due_ = now + options_.prove_again;
    if (!std::exchange(polling_, true)) tell_mode("poll", "too_many_connections", std::string(full_server_hint));
  }
  return lost(std::move(error), now);
}

Step WatchPlan::lost(Error error, async::Steady now) {
  if (healthy_since_ && now - *healthy_since_ >= options_.healthy) failures_ = 0;
  healthy_since_.reset();
  proven_ = false;
  const auto delay = backoff_delay(failures_++, random_.next(), options_.backoff);
  retry_at_ = now + std::chrono::duration_cast<async::Duration>(delay);

  const bool first = !lost_at_;
  if (first) {
    lost_at_ = now;
    attempts_ = 0;
  } else {
    ++attempts_;
  }
  if (first || for_people(error) != lost_for_people_) {
    lost_for_people_ = for_people(error);
    transitions_.emplace_back(Lost(std::move(error), retry_at_ - now));
  }
  return go(WatchState::closing_lost, WatchAction::close);
}

void WatchPlan::found(async::Steady now) {
  if (!lost_at_) return;
  transitions_.emplace_back(Found(now - *lost_at_, attempts_ + 1));
  lost_at_.reset();
}

Step WatchPlan::rest(async::Steady now) {
  return go(WatchState::resting, WatchAction::sleep, now + jittered_by_fifth(options_.poll_interval));
}

Step WatchPlan::poll_instead(std::string reason, std::string hint, async::Steady now, WatchState state) {
  if (!std::exchange(polling_, true)) tell_mode("poll", std::move(reason), std::move(hint));
  subscribed_ = false;
  if (state == WatchState::asking) return ask(now);
  return go(WatchState::closing_polled, WatchAction::close);
}

void WatchPlan::tell_mode(std::string mode, std::string reason, std::string hint) {
  transitions_.emplace_back(ModeChanged(std::move(mode), std::move(reason), std::move(hint)));
}

bool WatchPlan::take_token(async::Steady now) {
  const double earned = Seconds(now - tokens_at_).count() * options_.asks_per_second;
  tokens_ = std::min(options_.asks_burst, tokens_ + earned);
  tokens_at_ = now;
  // A hair less is enough: the pause was computed from the same figures, and rounding must not make a second one.
  if (tokens_ < 1.0 - 1e-6) return false;
  tokens_ -= 1.0;
  return true;
}

async::Duration WatchPlan::jittered_by_fifth(async::Duration duration) {
  return std::chrono::duration_cast<async::Duration>(jittered(duration, 0.2, random_.next()));
}

}  // namespace bundlesync::catalog
