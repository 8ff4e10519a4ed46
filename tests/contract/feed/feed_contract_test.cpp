#include "contract/feed/feed_world.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>

namespace bundlesync::tests {
namespace {

using namespace std::chrono_literals;
using catalog::Question;
using catalog::Waited;

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<FeedWorld>()> world;
};
void PrintTo(const Implementation& one, std::ostream* out) {
  *out << one.name;
}

/// Every implementation of catalog::Feed keeps these.
class FeedContract : public testing::TestWithParam<Implementation> {
 protected:
  void connect() {
    const auto info = loop.run(feed->connect());
    ASSERT_TRUE(info) << info.error().text();
    EXPECT_FALSE(info->host.empty());
    EXPECT_FALSE(info->database.empty());
    EXPECT_FALSE(info->role.empty());
  }
  void listen() {
    const auto done = loop.run(feed->listen());
    ASSERT_TRUE(done) << done.error().text();
  }
  plan::Answer ask(Question question = {}) {
    auto answer = loop.run(feed->ask(std::move(question)));
    if (!answer) throw std::runtime_error(answer.error().text());
    return *std::move(answer);
  }
  plan::Answer ask_since(const plan::Answer& last) {
    Question question;
    question.since = last.snapshot;
    return ask(std::move(question));
  }
  /// What a wait of at most `patience` gives.
  Result<Waited> wait(async::Duration patience = 10s) { return loop.run(feed->wait(loop.clock.now() + patience)); }
  void expect_gone(const Error& error) { EXPECT_EQ(error.kind(), ErrorKind::unavailable) << error.text(); }

  static std::vector<std::string> names(const plan::Answer& answer) {
    std::vector<std::string> found;
    for (const auto& wanted : answer.templates) found.push_back(wanted.name);
    return found;
  }

  std::unique_ptr<FeedWorld> world = GetParam().world();
  LoopRunner loop;
  std::unique_ptr<catalog::Feed> feed = world->feed(loop);
};

using Names = std::vector<std::string>;

TEST_P(FeedContract, AnswersInFullWithoutASnapshot) {
  world->add("intake");
  world->add("section7");
  connect();
  const auto answer = ask();
  EXPECT_TRUE(answer.full);
  EXPECT_FALSE(answer.epoch.empty());
  EXPECT_FALSE(answer.snapshot.empty());
  EXPECT_FALSE(answer.server_started.empty());
  EXPECT_EQ(answer.schema_version, 1);
  EXPECT_EQ(answer.problems, Names{});
  ASSERT_EQ(names(answer), (Names{"intake", "section7"}));

  const auto& section7 = answer.templates[1];
  EXPECT_TRUE(section7.enabled);
  EXPECT_FALSE(section7.deleted);
  EXPECT_GE(section7.generation, 1u);
  EXPECT_TRUE(section7.change);
  EXPECT_EQ(section7.problem, "");
  EXPECT_FALSE(section7.previous);
  ASSERT_TRUE(section7.current);
  const auto& version = *section7.current;
  EXPECT_EQ(version.version, "1.0.0");
  EXPECT_EQ(version.status, "stable");
  EXPECT_EQ(version.problem, "");
  EXPECT_EQ(version.bundle.template_name, "section7");
  ASSERT_EQ(version.bundle.files.size(), 1u);
  const auto& file = version.bundle.files[0];
  EXPECT_EQ(file.path, "section7.md");
  EXPECT_EQ(file.storage_path, "section7/v1.0.0/section7.md");
  EXPECT_EQ(file.sha256, Digest::of("section71.0.0"));
  EXPECT_EQ(file.size, 7u);
  EXPECT_EQ(file.kind, "master_prompt");
  EXPECT_EQ(file.content_type, "text/markdown");
  EXPECT_EQ(version.manifest, bundle::manifest_digest(version.bundle.files));
  EXPECT_EQ(version.recorded_manifest, version.manifest);
}

TEST_P(FeedContract, AnswersWithWhatChangedSinceASnapshot) {
  const auto section7 = world->add("section7");
  world->add("intake");
  connect();
  const auto first = ask();
  EXPECT_EQ(names(ask_since(first)), Names{});

  world->move({section7}, "1.1.0");
  const auto second = ask_since(first);
  EXPECT_FALSE(second.full);
  EXPECT_EQ(second.epoch, first.epoch);
  EXPECT_EQ(second.server_started, first.server_started);
  ASSERT_EQ(names(second), Names{"section7"});
  EXPECT_EQ(second.templates[0].current->version, "1.1.0");
  ASSERT_TRUE(second.templates[0].previous);
  EXPECT_EQ(second.templates[0].previous->version, "1.0.0");
  EXPECT_GT(second.templates[0].generation, first.templates[1].generation);
  EXPECT_TRUE(second.templates[0].history);
  EXPECT_EQ(names(ask_since(second)), Names{});
}

TEST_P(FeedContract, GivesTheSameChangeToWhatMovedTogether) {
  const auto section7 = world->add("section7");
  const auto intake = world->add("intake");
  connect();
  const auto apart = ask();
  EXPECT_NE(apart.templates[0].change, apart.templates[1].change);
  world->move({section7, intake}, "2.0.0");
  const auto together = ask_since(apart);
  ASSERT_EQ(names(together), (Names{"intake", "section7"}));
  EXPECT_EQ(together.templates[0].change, together.templates[1].change);
}

TEST_P(FeedContract, AnswersOnlyWithNamesThatWereAskedFor) {
  for (const auto* name : {"intake", "section7", "section8"}) world->add(name);
  connect();
  Question question;
  question.names = Names{"section7", "nobody", "a\"b\\c,{d}"};
  EXPECT_EQ(names(ask(question)), Names{"section7"});
  question.names = Names{};
  EXPECT_EQ(names(ask(question)), Names{});
}

TEST_P(FeedContract, FollowsARenamedAndADeletedTemplateById) {
  const auto renamed = world->add("section7");
  const auto deleted = world->add("intake");
  connect();
  Question question;
  question.names = Names{"section7", "intake"};
  question.ids = {renamed, deleted};
  question.since = ask(question).snapshot;
  world->rename(renamed, "chapter7");
  world->remove(deleted);
  const auto answer = ask(question);
  ASSERT_EQ(names(answer), (Names{"chapter7", "intake"}));
  EXPECT_EQ(answer.templates[0].id, renamed);
  EXPECT_FALSE(answer.templates[0].deleted);
  EXPECT_EQ(answer.templates[1].id, deleted);
  EXPECT_TRUE(answer.templates[1].deleted);
  EXPECT_FALSE(answer.templates[1].current);
}

TEST_P(FeedContract, IsNotifiedOfAChangeWhileItWaits) {
  const auto section7 = world->add("section7");
  connect();
  listen();
  const auto first = ask();
  EXPECT_EQ(wait(50ms).value(), Waited::deadline);
  fakes::Spawned waiting(loop.io, feed->wait(loop.clock.now() + 20s));
  loop.io.restart();
  loop.io.run_for(20ms);
  EXPECT_FALSE(waiting.ended());
  world->move({section7}, "1.1.0");
  for (int i = 0; i < 1'000 && !waiting.ended(); ++i) loop.io.run_one_for(10ms);
  ASSERT_TRUE(waiting.ended());
  EXPECT_EQ(waiting.take().value(), Waited::notified);
  EXPECT_EQ(names(ask_since(first)), Names{"section7"});
}

TEST_P(FeedContract, RemembersANotificationThatCameBeforeTheWait) {
  const auto section7 = world->add("section7");
  connect();
  listen();
  ask();
  world->move({section7}, "1.1.0");
  EXPECT_EQ(wait().value(), Waited::notified);
  EXPECT_EQ(wait(100ms).value(), Waited::deadline);  // told once
}

TEST_P(FeedContract, AQuestionTakesTheNotificationsThatCameBeforeIt) {
  const auto section7 = world->add("section7");
  connect();
  listen();
  ask();
  world->move({section7}, "1.1.0");
  ASSERT_TRUE(loop.run(feed->heartbeat()));  // by now it is here
  EXPECT_EQ(ask().templates.at(0).current->version, "1.1.0");
  EXPECT_EQ(wait(100ms).value(), Waited::deadline);
}

TEST_P(FeedContract, MissesNothingBetweenListenAndTheFirstAnswer) {
  const auto section7 = world->add("section7");
  connect();
  listen();
  world->move({section7}, "1.1.0");
  EXPECT_EQ(ask().templates.at(0).current->version, "1.1.0");
}

TEST_P(FeedContract, MakesOneOfManyNotifications) {
  const auto section7 = world->add("section7");
  connect();
  listen();
  auto last = ask();
  for (int i = 1; i <= 20; ++i) world->move({section7}, "1." + std::to_string(i) + ".0");
  EXPECT_EQ(wait().value(), Waited::notified);
  EXPECT_EQ(ask_since(last).templates.at(0).current->version, "1.20.0");
  // A busy server may bring them in a few parts.
  int more = 0;
  while (wait(100ms).value() == Waited::notified) ++more;
  EXPECT_LT(more, 10);
}

TEST_P(FeedContract, HearsNothingWithoutListen) {
  const auto section7 = world->add("section7");
  connect();
  ask();
  world->move({section7}, "1.1.0");
  EXPECT_EQ(wait(100ms).value(), Waited::deadline);
}

TEST_P(FeedContract, AnsweringAHeartbeatLosesNoNotification) {
  const auto section7 = world->add("section7");
  connect();
  listen();
  ask();
  world->move({section7}, "1.1.0");
  ASSERT_TRUE(loop.run(feed->heartbeat()));
  EXPECT_EQ(wait().value(), Waited::notified);
}

TEST_P(FeedContract, ProvesThatNotificationsArriveAndStaysUsable) {
  const auto section7 = world->add("section7");
  connect();
  listen();
  ask();
  EXPECT_TRUE(loop.run(feed->probe()).value());
  EXPECT_EQ(wait(100ms).value(), Waited::deadline);  // the canary is on a channel of its own
  world->move({section7}, "1.1.0");
  EXPECT_EQ(wait().value(), Waited::notified);
}

TEST_P(FeedContract, ACancelledWaitLeavesTheSessionUsable) {
  connect();
  listen();
  fakes::Spawned waiting(loop.io, feed->wait(loop.clock.now() + 20s));
  loop.io.restart();
  loop.io.run_for(20ms);
  waiting.cancel();
  for (int i = 0; i < 100 && !waiting.ended(); ++i) loop.io.run_one_for(10ms);
  EXPECT_TRUE(waiting.cancelled());
  EXPECT_TRUE(loop.run(feed->heartbeat()));
}

TEST_P(FeedContract, EndsTheWaitWhenTheSessionEndsAndConnectsAgain) {
  world->add("section7");
  connect();
  listen();
  ask();
  fakes::Spawned waiting(loop.io, feed->wait(loop.clock.now() + 20s));
  loop.io.restart();
  loop.io.run_for(20ms);
  world->end_sessions();
  for (int i = 0; i < 1'000 && !waiting.ended(); ++i) loop.io.run_one_for(10ms);
  ASSERT_TRUE(waiting.ended());
  const auto waited = waiting.take();
  ASSERT_FALSE(waited);
  expect_gone(waited.error());
  feed->close();
  connect();
  listen();
  EXPECT_EQ(names(ask()), Names{"section7"});
}

TEST_P(FeedContract, EveryCallOnAnEndedSessionIsUnavailable) {
  connect();
  listen();
  world->end_sessions();
  for (int i = 0; i < 2; ++i) {
    const auto beat = loop.run(feed->heartbeat());
    ASSERT_FALSE(beat);
    expect_gone(beat.error());
    const auto asked = loop.run(feed->ask({}));
    ASSERT_FALSE(asked);
    expect_gone(asked.error());
    const auto probed = loop.run(feed->probe());
    ASSERT_FALSE(probed);
    expect_gone(probed.error());
    const auto listened = loop.run(feed->listen());
    ASSERT_FALSE(listened);
    expect_gone(listened.error());
    const auto waited = wait(1s);
    ASSERT_FALSE(waited);
    expect_gone(waited.error());
    feed->close();
  }
}

TEST_P(FeedContract, MayBeClosedTwiceAndBeforeItWasOpen) {
  feed->close();
  feed->close();
  connect();
  feed->close();
  feed->close();
  connect();
  EXPECT_TRUE(loop.run(feed->heartbeat()));
}

TEST_P(FeedContract, SaysThatTheServerIsAnotherAfterARestart) {
  world->add("section7");
  connect();
  const auto before = ask();
  world->restart_server();
  feed->close();
  connect();
  const auto after = ask_since(before);
  EXPECT_NE(after.server_started, before.server_started);
  EXPECT_EQ(after.epoch, before.epoch);
}

TEST_P(FeedContract, SaysThatANewEpochBeganAndNotifies) {
  world->add("section7");
  connect();
  listen();
  const auto before = ask();
  world->new_epoch();
  EXPECT_EQ(wait().value(), Waited::notified);
  EXPECT_NE(ask().epoch, before.epoch);
}

INSTANTIATE_TEST_SUITE_P(All, FeedContract,
                         testing::Values(Implementation{"Memory", memory_world},
                                         Implementation{"Postgres", postgres_world}),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace bundlesync::tests
