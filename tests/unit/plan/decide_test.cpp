#include "unit/plan/world.hpp"

#include <gtest/gtest.h>

namespace bundlesync::plan::test {
namespace {

TEST(Decide, FetchesWhatIsWantedAndNotOnDisk) {
  World world;
  world.want(wanted_template("section7", "1.0.0", 1));
  const Plan plan = world.decide();
  EXPECT_EQ(fetches(plan), "section7=1.0.0");
  EXPECT_EQ(moves(plan), "");
  EXPECT_EQ(status(plan, "section7"), "fetching");
}

TEST(Decide, ShowsWhatIsCompleteOnDiskWithoutFetching) {
  World world;
  const auto wanted = world.want(wanted_template("section7", "1.0.0", 1));
  world.on_disk(*wanted.current);
  const Plan plan = world.decide();
  EXPECT_EQ(fetches(plan), "");
  EXPECT_EQ(moves(plan), "section7=1.0.0");
  ASSERT_EQ(plan.activate.size(), 1u);
  EXPECT_EQ(plan.activate[0].moves[0].tree, tree(*wanted.current));
  EXPECT_EQ(plan.activate[0].moves[0].generation, 1u);
}

TEST(Decide, IsSettledWhenTheWantedVersionIsShown) {
  World world;
  world.show(world.want(wanted_template("section7", "1.0.0", 1)));
  const Plan plan = world.decide();
  EXPECT_TRUE(plan.settled());
  EXPECT_TRUE(converged(plan));
  EXPECT_EQ(status(plan, "section7"), "current");
}

TEST(Decide, ShowsTheSameContentAgainUnderAHigherGeneration) {
  World world;
  world.show(world.want(wanted_template("section7", "1.0.0", 1)));
  world.desired.templates["section7"].generation = 3;  // away and back again while nobody looked
  EXPECT_EQ(moves(world.decide()), "section7=1.0.0");
}

TEST(Decide, HoldsALowerGeneration) {
  World world;
  world.show(world.want(wanted_template("section7", "1.1.0", 9)));
  world.want(wanted_template("section7", "1.0.0", 4));
  const Plan plan = world.decide();
  EXPECT_TRUE(plan.settled());
  EXPECT_EQ(status(plan, "section7"), "held generation_lower");
  EXPECT_EQ(plan.status.at("section7").detail, "seen_generation=4 accepted=9");
}

TEST(Decide, GoesOnInANewEpochWithLowerGenerations) {
  World world;
  world.show(world.want(wanted_template("section7", "1.1.0", 9)));
  world.desired.epoch = "epoch-2";
  const auto wanted = world.want(wanted_template("section7", "1.0.0", 4));
  world.on_disk(*wanted.current);
  EXPECT_EQ(moves(world.decide()), "section7=1.0.0");
}

TEST(Decide, RefusesAnEqualGenerationThatNamesAnotherVersion) {
  World world;
  world.show(world.want(wanted_template("section7", "1.1.0", 9)));
  world.on_disk(*world.want(wanted_template("section7", "1.0.0", 9)).current);
  const Plan plan = world.decide();
  EXPECT_TRUE(plan.settled());
  EXPECT_EQ(status(plan, "section7"), "refused generation_reused");
}

TEST(Decide, KeepsWhatIsShownWhenTheDownloadWasRefused) {
  World world;
  world.show(world.want(wanted_template("section7", "1.0.0", 1)));
  const auto wanted = world.want(wanted_template("section7", "1.1.0", 2));
  world.fail(*wanted.current, "digest_mismatch", true, 2);
  world.offer_fallback("section7", "bare");
  const Plan plan = world.decide();
  EXPECT_TRUE(plan.settled());
  EXPECT_EQ(status(plan, "section7"), "refused digest_mismatch");
}

TEST(Decide, TriesARefusedDownloadAgainWhenTheRowChanges) {
  World world;
  world.show(world.want(wanted_template("section7", "1.0.0", 1)));
  const auto wanted = world.want(wanted_template("section7", "1.1.0", 4));
  world.fail(*wanted.current, "digest_mismatch", true, 2);
  EXPECT_EQ(fetches(world.decide()), "section7=1.1.0");
}

TEST(Decide, WaitsForTheBackoffOfAFailedDownload) {
  World world;
  const auto wanted = world.want(wanted_template("section7", "1.0.0", 1));
  world.fail(*wanted.current, "object_missing", false, 1, false);
  EXPECT_EQ(fetches(world.decide()), "");
  EXPECT_EQ(status(world.decide(), "section7"), "retrying object_missing");
  world.fail(*wanted.current, "object_missing", false, 1, true);
  EXPECT_EQ(fetches(world.decide()), "section7=1.0.0");
  EXPECT_EQ(status(world.decide(), "section7"), "retrying object_missing");
}

TEST(Decide, AbandonsADownloadThatNobodyWantsAnyMore) {
  World world;
  const auto first = wanted_template("section7", "1.0.0", 1);
  const auto second = version("section7", "1.1.0");
  world.show(world.want(first));
  world.observed.fetching.insert(key(second));
  const Plan plan = world.decide();
  ASSERT_EQ(plan.abandon.size(), 1u);
  EXPECT_EQ(plan.abandon[0], key(second));
}

TEST(Decide, DoesNotStartADownloadTwice) {
  World world;
  const auto wanted = world.want(wanted_template("section7", "1.0.0", 1));
  world.observed.fetching.insert(key(*wanted.current));
  const Plan plan = world.decide();
  EXPECT_EQ(fetches(plan), "");
  EXPECT_TRUE(plan.abandon.empty());
}

TEST(Decide, DoesNotDownloadOverTheDiskBudget) {
  World world;
  world.want(wanted_template("section7", "1.0.0", 1));
  world.observed.room_bytes = 3;
  const Plan plan = world.decide();
  EXPECT_EQ(fetches(plan), "");
  EXPECT_EQ(status(plan, "section7"), "retrying disk_budget");
}

TEST(Decide, FallsBackOnlyWhereThereIsNoLastGood) {
  World world;
  world.observed.database_reached = false;
  world.observed.database_failed = true;
  world.offer_fallback("section7", "bare");
  EXPECT_EQ(moves(world.decide()), "section7=filesystem");

  world.show(wanted_template("section7", "1.0.0", 1));
  EXPECT_EQ(moves(world.decide()), "");
  EXPECT_EQ(status(world.decide(), "section7"), "waiting database_not_reached");
}

TEST(Decide, PrefersTheLocalManifestOverBareFiles) {
  World world;
  world.observed.remote_enabled = false;
  world.offer_fallback("section7", "bare");
  world.observed.local["section7"] = world.observed.filesystem["section7"];
  world.observed.local["section7"].bundle.version = "0.9.0";
  world.observed.local["section7"].source = Source::local;
  EXPECT_EQ(moves(world.decide()), "section7=0.9.0");
}

TEST(Decide, ShowsFallbackFilesBeforeTheDatabaseOnlyWhereAllowed) {
  World world;
  world.observed.database_reached = false;
  world.offer_fallback("section7", "bare");
  EXPECT_EQ(moves(world.decide()), "") << "the first try is still under way";
  world.observed.database_failed = true;
  EXPECT_EQ(moves(world.decide()), "section7=filesystem");
  world.policy.start_require = StartRequire::last_good;
  EXPECT_EQ(moves(world.decide()), "");
}

TEST(Decide, WaitsAMomentForTheFirstDownloadBeforeFallingBack) {
  World world;
  world.want(wanted_template("section7", "1.0.0", 1));
  world.offer_fallback("section7", "bare");
  EXPECT_EQ(moves(world.decide()), "");
  world.observed.start_grace_over = true;
  EXPECT_EQ(moves(world.decide()), "section7=filesystem");
}

TEST(Decide, ReplacesFallbackFilesAsSoonAsTheWantedVersionIsComplete) {
  World world;
  world.offer_fallback("section7", "bare");
  Shown shown;
  shown.version = "filesystem";
  shown.source = Source::filesystem;
  shown.manifest = world.observed.filesystem["section7"].manifest;
  shown.tree = TreeId{"section7", "filesystem-x"};
  world.observed.view.templates["section7"] = shown;
  world.on_disk(*world.want(wanted_template("section7", "1.0.0", 1)).current);
  EXPECT_EQ(moves(world.decide()), "section7=1.0.0");
}

TEST(Decide, KeepsTheLastGoodOfADeletedTemplateAndSaysSo) {
  World world;
  world.show(world.want(wanted_template("section7", "1.0.0", 1)));
  world.desired.templates["section7"].deleted = true;
  world.desired.templates["section7"].generation = 2;
  EXPECT_TRUE(world.decide().settled());
  EXPECT_EQ(status(world.decide(), "section7"), "orphaned deleted");
  world.desired.templates.clear();
  EXPECT_EQ(status(world.decide(), "section7"), "orphaned not_in_catalog");
}

TEST(Decide, ADisabledTemplateShowsLocalOrFallbackFilesElseTheLastGood) {
  World world;
  world.show(world.want(wanted_template("section7", "1.0.0", 1)));
  world.desired.templates["section7"].enabled = false;
  world.desired.templates["section7"].generation = 2;
  EXPECT_TRUE(world.decide().settled());
  EXPECT_EQ(status(world.decide(), "section7"), "disabled not_enabled");
  world.offer_fallback("section7", "bare");
  EXPECT_EQ(moves(world.decide()), "section7=filesystem");
}

TEST(Decide, NoDefaultCountsAsDisabled) {
  World world;
  world.want(wanted_template("section7", "1.0.0", 1)).current.reset();
  world.observed.view.templates.clear();
  EXPECT_EQ(status(world.decide(), "section7"), "absent no_default");
}

TEST(Decide, DropsWhatIsNoLongerWanted) {
  World world;
  world.show(world.want(wanted_template("section7", "1.0.0", 1)));
  world.policy.templates = {"intake*"};
  EXPECT_EQ(world.decide().drop, std::vector<std::string>{"section7"});
}

TEST(Decide, FetchesADamagedTreeAgain) {
  World world;
  const auto wanted = world.want(wanted_template("section7", "1.0.0", 1));
  world.show(wanted);
  world.observed.damaged.insert(tree(*wanted.current));
  world.observed.complete.clear();
  const Plan plan = world.decide();
  EXPECT_EQ(fetches(plan), "section7=1.0.0");
  EXPECT_TRUE(plan.drop.empty()) << "not before the rebuild has failed";
}

TEST(Decide, LeavesADamagedTreeWhenItCannotBeRebuilt) {
  World world;
  const auto wanted = world.want(wanted_template("section7", "1.0.0", 1));
  world.show(wanted);
  world.observed.damaged.insert(tree(*wanted.current));
  world.observed.complete.clear();
  world.fail(*wanted.current, "object_missing", false, 1);
  EXPECT_EQ(world.decide().drop, std::vector<std::string>{"section7"});
  world.offer_fallback("section7", "bare");
  EXPECT_EQ(moves(world.decide()), "section7=filesystem");
  EXPECT_TRUE(world.decide().drop.empty());
}

TEST(Decide, RebuildsADamagedTreeFromMemoryWhileTheDatabaseIsAway) {
  World world;
  const auto wanted = world.want(wanted_template("section7", "1.0.0", 1));
  world.show(wanted);
  world.observed.database_reached = false;
  world.observed.damaged.insert(tree(*wanted.current));
  world.observed.complete.clear();
  EXPECT_EQ(fetches(world.decide()), "section7=1.0.0");
  world.observed.complete[key(*wanted.current)] = TreeId{"section7", tree(*wanted.current).name + ".2"};
  EXPECT_EQ(moves(world.decide()), "section7=1.0.0");
}

TEST(Decide, BringsBackADroppedTreeWhileTheDatabaseIsAway) {
  World world;
  auto wanted = world.want(wanted_template("section7", "1.0.0", 4, 71));
  world.show(wanted);
  world.observed.database_reached = false;
  world.observed.database_failed = true;
  world.observed.view.templates.clear();  // it was damaged, and storage failed once
  world.observed.complete.clear();
  world.offer_fallback("section7", "bare");
  world.fail(*wanted.current, "storage_unavailable", false, 4);
  EXPECT_EQ(fetches(world.decide()), "");
  EXPECT_EQ(moves(world.decide()), "section7=filesystem");
  world.fail(*wanted.current, "storage_unavailable", false, 4, true);
  EXPECT_EQ(fetches(world.decide()), "section7=1.0.0");
  world.on_disk(*wanted.current);
  const Plan plan = world.decide();
  ASSERT_EQ(moves(plan), "section7=1.0.0");
  EXPECT_EQ(plan.activate[0].moves[0].generation, 4U);
  EXPECT_EQ(plan.activate[0].moves[0].epoch, "epoch-1");

  wanted.enabled = false;
  world.want(wanted);
  EXPECT_EQ(moves(world.decide()), "section7=filesystem") << "it had left the catalog's versions";
}

TEST(Decide, BringsBackWhatWasAcceptedWhenWhatIsWantedIsRefused) {
  World world;
  const auto before = world.want(wanted_template("section7", "1.0.0", 1));
  world.show(before);
  auto wanted = wanted_template("section7", "2.0.0", 2, 72);
  wanted.previous = before.current;
  world.want(wanted);
  world.fail(*wanted.current, "digest_mismatch", true, 2);
  world.observed.damaged.insert(tree(*before.current));
  world.observed.complete.clear();
  world.offer_fallback("section7", "bare");
  Plan plan = world.decide();
  EXPECT_EQ(fetches(plan), "section7=1.0.0");
  EXPECT_EQ(moves(plan), "") << "not before the rebuild has failed";
  EXPECT_TRUE(plan.drop.empty());
  EXPECT_EQ(status(plan, "section7"), "refused digest_mismatch");

  world.observed.complete[key(*before.current)] = TreeId{"section7", tree(*before.current).name + ".2"};
  plan = world.decide();
  ASSERT_EQ(moves(plan), "section7=1.0.0");
  EXPECT_EQ(plan.activate[0].moves[0].generation, 1U) << "as accepted, not as wanted";
  EXPECT_EQ(status(plan, "section7"), "refused digest_mismatch");

  world.observed.view.templates.clear();  // dropped before it could be had again
  world.observed.damaged.clear();
  EXPECT_EQ(moves(world.decide()), "section7=1.0.0");
  EXPECT_EQ(world.decide().activate[0].moves[0].generation, 1U);

  world.observed.accepted.clear();
  EXPECT_EQ(moves(world.decide()), "section7=filesystem")
      << "a previous default that was never accepted is not offered";
}

TEST(Decide, KeepsATreeThatCannotBeReadUntilItsBytesAreHad) {
  World world;
  const auto wanted = world.want(wanted_template("section7", "1.0.0", 1));
  world.show(wanted);
  world.observed.unread.insert(tree(*wanted.current));
  world.observed.complete.clear();
  world.observed.start_grace_over = true;
  world.offer_fallback("section7", "bare");
  EXPECT_EQ(fetches(world.decide()), "section7=1.0.0");
  world.fail(*wanted.current, "storage_unavailable", false, 1);
  for (const bool reached : {true, false}) {
    world.observed.database_reached = reached;
    world.observed.database_failed = !reached;
    EXPECT_EQ(moves(world.decide()), "");
    EXPECT_TRUE(world.decide().drop.empty());
  }
}

TEST(Decide, PrefetchesThePreviousDefaultWhenItIsDue) {
  World world;
  auto wanted = wanted_template("section7", "1.1.0", 2);
  wanted.previous = version("section7", "1.0.0");
  world.show(world.want(wanted));
  EXPECT_EQ(fetches(world.decide()), "");
  world.observed.prefetch_due = true;
  EXPECT_EQ(fetches(world.decide()), "section7=1.0.0 (prefetch)");
  world.on_disk(*wanted.previous);
  EXPECT_EQ(fetches(world.decide()), "");
}

TEST(Decide, AbandonsADownloadThatIsOnlyThePreviousDefaultNow) {
  World world;
  auto wanted = wanted_template("section7", "1.0.0", 3);
  wanted.previous = version("section7", "1.1.0");
  world.show(world.want(wanted));
  world.observed.prefetch_due = true;
  world.observed.fetching.insert(key(*wanted.previous));
  const Plan plan = world.decide();
  EXPECT_EQ(plan.abandon, std::vector<ContentKey>{key(*wanted.previous)});
  EXPECT_EQ(fetches(plan), "");
  world.observed.prefetching.insert(key(*wanted.previous));
  EXPECT_TRUE(world.decide().abandon.empty()) << "a prefetch goes on";
  world.observed.prefetch_due = false;
  EXPECT_TRUE(world.decide().abandon.empty());
}

TEST(Decide, AbandonsAPrefetchThatIsWantedNowAndFetchesItAnew) {
  World world;
  auto wanted = wanted_template("section7", "1.0.0", 3);
  world.want(wanted);
  world.observed.prefetch_due = true;
  world.observed.fetching.insert(key(*wanted.current));
  EXPECT_TRUE(world.decide().abandon.empty());
  world.observed.prefetching.insert(key(*wanted.current));
  EXPECT_EQ(world.decide().abandon, std::vector<ContentKey>{key(*wanted.current)});
  EXPECT_EQ(fetches(world.decide()), "") << "the prefetch unwinds first";
  world.observed.fetching.clear();
  world.observed.prefetching.clear();
  EXPECT_EQ(fetches(world.decide()), "section7=1.0.0");
}

TEST(Decide, WithRemoteOffNeverFetchesAndKeepsTheLastGoodWithAWarning) {
  World world;
  world.show(world.want(wanted_template("section7", "1.0.0", 1)));
  world.want(wanted_template("section7", "1.1.0", 2));
  world.observed.remote_enabled = false;
  const Plan plan = world.decide();
  EXPECT_TRUE(plan.settled());
  EXPECT_EQ(status(plan, "section7"), "standalone remote_off");
}

/// A version of `mib` MiB, of which only the size is ever looked at.
WantedTemplate large(const std::string& name, std::uint64_t mib) {
  WantedTemplate wanted = wanted_template(name, "1.0.0", 1);
  wanted.current->bundle.files[0].size = mib << 20;
  wanted.current->manifest = bundle::manifest_digest(wanted.current->bundle.files);
  wanted.current->recorded_manifest = wanted.current->manifest;
  return wanted;
}

TEST(Decide, VersionsThatFitOnlyOneByOneAreNotAllFetchedAtOnce) {
  World world;
  world.policy.file_bytes_max = 64U << 20;
  world.observed.room_bytes = 130U << 20;
  for (const auto* name : {"a", "b", "c"}) world.want(large(name, 60));
  Plan plan = world.decide();
  EXPECT_EQ(fetches(plan), "a=1.0.0,b=1.0.0");
  EXPECT_EQ(status(plan, "c"), "retrying disk_budget");
  EXPECT_EQ(plan.status.at("c").detail, "bytes=62914560 room=10485760");

  // The same while they are under way: the room is theirs, whatever the name of the next.
  world.observed.fetching = {key(*world.desired.templates.at("b").current),
                             key(*world.desired.templates.at("c").current)};
  plan = world.decide();
  EXPECT_EQ(fetches(plan), "");
  EXPECT_EQ(status(plan, "a"), "retrying disk_budget");
  EXPECT_EQ(status(plan, "b"), "fetching");
  EXPECT_TRUE(plan.abandon.empty());
}

TEST(Decide, APrefetchUnderWayGivesItsRoomToWhatIsWanted) {
  World world;
  world.policy.file_bytes_max = 64U << 20;
  world.observed.room_bytes = 100U << 20;
  world.observed.prefetch_due = true;
  WantedTemplate shown = wanted_template("a", "2.0.0", 2);
  shown.previous = large("a", 60).current;
  world.want(shown);
  world.show(shown);
  world.observed.fetching = world.observed.prefetching = {key(*shown.previous)};
  EXPECT_TRUE(world.decide().abandon.empty());
  world.want(large("b", 60));
  const Plan plan = world.decide();
  EXPECT_EQ(fetches(plan), "b=1.0.0");
  ASSERT_EQ(plan.abandon.size(), 1u);
  EXPECT_EQ(plan.abandon[0], key(*shown.previous));
}

TEST(Decide, AFileTakesWholeBlocksOfTheDisk) {
  bundle::Bundle bundle;
  for (const std::uint64_t size : {0U, 1U, 4096U, 4097U}) {
    bundle.files.push_back(file("f" + std::to_string(size), ""));
    bundle.files.back().size = size;
  }
  EXPECT_EQ(disk_bytes(bundle, Policy()), 4 * 4096u);
  bundle.files[0].size.reset();
  Policy policy;
  policy.file_bytes_max = 8192;
  EXPECT_EQ(disk_bytes(bundle, policy), 6 * 4096u);
  bundle.files[0].size = UINT64_MAX;
  EXPECT_EQ(disk_bytes(bundle, policy), UINT64_MAX) << "saturates: a limit still refuses";
}

}  // namespace
}  // namespace bundlesync::plan::test
