#include "scenario/stage.hpp"

namespace bundlesync::scenario {
namespace {

using Follow = Stage;

TEST_F(Follow, FirstVersionIsDownloadedVerifiedAndShown) {
  move({publish("section7", "1.0.0", {{"prompt.md", "one"}, {"deep/er/config.json", "{}"}})});
  settle();
  EXPECT_EQ(read("section7/prompt.md"), "one");
  EXPECT_EQ(read("section7/deep/er/config.json"), "{}");
  EXPECT_EQ(state_of("section7"), "current");
  ASSERT_EQ(reporter_->activations.size(), 1u);
  const auto& shown = reporter_->activations[0].templates.at(0);
  EXPECT_EQ(plan::to_string(shown.source), std::string("remote"));
  EXPECT_EQ(shown.downloaded_bytes, 5u);
  EXPECT_EQ(shown.files.size(), 2u);
  EXPECT_TRUE(reporter_->ready());
}

TEST_F(Follow, ASecondStartUsesWhatIsOnDisk) {
  move({publish("section7", "1.0.0", {{"prompt.md", "one"}})});
  settle();
  const std::string before = view();
  storage_.forget_asked();
  restart();
  answer_again();
  settle();
  EXPECT_TRUE(storage_.asked().empty());
  EXPECT_EQ(view(), before) << "nothing changed, so nothing is swapped";
  ASSERT_EQ(reporter_->starts_shown.size(), 1u);
  EXPECT_EQ(plan::to_string(reporter_->starts_shown[0].templates.at(0).source), std::string("cache"));
}

TEST_F(Follow, ARollbackTouchesNoStorage) {
  const auto one = publish("section7", "1.0.0", {{"prompt.md", "one"}});
  const auto two = publish("section7", "1.1.0", {{"prompt.md", "two"}});
  move({one});
  settle();
  move({two});
  settle();
  EXPECT_EQ(read("section7/prompt.md"), "two");
  storage_.forget_asked();
  storage_.set_away(true);
  move({one});
  settle();
  EXPECT_EQ(read("section7/prompt.md"), "one");
  EXPECT_TRUE(storage_.asked().empty());
  EXPECT_EQ(plan::to_string(reporter_->activations.back().templates.at(0).source), std::string("cache"));
}

TEST_F(Follow, TemplatesMovedTogetherAreShownByOneRename) {
  move({publish("section7", "1.0.0", {{"p.md", "a1"}}), publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  const std::string first = view();
  move({publish("section7", "2.0.0", {{"p.md", "a2"}}), publish("intake", "2.0.0", {{"p.md", "b2"}})});
  settle();
  EXPECT_EQ(read("section7/p.md") + read("intake/p.md"), "a2b2");
  EXPECT_NE(view(), first);
  EXPECT_EQ(reporter_->activations.back().templates.size(), 2u);
  EXPECT_EQ(reporter_->activations.back().change, change_);
}

TEST_F(Follow, AHangingDownloadDoesNotDelayAnotherTemplatesRollback) {
  const auto one = publish("section7", "1.0.0", {{"p.md", "a1"}});
  move({one, publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  move({publish("section7", "1.1.0", {{"p.md", "a2"}})});
  settle();
  storage_.hang("intake/v2.0.0/p.md");
  move({publish("intake", "2.0.0", {{"p.md", "b2"}})});
  settle();
  EXPECT_EQ(state_of("intake"), "fetching");
  move({one});
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(state_of("intake"), "fetching");
}

TEST_F(Follow, ARollbackOfTheSameTemplateCancelsItsDownload) {
  const auto one = publish("intake", "1.0.0", {{"p.md", "b1"}});
  move({one});
  settle();
  storage_.hang("intake/v2.0.0/p.md");
  move({publish("intake", "2.0.0", {{"p.md", "b2"}})});
  settle();
  move({one});
  // The version that hangs is the previous default now: it is wanted again, as a prefetch, but later.
  catalog_["intake"].previous.reset();
  answer_again();
  settle();
  EXPECT_EQ(state_of("intake"), "current");
  EXPECT_TRUE(clock_.settle_until([&] { return stages() == 0; })) << "the stage of a cancelled download goes";
}

TEST_F(Follow, ThePreviousDefaultIsFetchedInTheBackground) {
  const auto one = publish("section7", "1.0.0", {{"p.md", "a1"}});
  const auto two = publish("section7", "1.1.0", {{"p.md", "a2"}});
  catalog_["section7"].current = one;  // deployed before this pod was born
  move({two});
  settle();
  EXPECT_FALSE(reporter_->last("section7")->prefetched);
  clock_.advance(std::chrono::seconds(61));
  settle();
  settle();
  EXPECT_TRUE(reporter_->last("section7")->prefetched);
  storage_.set_away(true);
  move({one});
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
}

TEST_F(Follow, PrefetchesThatHangDelayNothingThatIsWanted) {
  std::vector<plan::WantedVersion> previous;
  std::vector<plan::WantedVersion> current;
  for (std::size_t i = 0; i < options_.fetch_parallel; ++i) {
    const std::string name = "t" + std::to_string(i);
    previous.push_back(publish(name, "1.0.0", {{"p.md", name + " 1"}}));
    current.push_back(publish(name, "2.0.0", {{"p.md", name + " 2"}}));
    catalog_[name].current = previous.back();
    storage_.hang(name + "/v1.0.0/p.md");
  }
  move(current);
  settle();
  storage_.forget_asked();
  clock_.advance(std::chrono::seconds(61));
  settle();
  ASSERT_EQ(storage_.asked().size(), 2U) << "a quarter of the permits is for prefetches";

  move({publish("section7", "1.0.0", {{"p.md", "a1"}})});
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");

  // A rollback to what waits among the prefetches waits no longer.
  const std::string last = previous.back().bundle.template_name;
  storage_.release(last + "/v1.0.0/p.md");
  move({previous.back()});
  settle();
  settle();
  EXPECT_EQ(read(last + "/p.md"), last + " 1");
}

TEST_F(Follow, ATemplateThatIsNoLongerWantedLeavesTheView) {
  move({publish("section7", "1.0.0", {{"p.md", "a1"}}), publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  options_.policy.templates = {"section7"};
  restart();
  answer_again();
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_FALSE(fs::exists(fs::symlink_status(prompts() / "intake")));
}

}  // namespace
}  // namespace bundlesync::scenario
