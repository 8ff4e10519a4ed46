#include "catalog/watch_plan.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bundlesync::catalog {

// Printed by GoogleTest when an expectation fails.
void PrintTo(WatchAction action, std::ostream* out) {
  constexpr const char* names[] = {"connect", "listen",    "ask_full", "ask",  "probe",
                                   "wait",    "heartbeat", "sleep",    "close"};
  *out << names[static_cast<int>(action)];
}

namespace {

using namespace std::chrono_literals;

constexpr auto pooler_hint = "use the direct or session-mode port (5432), not the transaction pooler (6543)";

Error away(std::string what = "connection refused") {
  return Error(ErrorKind::unavailable, std::move(what));
}

/// A plan, the time, and what it told people. Reports how each action ended and checks the next.
class Script {
 public:
  explicit Script(WatchOptions options = {}, std::uint64_t seed = 7) : plan(options, seed) { take(plan.start(now)); }

  Script& expect(WatchAction action) {
    EXPECT_EQ(step.action, action) << "after " << told.size() << " transitions";
    return *this;
  }
  Script& done() { return take(plan.done(now)); }
  Script& answered(std::string epoch = "e1", std::string started = "s1") { return answer({}, epoch, started); }
  Script& answered_with_a_move() { return answer({plan::WantedTemplate()}, "e1", "s1"); }
  Script& answer(std::vector<plan::WantedTemplate> templates, std::string epoch, std::string started) {
    plan::Answer answer;
    answer.templates = std::move(templates);
    answer.full = step.action == WatchAction::ask_full;
    answer.epoch = std::move(epoch);
    answer.server_started = std::move(started);
    answer.snapshot = "snap" + std::to_string(++answers);
    return take(plan.answered(answer, now));
  }
  Script& probed(bool arrived) { return take(plan.probed(arrived, now)); }
  Script& notified() { return take(plan.waited(Waited::notified, now)); }
  /// Time passes until the deadline of a wait or sleep, and nothing else happens.
  Script& time_passes() {
    if (step.deadline > now) now = step.deadline;
    return step.action == WatchAction::wait ? take(plan.waited(Waited::deadline, now)) : done();
  }
  Script& failed(Error error) { return take(plan.failed(std::move(error), now)); }

  /// Up to the first wait of a session whose notifications are proven.
  Script& listening() {
    expect(WatchAction::connect).done();
    expect(WatchAction::listen).done();
    expect(WatchAction::ask_full).answered();
    expect(WatchAction::probe).probed(true);
    return expect(WatchAction::wait);
  }

  template <class T>
  std::vector<T> all_told() const {
    std::vector<T> found;
    for (const auto& transition : told) {
      if (const auto* one = std::get_if<T>(&transition)) found.push_back(*one);
    }
    return found;
  }

  async::Steady now = async::Steady() + 1000h;
  WatchPlan plan;
  Step step;
  std::vector<Transition> told;
  int answers = 0;

 private:
  Script& take(Step next) {
    step = std::move(next);
    for (auto& transition : step.transitions) told.push_back(std::move(transition));
    return *this;
  }
};

void expect_between(async::Duration value, async::Duration least, async::Duration most) {
  EXPECT_GE(value.count(), least.count());
  EXPECT_LE(value.count(), most.count());
}

TEST(WatchPlan, ListensBeforeItAsksThenProvesAndWaits) {
  Script script;
  script.listening();
  EXPECT_TRUE(script.plan.proven());
  EXPECT_FALSE(script.plan.polling());
  EXPECT_TRUE(script.told.empty());
  EXPECT_EQ(script.step.deadline - script.now, 20s);
}

TEST(WatchPlan, AsksAtOnceWhenNotifiedWithTheLastSnapshot) {
  Script script;
  script.listening().notified().expect(WatchAction::ask);
  EXPECT_EQ(script.step.since, "snap1");
  script.answered().expect(WatchAction::wait);
  script.notified().expect(WatchAction::ask);
  EXPECT_EQ(script.step.since, "snap2");
}

TEST(WatchPlan, AFloodOfNotificationsAsksTwiceASecondAfterABurst) {
  Script script;
  script.listening();
  const auto start = script.now;
  int asks = 0;
  while (script.now - start < 60s && asks < 1'000) {
    script.notified();
    if (script.step.action == WatchAction::sleep) script.time_passes();
    script.expect(WatchAction::ask).answered().expect(WatchAction::wait);
    ++asks;
  }
  EXPECT_GE(asks, 120);
  EXPECT_LE(asks, 126);
  EXPECT_TRUE(script.told.empty());
}

TEST(WatchPlan, NotificationsOfRealMovesAreAskedForAsFastAsTheyCome) {
  Script script;
  script.listening();
  for (int i = 0; i < 100; ++i)
    script.notified().expect(WatchAction::ask).answered_with_a_move().expect(WatchAction::wait);
}

TEST(WatchPlan, TheFirstNotificationAfterAFloodThatEndedIsAskedForAtOnce) {
  Script script;
  script.listening();
  for (int i = 0; i < 10; ++i) {
    script.notified();
    if (script.step.action == WatchAction::sleep) script.time_passes();
    script.answered();
  }
  script.time_passes().expect(WatchAction::heartbeat).done();
  script.notified().expect(WatchAction::ask);
}

TEST(WatchPlan, SendsAHeartbeatEveryTwentySecondsUntilThePollIsDue) {
  Script script;
  script.listening();
  const auto start = script.now;
  int heartbeats = 0;
  while (script.time_passes().step.action != WatchAction::ask) {
    if (script.step.action == WatchAction::wait) continue;
    script.expect(WatchAction::heartbeat).done().expect(WatchAction::wait);
    ++heartbeats;
    ASSERT_LT(heartbeats, 30);
  }
  expect_between(script.now - start, 4min, 6min);
  EXPECT_EQ(heartbeats, (script.now - start) / 20s);
}

TEST(WatchPlan, ReadsInFullEveryHour) {
  Script script;
  script.listening();
  const auto start = script.now;
  for (int i = 0; i < 2'000 && script.step.action != WatchAction::ask_full; ++i) {
    if (script.step.action == WatchAction::ask) {
      script.answered();
    } else {
      script.time_passes();
    }
  }
  script.expect(WatchAction::ask_full);
  expect_between(script.now - start, 48min, 72min);
}

TEST(WatchPlan, TellsOnceThatItLostTheDatabaseAndOnceThatItFoundIt) {
  Script script;
  script.listening();
  script.now += 90s;
  const auto lost_at = script.now;
  script.failed(away("server closed the connection")).expect(WatchAction::close).done();
  for (int i = 0; i < 8; ++i) {
    script.expect(WatchAction::sleep).time_passes();
    script.expect(WatchAction::connect).failed(away()).expect(WatchAction::close).done();
  }
  script.expect(WatchAction::sleep).time_passes().listening();

  ASSERT_EQ(script.told.size(), 2u);
  const auto& lost = std::get<Lost>(script.told[0]);
  EXPECT_EQ(lost.error.text(), "server closed the connection");
  expect_between(lost.retry_in, 0s, 200ms);
  const auto& found = std::get<Found>(script.told[1]);
  EXPECT_EQ(found.away, script.now - lost_at);
  EXPECT_EQ(found.attempts, 9u);
}

TEST(WatchPlan, ReadsInFullAfterAReconnect) {
  Script script;
  script.listening().failed(away()).expect(WatchAction::close).done();
  script.expect(WatchAction::sleep).time_passes().expect(WatchAction::connect).done();
  script.expect(WatchAction::listen).done().expect(WatchAction::ask_full);
  EXPECT_EQ(script.step.since, "");
}

TEST(WatchPlan, BacksOffWithFullJitterUpToThirtySecondsForEver) {
  Script script;
  async::Duration longest = 0s;
  for (int i = 0; i < 2'000; ++i) {
    script.expect(WatchAction::connect).failed(away()).expect(WatchAction::close).done();
    script.expect(WatchAction::sleep);
    const auto delay = script.step.deadline - script.now;
    expect_between(delay, 0s, i < 7 ? 200ms * (1 << i) : async::Duration(30s));
    longest = std::max(longest, delay);
    script.time_passes();
  }
  EXPECT_GT(longest, 25s);
  EXPECT_EQ(script.told.size(), 1u);
}

TEST(WatchPlan, BeginsTheBackoffAnewOnlyAfterAHealthyMinute) {
  for (const auto& [healthy_for, bound] : {std::pair<async::Duration, async::Duration>(59s, 30s), {60s, 200ms}}) {
    async::Duration longest = 0s;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      Script script(WatchOptions(), seed);
      for (int i = 0; i < 20; ++i) script.failed(away()).done().time_passes();
      script.listening();
      script.now += healthy_for;
      script.failed(away()).done().expect(WatchAction::sleep);
      longest = std::max(longest, script.step.deadline - script.now);
    }
    EXPECT_LE(longest, bound);
    EXPECT_GT(longest, bound * 3 / 4);
  }
}

TEST(WatchPlan, TellsAgainWhenTheLossTurnsIntoSomethingPeopleMustMend) {
  Script script;
  script.failed(away()).done().time_passes();
  script.failed(Error(ErrorKind::timed_out, "late")).done().time_passes();
  script.failed(Error(ErrorKind::unauthorised, "password refused")).done().time_passes();
  script.failed(Error(ErrorKind::unauthorised, "password refused")).done().time_passes();
  script.failed(away()).done().time_passes();
  std::vector<std::string> facts;
  for (const auto& lost : script.all_told<Lost>()) facts.push_back(lost.error.fact());
  EXPECT_EQ(facts, (std::vector<std::string>{"connection refused", "password refused", "connection refused"}));
}

TEST(WatchPlan, AFailedHeartbeatLosesTheSession) {
  Script script;
  script.listening().time_passes().expect(WatchAction::heartbeat);
  script.failed(Error(ErrorKind::timed_out, "the heartbeat did not end within 5s")).expect(WatchAction::close);
  EXPECT_EQ(script.all_told<Lost>().at(0).error.text(), "the heartbeat did not end within 5s");
  EXPECT_FALSE(script.plan.proven());
}

TEST(WatchPlan, DropsAPartialAnswerOfAnotherServerAndAsksInFull) {
  for (const auto& [epoch, started] : {std::pair<std::string, std::string>("e1", "s2"), {"e2", "s1"}}) {
    Script script;
    script.listening().notified().expect(WatchAction::ask);
    script.answered(epoch, started).expect(WatchAction::ask_full);
    EXPECT_TRUE(script.step.discard);
    script.answered(epoch, started).expect(WatchAction::wait);
    EXPECT_FALSE(script.step.discard);
    script.notified().expect(WatchAction::ask);
    EXPECT_EQ(script.step.since, "snap3");
  }
}

TEST(WatchPlan, AServerThatIsAlwaysAnotherDoesNotSpin) {
  Script script;
  script.listening();
  script.notified().answered("e1", "a").expect(WatchAction::ask_full);
  script.answered("e1", "b").expect(WatchAction::wait);
}

TEST(WatchPlan, PollsWhenTheCanaryDoesNotArriveAndSaysSoOnce) {
  Script script;
  script.done().done().answered().expect(WatchAction::probe).probed(false);
  script.expect(WatchAction::close).done().expect(WatchAction::sleep);
  ASSERT_EQ(script.told.size(), 1u);
  const auto& change = std::get<ModeChanged>(script.told[0]);
  EXPECT_EQ(change.mode, "poll");
  EXPECT_EQ(change.reason, "probe_failed");
  EXPECT_EQ(change.hint, pooler_hint);
  expect_between(script.step.deadline - script.now, 24s, 36s);

  script.time_passes().expect(WatchAction::connect).done().expect(WatchAction::ask);
  EXPECT_EQ(script.step.since, "snap1");
  script.answered().expect(WatchAction::close).done().expect(WatchAction::sleep);
  EXPECT_EQ(script.told.size(), 1u);
}

TEST(WatchPlan, TriesToListenAgainEveryFiveMinutesWithoutAFullRead) {
  Script script;
  script.done().done().answered().probed(false).done();
  const auto start = script.now;
  int polls = 0;
  for (; polls < 100; ++polls) {
    script.expect(WatchAction::sleep).time_passes().expect(WatchAction::connect).done();
    if (script.step.action == WatchAction::listen) break;
    script.expect(WatchAction::ask).answered().expect(WatchAction::close).done();
  }
  expect_between(script.now - start, 5min, 5min + 36s);
  EXPECT_GE(polls, 8);

  script.expect(WatchAction::listen).done().expect(WatchAction::ask).answered();
  script.expect(WatchAction::probe).probed(false).expect(WatchAction::close).done();
  script.expect(WatchAction::sleep);
  EXPECT_EQ(script.told.size(), 1u);
}

TEST(WatchPlan, ListensAgainWhenTheCanaryArrives) {
  Script script;
  script.done().done().answered().probed(false).done();
  script.now += 6min;
  script.done().expect(WatchAction::connect).done().expect(WatchAction::listen).done();
  script.expect(WatchAction::ask).answered().expect(WatchAction::probe).probed(true).expect(WatchAction::wait);
  ASSERT_EQ(script.told.size(), 2u);
  EXPECT_EQ(std::get<ModeChanged>(script.told[1]).mode, "listen");
  EXPECT_EQ(std::get<ModeChanged>(script.told[1]).reason, "notifications_arrive");
  EXPECT_FALSE(script.plan.polling());
  EXPECT_TRUE(script.plan.proven());
}

TEST(WatchPlan, AsksAStandbyThatCannotListenAndPolls) {
  Script script;
  script.done().expect(WatchAction::listen);
  script.failed(Error(ErrorKind::failed, "cannot execute LISTEN during recovery").with_reason("listen_refused"));
  script.expect(WatchAction::ask_full).answered().expect(WatchAction::close).done().expect(WatchAction::sleep);
  ASSERT_EQ(script.told.size(), 1u);
  EXPECT_EQ(std::get<ModeChanged>(script.told[0]).reason, "listen_refused");
}

TEST(WatchPlan, PollsWhenTheServerHasNoConnectionLeft) {
  Script script;
  script.failed(Error(ErrorKind::no_space, "too many clients").with_reason("too_many_connections"));
  script.expect(WatchAction::close).done().expect(WatchAction::sleep).time_passes();
  ASSERT_EQ(script.told.size(), 2u);
  EXPECT_EQ(std::get<ModeChanged>(script.told[0]).reason, "too_many_connections");
  EXPECT_EQ(std::get<Lost>(script.told[1]).error.text(), "too many clients");
  script.expect(WatchAction::connect).done().expect(WatchAction::ask_full).answered();
  script.expect(WatchAction::close).done().expect(WatchAction::sleep);
  EXPECT_EQ(script.all_told<Found>().size(), 1u);
}

TEST(WatchPlan, ModeListenStaysWithoutProofAndAsksOften) {
  WatchOptions options;
  options.mode = WatchMode::listen;
  Script script(options);
  script.done().done().answered().probed(false).expect(WatchAction::wait);
  ASSERT_EQ(script.told.size(), 1u);
  EXPECT_EQ(std::get<ModeChanged>(script.told[0]).mode, "listen");
  EXPECT_EQ(std::get<ModeChanged>(script.told[0]).reason, "probe_failed");
  script.time_passes().expect(WatchAction::heartbeat).done().time_passes().expect(WatchAction::ask).answered();

  for (int i = 0; i < 100 && script.step.action != WatchAction::listen; ++i) {
    if (script.step.action == WatchAction::ask) {
      script.answered();
    } else {
      script.time_passes();
    }
  }
  // The canary that did not arrive has ended the listening: a later one proves nothing without a new LISTEN.
  script.expect(WatchAction::listen).done().expect(WatchAction::ask_full).answered();
  script.expect(WatchAction::probe).probed(true).expect(WatchAction::wait);
  EXPECT_EQ(script.told.size(), 2u);
  EXPECT_EQ(std::get<ModeChanged>(script.told[1]).reason, "notifications_arrive");
}

TEST(WatchPlan, ModePollNeverListens) {
  WatchOptions options;
  options.mode = WatchMode::poll;
  Script script(options);
  script.expect(WatchAction::connect).done().expect(WatchAction::ask_full).answered();
  for (int i = 0; i < 60; ++i) {
    script.expect(WatchAction::close).done().expect(WatchAction::sleep).time_passes();
    script.expect(WatchAction::connect).done().expect(WatchAction::ask).answered();
  }
  EXPECT_TRUE(script.told.empty());
}

TEST(WatchPlan, ACanaryThatCannotBeSentProvesNothingAndLosesNothing) {
  Script script;
  script.done().done().answered().expect(WatchAction::probe);
  script.failed(Error(ErrorKind::failed, "no second connection")).expect(WatchAction::wait);
  EXPECT_FALSE(script.plan.proven());
  EXPECT_FALSE(script.plan.polling());
  EXPECT_TRUE(script.told.empty());
}

TEST(WatchPlan, TheSessionThatDiesUnderTheCanaryIsLost) {
  Script script;
  script.done().done().answered().expect(WatchAction::probe).failed(away()).expect(WatchAction::close);
  EXPECT_EQ(script.all_told<Lost>().size(), 1u);
}

}  // namespace
}  // namespace bundlesync::catalog
