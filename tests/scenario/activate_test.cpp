#include "fakes/spawned.hpp"
#include "scenario/stage.hpp"

#include <boost/asio/post.hpp>

namespace bundlesync::scenario {
namespace {

class Activate : public Stage {
 protected:
  /// The tree that a template shows now.
  fs::path tree(const std::string& name) const { return fs::canonical(prompts() / name); }
  static void remove_tree(const fs::path& tree) {
    for (const auto& entry : fs::recursive_directory_iterator(tree)) {
      if (entry.is_directory()) fs::permissions(entry.path(), fs::perms::owner_all);
    }
    fs::permissions(tree, fs::perms::owner_all);
    fs::remove_all(tree);
  }
  static void overwrite(const fs::path& tree, const std::string& path, const std::string& content) {
    fs::permissions(tree, fs::perms::owner_all);
    fs::permissions(tree / path, fs::perms::owner_all);
    std::ofstream(tree / path, std::ios::binary) << content;
  }
  bool is_linked(const std::string& name) const { return fs::exists(fs::symlink_status(prompts() / "..data" / name)); }
};

TEST_F(Activate, ALiveTreeThatIsRemovedIsBuiltAgainAndStopsNoOtherTemplate) {
  move({publish("section7", "1.0.0", {{"p.md", "a1"}}), publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  clock_.advance(std::chrono::seconds(10));
  settle();
  remove_tree(tree("section7"));
  move({publish("intake", "1.1.0", {{"p.md", "b2"}})});
  settle();
  EXPECT_EQ(read("intake/p.md"), "b2");
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(state_of("section7"), "current");
  EXPECT_TRUE(reporter_->failures.empty()) << reporter_->failures[0].text();
  ASSERT_EQ(reporter_->repairs.size(), 1u);
  EXPECT_TRUE(reporter_->repairs[0].starts_with("what section7 shows is damaged and will be built again: tree "));
  EXPECT_TRUE(reporter_->repairs[0].ends_with(": there is none"));
}

TEST_F(Activate, ALiveTreeThatIsRemovedAndCannotBeHadLeavesTheView) {
  move({publish("section7", "1.0.0", {{"p.md", "a1"}}), publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  clock_.advance(std::chrono::seconds(10));
  settle();
  remove_tree(tree("section7"));
  storage_.drop("section7/v1.0.0/p.md");
  move({publish("intake", "1.1.0", {{"p.md", "b2"}})});
  settle();
  EXPECT_EQ(read("intake/p.md"), "b2");
  EXPECT_FALSE(is_linked("section7")) << "no link dangles";
  EXPECT_EQ(state_of("section7"), "retrying object_missing");
  storage_.put("section7/v1.0.0/p.md", "a1");
  clock_.advance(std::chrono::seconds(31));
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(state_of("section7"), "current");
}

TEST_F(Activate, ATreeThatIsReplacedByAFileIsBuiltAgain) {
  move({publish("section7", "1.0.0", {{"p.md", "a1"}}), publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  clock_.advance(std::chrono::seconds(10));
  settle();
  const fs::path gone = tree("section7");
  remove_tree(gone);
  std::ofstream(gone, std::ios::binary) << "mine";
  move({publish("intake", "1.1.0", {{"p.md", "b2"}})});
  settle();
  EXPECT_EQ(read("intake/p.md"), "b2");
  EXPECT_EQ(read("section7/p.md"), "a1");
}

TEST_F(Activate, ALiveTreeThatVanishedBeforeTheStartIsBuiltOnce) {
  move({publish("section7", "1.0.0", {{"p.md", "a1"}})});
  settle();
  const fs::path gone = tree("section7");
  stop();
  remove_tree(gone);
  storage_.forget_asked();
  start();
  answer_again();
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(state_of("section7"), "current");
  EXPECT_EQ(storage_.asked().size(), 1u);
  EXPECT_EQ(tree("section7"), gone) << "its name was free again";
  const std::string shown = view();
  storage_.forget_asked();
  storage_.set_away(true);
  fallback("section7", "p.md", "bare");
  for (int i = 0; i < 4; ++i) {
    clock_.advance(std::chrono::minutes(2));
    settle();
  }
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(state_of("section7"), "current");
  EXPECT_EQ(view(), shown);
  EXPECT_TRUE(storage_.asked().empty());
}

TEST_F(Activate, AMoveIsShownThoughOtherTemplatesChangeWhileItIsVerified) {
  const auto one = publish("section7", "1.0.0", {{"p.md", "a1"}});
  const auto two = publish("section7", "1.1.0", {{"p.md", "a2"}});
  move({one});
  settle();
  move({two});
  settle();
  move({one});
  const auto other = publish("intake", "1.0.0", {{"p.md", "b1"}});
  auto pass = reconciler_->pass();
  fakes::Spawned<void> spawned(io_, std::move(pass));
  asio::post(io_, [&] { move({other}); });  // after the pass has decided, before its tree is verified
  ASSERT_TRUE(clock_.settle_until([&] { return spawned.ended(); }));
  EXPECT_EQ(read("section7/p.md"), "a1");
  settle();
  EXPECT_EQ(read("intake/p.md"), "b1");
  EXPECT_EQ(state_of("section7"), "current");
}

TEST_F(Activate, AMoveThatIsTakenBackWhileItIsVerifiedIsNotShown) {
  const auto one = publish("section7", "1.0.0", {{"p.md", "a1"}});
  const auto two = publish("section7", "1.1.0", {{"p.md", "a2"}});
  move({one});
  settle();
  move({two});
  settle();
  const std::string shown = view();
  move({one});
  auto pass = reconciler_->pass();
  fakes::Spawned<void> spawned(io_, std::move(pass));
  asio::post(io_, [&] { move({two}); });
  ASSERT_TRUE(clock_.settle_until([&] { return spawned.ended(); }));
  EXPECT_EQ(read("section7/p.md"), "a2");
  EXPECT_EQ(view(), shown);
  settle();
  EXPECT_EQ(state_of("section7"), "current");
  EXPECT_EQ(reporter_->last("section7")->generation, 4u);
}

TEST_F(Activate, HalfOfAChangeIsNotShownWhenTheOtherHalfMovesOnWhileItIsVerified) {
  const auto a1 = publish("section7", "1.0.0", {{"p.md", "a1"}});
  const auto b1 = publish("intake", "1.0.0", {{"p.md", "b1"}});
  const auto a2 = publish("section7", "2.0.0", {{"p.md", "a2"}});
  const auto b2 = publish("intake", "2.0.0", {{"p.md", "b2"}});
  move({a1, b1});
  settle();
  move({a2, b2});
  settle();
  move({a1, b1});
  auto pass = reconciler_->pass();
  fakes::Spawned<void> spawned(io_, std::move(pass));
  asio::post(io_, [&] { move({b2}); });
  ASSERT_TRUE(clock_.settle_until([&] { return spawned.ended(); }));
  EXPECT_EQ(read("section7/p.md") + read("intake/p.md"), "a2b2");
  settle();
  EXPECT_EQ(read("section7/p.md") + read("intake/p.md"), "a1b2");
  EXPECT_EQ(state_of("section7"), "current");
}

TEST_F(Activate, AChangeIsNotShownInHalfWhenTheTreeOfOneThatMovedOnIsDamaged) {
  const auto a1 = publish("section7", "1.0.0", {{"p.md", "a1"}});
  const auto b1 = publish("intake", "1.0.0", {{"p.md", "b1"}});
  const auto a2 = publish("section7", "2.0.0", {{"p.md", "a2"}});
  const auto b2 = publish("intake", "2.0.0", {{"p.md", "b2"}});
  const auto b3 = publish("intake", "3.0.0", {{"p.md", "b3"}});
  move({a2, b2});
  settle();
  const fs::path damaged = tree("intake");
  move({a1, b1});
  settle();
  overwrite(damaged, "p.md", "xx");
  storage_.set_away(true);
  move({a2, b3});
  move({b2});
  settle();
  EXPECT_EQ(read("section7/p.md") + read("intake/p.md"), "a1b1");
  EXPECT_EQ(state_of("section7"), "blocked waits_for_change");
  storage_.set_away(false);
  clock_.advance(std::chrono::seconds(31));
  settle();
  EXPECT_EQ(read("section7/p.md") + read("intake/p.md"), "a2b2");
}

TEST_F(Activate, APrefetchedTreeIsVerifiedWhenItIsShownLater) {
  const auto one = publish("section7", "1.0.0", {{"p.md", "a1"}});
  catalog_["section7"].current = one;  // deployed before this pod was born
  move({publish("section7", "1.1.0", {{"p.md", "a2"}})});
  settle();
  clock_.advance(std::chrono::seconds(61));
  settle();
  settle();
  ASSERT_TRUE(reporter_->last("section7")->prefetched);
  clock_.advance(std::chrono::hours(24 * 7));
  settle();
  overwrite(tree("section7").parent_path() / bundle::tree_name("1.0.0", one.manifest), "p.md", "xx");
  storage_.set_away(true);
  move({one});
  settle();
  EXPECT_EQ(read("section7/p.md"), "a2") << "bytes that are not what was published are never shown";
  storage_.set_away(false);
  clock_.advance(std::chrono::seconds(31));
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
}

TEST_F(Activate, APrefetchedTreeThatWasRemovedIsFetchedAgain) {
  const auto one = publish("section7", "1.0.0", {{"p.md", "a1"}});
  catalog_["section7"].current = one;
  move({publish("section7", "1.1.0", {{"p.md", "a2"}})});
  settle();
  clock_.advance(std::chrono::seconds(61));
  settle();
  settle();
  ASSERT_TRUE(reporter_->last("section7")->prefetched);
  remove_tree(tree("section7").parent_path() / bundle::tree_name("1.0.0", one.manifest));
  move({one});
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_TRUE(reporter_->failures.empty()) << reporter_->failures[0].text();
}

TEST_F(Activate, WhatWasDownloadedForAMoveThatNeverCameIsOnThisDiskLater) {
  const auto a1 = publish("section7", "1.0.0", {{"p.md", "a1"}});
  const auto a2 = publish("section7", "2.0.0", {{"p.md", "a2"}});
  move({a1, publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  const auto b2 = publish("intake", "2.0.0", {{"p.md", "b2"}});
  storage_.drop("intake/v2.0.0/p.md");
  move({a2, b2});
  settle();
  ASSERT_EQ(state_of("section7"), "blocked waits_for_change");
  move({a1});
  settle();
  move({a2});
  settle();
  ASSERT_EQ(read("section7/p.md"), "a2");
  const auto& shown = reporter_->activations.back().templates.at(0);
  EXPECT_EQ(plan::to_string(shown.source), std::string("cache"));
  EXPECT_EQ(shown.downloaded_bytes, 0u);
}

TEST_F(Activate, TwoVersionsThatFitOnlyOneByOneDoNotBreakTheBudget) {
  options_.retention.bytes_max = 440 << 10;
  restart();
  move({publish("section7", "1.0.0", {{"p.md", std::string(100 << 10, 'a')}}),
        publish("intake", "1.0.0", {{"p.md", std::string(100 << 10, 'b')}})});
  settle();
  move({publish("section7", "2.0.0", {{"p.md", std::string(150 << 10, 'A')}})});
  move({publish("intake", "2.0.0", {{"p.md", std::string(150 << 10, 'B')}})});
  settle();
  EXPECT_LE(trees_->bytes_used().value(), options_.retention.bytes_max);
  EXPECT_EQ(state_of("intake"), "current");
  EXPECT_EQ(state_of("section7"), "retrying disk_budget");
  EXPECT_EQ(read("section7/p.md"), std::string(100 << 10, 'a'));
}

TEST_F(Activate, RoomIsMadeForAllDownloadsOfAPassTogether) {
  options_.retention.bytes_max = 440 << 10;
  restart();
  for (const auto* semver : {"1.0.0", "2.0.0", "3.0.0"}) {
    move({publish("section7", semver, {{"p.md", semver + std::string(100 << 10, 'a')}})});
    settle();
  }
  move({publish("intake", "1.0.0", {{"p.md", std::string(70 << 10, 'b')}})});
  move({publish("letter", "1.0.0", {{"p.md", std::string(70 << 10, 'c')}})});
  settle();
  EXPECT_LE(trees_->bytes_used().value(), options_.retention.bytes_max);
  EXPECT_EQ(state_of("intake") + ", " + state_of("letter"), "current, current");
  EXPECT_EQ(state_of("section7"), "current");
}

}  // namespace
}  // namespace bundlesync::scenario
