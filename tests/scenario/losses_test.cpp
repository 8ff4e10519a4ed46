#include "scenario/stage.hpp"

/// Somebody takes away what apps read, while the agent runs.
namespace bundlesync::scenario {
namespace {

class Losses : public Stage {
 protected:
  void SetUp() override {
    Stage::SetUp();
    move({publish("intake", "1.0.0", {{"p.md", "i1"}}), publish("section7", "1.0.0", {{"p.md", "a1"}})});
    settle();
    ASSERT_EQ(read("section7/p.md"), "a1");
    fetched_ = reporter_->fetches.size();
  }

  void pass_time(async::Duration time) {
    clock_.advance(time);
    wait(reconciler_->look_for_losses());
    settle();
  }
  void remove_tree(const fs::path& path) const {
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_directory()) fs::permissions(entry, fs::perms::owner_all, fs::perm_options::add);
    }
    fs::permissions(path, fs::perms::owner_all, fs::perm_options::add);
    fs::remove_all(path);
  }
  fs::path own(const std::string& name) const { return prompts() / "..bundlesync" / name; }
  static constexpr auto a_moment = std::chrono::seconds(5);

  std::size_t fetched_ = 0;
};

TEST_F(Losses, NothingIsDoneWhereNothingIsLost) {
  const std::string before = view();
  for (int i = 0; i < 20; ++i) pass_time(a_moment);
  EXPECT_EQ(view(), before);
  EXPECT_TRUE(reporter_->repairs.empty());
  EXPECT_TRUE(reporter_->warnings.empty());
  EXPECT_EQ(reporter_->fetches.size(), fetched_);
}

TEST_F(Losses, ATemplatesLinkIsMadeAgain) {
  const std::string before = view();
  fs::remove(prompts() / "section7");
  pass_time(a_moment);
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(reporter_->warnings,
            std::vector<std::string>{"made the missing link " + (prompts() / "section7").string()});
  EXPECT_EQ(view(), before) << "the other template's readers notice nothing";
}

TEST_F(Losses, EveryLinkIsMadeAgain) {
  fs::remove(prompts() / "section7");
  fs::remove(prompts() / "intake");
  fs::remove(prompts() / "..data");
  pass_time(a_moment);
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(read("intake/p.md"), "i1");
  EXPECT_EQ(reporter_->repairs, std::vector<std::string>{"the view 1 was taken away: what it shows is shown again"});
  EXPECT_EQ(reporter_->fetches.size(), fetched_) << "its trees were there";
}

TEST_F(Losses, DataThatSomebodyMovedLeadsToTheViewAgain) {
  move({publish("section7", "1.1.0", {{"p.md", "b1"}})});
  settle();
  fs::remove(prompts() / "..data");
  fs::create_symlink("..bundlesync/views/00000001", prompts() / "..data");
  ASSERT_EQ(read("section7/p.md"), "a1");
  pass_time(a_moment);
  EXPECT_EQ(read("section7/p.md"), "b1");
  EXPECT_EQ(state_of("section7"), "current");
}

TEST_F(Losses, AViewThatIsRemovedIsShownAgain) {
  for (const auto& entry : fs::directory_iterator(own("views"))) remove_tree(entry.path());
  pass_time(a_moment);
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(read("intake/p.md"), "i1");
  EXPECT_EQ(reporter_->fetches.size(), fetched_);
}

TEST_F(Losses, ATreeThatIsRemovedIsBuiltAgain) {
  const fs::path tree = fs::canonical(prompts() / "section7");
  remove_tree(tree);
  pass_time(a_moment);
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(read("intake/p.md"), "i1");
  ASSERT_EQ(reporter_->repairs.size(), 1U);
  EXPECT_EQ(reporter_->repairs[0], "what section7 shows is damaged and will be built again: tree section7/" +
                                       tree.filename().string() + " is gone");
  EXPECT_EQ(state_of("section7"), "current");
}

TEST_F(Losses, EverythingAtOnceIsBuiltAgain) {
  for (const auto* name : {"views", "trees", "cache/sha256"}) {
    for (const auto& entry : fs::directory_iterator(own(name))) {
      entry.is_directory() ? remove_tree(entry.path()) : static_cast<void>(fs::remove(entry.path()));
    }
  }
  for (const auto* name : {"section7", "intake", "..data"}) fs::remove(prompts() / name);
  for (int i = 0; i < 4; ++i) pass_time(a_moment);
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(read("intake/p.md"), "i1");
}

TEST_F(Losses, ADirectoryInThePlaceOfDataIsSaidAndGivesWay) {
  fs::remove(prompts() / "..data");
  fs::create_directory(prompts() / "..data");
  pass_time(a_moment);
  ASSERT_FALSE(reporter_->failures.empty());
  EXPECT_EQ(reporter_->failures.back().fact(),
            (prompts() / "..data").string() + " is a directory, not a link of the agent's");
  fs::remove(prompts() / "..data");
  pass_time(std::chrono::minutes(1));
  EXPECT_EQ(read("section7/p.md"), "a1");
}

TEST_F(Losses, WhatCannotBeLookedAtCountsAsThere) {
  const std::string before = view();
  files_.refuse_to_open("views", EIO);
  files_.refuse_to_open(fs::canonical(prompts() / "section7").filename().string(), EMFILE);
  pass_time(a_moment);
  EXPECT_EQ(view(), before);
  EXPECT_TRUE(reporter_->repairs.empty());
  EXPECT_EQ(state_of("section7"), "current");
}

}  // namespace
}  // namespace bundlesync::scenario
