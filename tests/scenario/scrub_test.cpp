#include "fakes/spawned.hpp"
#include "scenario/stage.hpp"

namespace bundlesync::scenario {
namespace {

/// section7 is shown, and hashed again every hour.
class Scrub : public Stage {
 protected:
  void SetUp() override {
    options_.scrub_interval = std::chrono::hours(1);
    Stage::SetUp();
    move({publish("section7", "1.0.0", {{"p.md", "a1"}, {"q.md", std::string(8192, 'q')}})});
    settle();
    ASSERT_EQ(read("section7/p.md"), "a1");
    scrubbing_ = std::make_unique<fakes::Spawned<>>(io_, reconciler_->scrub());
    come_to_rest();
    ASSERT_EQ(outcomes(), "good ") << "the first round is at once";
  }
  void TearDown() override {
    scrubbing_->cancel();
    EXPECT_TRUE(clock_.settle_until([&] { return scrubbing_->ended(); }));
    Stage::TearDown();
  }

  void pass_time(async::Duration time) {
    clock_.advance(time);
    come_to_rest();
  }
  std::string outcomes() const {
    std::string all;
    for (const auto& one : reporter_->scrubs) all += std::string(one.outcome) + " ";
    return all;
  }
  fs::path tree() const { return fs::canonical(prompts() / "section7"); }
  void edit(const std::string& path, const std::string& content) const {
    fs::permissions(tree() / path, fs::perms::owner_write, fs::perm_options::add);
    std::ofstream(tree() / path, std::ios::binary) << content;
  }

  std::unique_ptr<fakes::Spawned<>> scrubbing_;
};

TEST_F(Scrub, WhatIsGoodIsHashedOnceARound) {
  pass_time(std::chrono::minutes(59));
  EXPECT_EQ(outcomes(), "good ");
  pass_time(std::chrono::minutes(2));
  EXPECT_EQ(outcomes(), "good good ");
  EXPECT_TRUE(reporter_->repairs.empty());
}

TEST_F(Scrub, AFileThatWasEditedIsFoundQuarantinedAndBuiltAgain) {
  const fs::path edited = tree();
  edit("p.md", "b2");
  EXPECT_EQ(read("section7/p.md"), "b2");
  pass_time(std::chrono::hours(1));
  EXPECT_EQ(outcomes(), "good damaged ");
  EXPECT_NE(reporter_->scrubs.back().text.find("p.md"), std::string::npos) << reporter_->scrubs.back().text;
  ASSERT_EQ(reporter_->repairs.size(), 1U);
  EXPECT_TRUE(reporter_->repairs[0].starts_with("what section7 shows is damaged and will be built again: "));
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_NE(tree(), edited) << "a tree of its own";
  EXPECT_EQ(state_of("section7"), "current");
  pass_time(std::chrono::minutes(2));
  settle();
  EXPECT_FALSE(fs::exists(edited)) << "what was quarantined goes";
  pass_time(std::chrono::hours(1));
  EXPECT_EQ(outcomes(), "good damaged good ");
}

TEST_F(Scrub, AFileThatIsAddedOrGoneIsFoundToo) {
  fs::permissions(tree(), fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(tree() / "more.md") << "more";
  pass_time(std::chrono::hours(1));
  settle();
  EXPECT_FALSE(fs::exists(prompts() / "section7/more.md"));
  fs::permissions(tree(), fs::perms::owner_write, fs::perm_options::add);
  fs::remove(tree() / "q.md");
  pass_time(std::chrono::hours(1));
  settle();
  EXPECT_EQ(read("section7/q.md"), std::string(8192, 'q'));
  EXPECT_EQ(outcomes(), "good damaged damaged ");
}

TEST_F(Scrub, ThatCannotBeBuiltAgainStaysForAMomentAndThenGivesWayToTheFallback) {
  fallback("section7", "p.md", "bare");
  clock_.advance(std::chrono::seconds(31));  // the fallback files are found
  settle();
  storage_.drop("section7/v1.0.0/p.md");
  edit("p.md", "b2");
  pass_time(std::chrono::hours(1));
  settle();
  EXPECT_EQ(state_of("section7"), "retrying object_missing");
  EXPECT_EQ(read("section7/p.md"), "bare") << "better than what somebody else wrote";
}

TEST_F(Scrub, RestsAsLongAsItsBytesTakeAtItsPace) {
  options_.scrub_bytes_per_second = 4096;  // 12 KiB are on the disk: three seconds
  options_.scrub_interval = std::chrono::seconds(2);
  pass_time(std::chrono::hours(1));
  const std::size_t before = reporter_->scrubs.size();
  for (int second = 0; second < 30; ++second) pass_time(std::chrono::seconds(1));
  const std::size_t rounds = reporter_->scrubs.size() - before;
  EXPECT_GE(rounds, 5U);
  EXPECT_LE(rounds, 11U) << "every three seconds or so, although every two were asked for";
}

}  // namespace
}  // namespace bundlesync::scenario
