#include "bed.hpp"

namespace bundlesync::publish {
namespace {

/// Ends a publisher by SIGKILL after each of its steps in turn, until one runs to its end; `then` finishes the story of
/// each.
template <class Then>
long for_every_death(Then then) {
  for (long step = 0; step < 50; ++step) {
    if (!then("1.0." + std::to_string(step), step)) return step;
  }
  ADD_FAILURE() << "the publisher has more than 50 steps";
  return 0;
}

TEST_F(PublishBed, KilledAfterEveryStepIsFinishedByTheSameCommand) {
  const auto one = bundle("one", "one");
  std::string shown;  // the default before each round
  const long steps = for_every_death([&](const std::string& version, long step) {
    const int ended = run_once("publish", one, version, true, step);
    if (ended == 0) return false;
    EXPECT_EQ(ended, -SIGKILL) << version;
    const std::string status = status_of(version);
    EXPECT_EQ(default_version(), status == "stable" ? version : shown) << "step " << step;
    EXPECT_EQ(sql("select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from "
                  "pg_database where datname = current_database())"),
              "0");

    EXPECT_EQ(run_once("publish", one, version, true), 0) << version;
    EXPECT_EQ(status_of(version), "stable") << version;
    EXPECT_EQ(default_version(), version);
    EXPECT_EQ(objects().at("section7/v" + version + "/master.md"), "master one");
    EXPECT_EQ(objects().at("section7/v" + version + "/system.md"), "system one");
    EXPECT_EQ(sql("select s.manifest_sha256 = bundlesync.manifest_sha256(v.id) from public.template_versions v join "
                  "bundlesync.version_state s on s.version_id = v.id where v.semver = '" +
                  version + "'"),
              "t");
    shown = version;
    return true;
  });
  EXPECT_EQ(steps, 8) << "linted, locked, claimed, two uploads, read back, recorded, finished";
  EXPECT_TRUE(list_drafts(*catalog_)->empty());
}

TEST_F(PublishBed, KilledAfterEveryStepIsTakenOverByOtherContent) {
  const auto one = bundle("one", "one");
  const auto two = bundle("two", "two");
  for_every_death([&](const std::string& version, long step) {
    const int ended = run_once("publish", one, version, false, step);
    if (ended == 0) return false;
    const bool finished = status_of(version) == "stable";
    EXPECT_EQ(run_once("publish", two, version, false), finished ? 5 : 0) << "step " << step;
    EXPECT_EQ(objects().at("section7/v" + version + "/master.md"), finished ? "master one" : "master two");
    EXPECT_EQ(status_of(version), "stable");
    return true;
  });
}

/// The same where storage holds other bytes under one name and an object of no file: steps that remove are steps too.
TEST_F(PublishBed, KilledWhileReplacingObjectsIsFinishedByTheSameCommand) {
  const auto one = bundle("one", "one");
  const long steps = for_every_death([&](const std::string& version, long step) {
    EXPECT_TRUE(test::run(storage_->upload("section7/v" + version + "/system.md", "planted", "")));
    EXPECT_TRUE(test::run(storage_->upload("section7/v" + version + "/extra.md", "extra", "")));
    const int ended = run_once("publish", one, version, true, step);
    EXPECT_TRUE(ended == 0 || ended == -SIGKILL) << ended;
    EXPECT_EQ(run_once("publish", one, version, true), 0) << "step " << step;
    EXPECT_EQ(objects().at("section7/v" + version + "/system.md"), "system one");
    EXPECT_FALSE(objects().contains("section7/v" + version + "/extra.md"));
    EXPECT_EQ(default_version(), version);
    return ended == -SIGKILL;
  });
  EXPECT_EQ(steps, 10) << "two removals more than without";
}

TEST_F(PublishBed, KilledAfterEveryStepLeavesNothingOnceAbandoned) {
  const auto one = bundle("one", "one");
  ASSERT_EQ(run_once("publish", one, "0.0.1", true), 0);
  const auto before = objects();
  for_every_death([&](const std::string& version, long step) {
    const int ended = run_once("publish", one, version, false, step);
    if (ended == 0) return false;
    const std::string status = status_of(version);
    const int abandoned = run_once("abandon", one, version, false);
    if (status == "stable") {
      EXPECT_EQ(abandoned, 5);
      return false;
    }
    EXPECT_EQ(abandoned, status == "draft" ? 0 : 1) << "step " << step;
    EXPECT_EQ(objects(), before);
    EXPECT_EQ(status_of(version), "");
    return true;
  });
  EXPECT_EQ(sql("select count(*) from public.artifacts"), "4") << "of 0.0.1 and the one that was finished";
  EXPECT_EQ(default_version(), "0.0.1");
}

TEST_F(PublishBed, AbandonKilledAfterEveryStepIsFinishedByTheSameCommand) {
  const auto one = bundle("one", "one");
  long rounds = 0;
  for_every_death([&](const std::string& version, long step) {
    EXPECT_EQ(run_once("publish", one, version, false, 5), -SIGKILL);
    const int ended = run_once("abandon", one, version, false, step);
    if (ended == -SIGKILL && status_of(version) == "draft") {
      EXPECT_EQ(run_once("abandon", one, version, false), 0) << "step " << step;
    }
    EXPECT_EQ(status_of(version), "");
    EXPECT_TRUE(objects().empty());
    ++rounds;
    return ended == -SIGKILL;
  });
  EXPECT_EQ(rounds, 6) << "locked, claimed, two objects, the draft, and once to the end";
}

/// Whoever wins, the version is whole, one content, published once.
TEST_F(PublishBed, RacingPublishersAgreeOnOneVersion) {
  const auto one = bundle("one", "one");
  const auto two = bundle("two", "two");
  int won[2] = {0, 0};
  for (int round = 0; round < 8; ++round) {
    const std::string version = "1.0." + std::to_string(round);
    const bool same = round % 2 == 0;
    const int first = start("publish", one, version, true, 1'000'000);
    const int second = start("publish", same ? one : two, version, true, 1'000'000);
    const int first_ended = wait(first);
    const int second_ended = wait(second);
    EXPECT_TRUE(first_ended == 0 || first_ended == 5) << first_ended;
    EXPECT_TRUE(second_ended == 0 || second_ended == 5) << second_ended;
    EXPECT_TRUE(first_ended == 0 || second_ended == 0) << "nobody published " << version;
    EXPECT_TRUE(same || first_ended != second_ended) << "two contents of " << version;

    ++won[first_ended == 0 ? 0 : 1];
    const std::string text = same || first_ended == 0 ? "one" : "two";
    EXPECT_EQ(objects().at("section7/v" + version + "/master.md"), "master " + text);
    EXPECT_EQ(objects().at("section7/v" + version + "/system.md"), "system " + text);
    EXPECT_EQ(status_of(version), "stable");
    EXPECT_EQ(default_version(), version);
    EXPECT_EQ(sql("select count(*) from bundlesync.default_history where to_version_id = (select id from "
                  "public.template_versions where semver = '" +
                  version + "')"),
              "1");
  }
  RecordProperty("first_won", won[0]);
  RecordProperty("second_won", won[1]);
}

}  // namespace
}  // namespace bundlesync::publish
