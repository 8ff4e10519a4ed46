#include "scenario/stage.hpp"

namespace bundlesync::scenario {
namespace {

using Failure = Stage;

TEST_F(Failure, OtherBytesThanPublishedAreRefusedAndNothingChanges) {
  move({publish("section7", "1.0.0", {{"p.md", "one"}})});
  settle();
  const std::string before = view();
  storage_.lie_about("section7/v1.1.0/p.md");
  move({publish("section7", "1.1.0", {{"p.md", "two"}})});
  settle();
  EXPECT_EQ(read("section7/p.md"), "one");
  EXPECT_EQ(view(), before);
  EXPECT_EQ(state_of("section7"), "refused digest_mismatch");
  EXPECT_EQ(reporter_->last("section7")->next_try, "when_the_row_changes");
  const std::string want = Digest::of("two").hex();
  const std::string got = Digest::of("uvn").hex();  // every byte with its last bit turned
  EXPECT_EQ(reporter_->last("section7")->detail, "path=p.md want=" + want + " got=" + got + " bytes=3");
  const std::size_t asked = storage_.asked().size();
  clock_.advance(std::chrono::minutes(10));
  settle();
  EXPECT_EQ(storage_.asked().size(), asked) << "a refused version is not asked for again";
  EXPECT_TRUE(clock_.settle_until([&] { return stages() == 0; }));
}

TEST_F(Failure, ATemplateWhoseDocumentCannotBeReadIsRefusedAndNamedInNoQuestion) {
  options_.policy.templates = {"section7", "intake"};
  restart();
  move({publish("section7", "1.0.0", {{"p.md", "one"}}), publish("intake", "1.0.0", {{"p.md", "two"}})});
  settle();
  plan::WantedTemplate unreadable;
  unreadable.id = std::string(plan::unreadable_id) + "section7";
  unreadable.name = "section7";
  unreadable.problem = "document_invalid";
  catalog_["section7"] = unreadable;
  answer_again();
  settle();
  EXPECT_EQ(state_of("section7"), "refused document_invalid");
  EXPECT_EQ(read("section7/p.md"), "one");
  // The database takes uuids only: any other id would fail the question for every template, after a restart too.
  EXPECT_EQ(reconciler_->question().ids, std::vector<std::string>{"id-intake"});
  restart();
  EXPECT_EQ(reconciler_->question().ids, std::vector<std::string>{"id-intake"});
}

TEST_F(Failure, AMissingObjectIsTriedAgainUntilItIsThere) {
  move({publish("section7", "1.0.0", {{"p.md", "one"}})});
  settle();
  const auto two = publish("section7", "1.1.0", {{"p.md", "two"}});
  storage_.drop("section7/v1.1.0/p.md");
  move({two});
  settle();
  EXPECT_EQ(state_of("section7"), "retrying object_missing");
  EXPECT_EQ(read("section7/p.md"), "one");
  storage_.put("section7/v1.1.0/p.md", "two");
  clock_.advance(std::chrono::seconds(31));
  settle();
  EXPECT_EQ(read("section7/p.md"), "two");
}

TEST_F(Failure, OneDamagedOfTwoKeepsBothAndAThirdGoesOn) {
  move({publish("section7", "1.0.0", {{"p.md", "a1"}}), publish("intake", "1.0.0", {{"p.md", "b1"}}),
        publish("letter", "1.0.0", {{"p.md", "c1"}})});
  settle();
  storage_.lie_about("intake/v2.0.0/p.md");
  move({publish("section7", "2.0.0", {{"p.md", "a2"}}), publish("intake", "2.0.0", {{"p.md", "b2"}})});
  settle();
  EXPECT_EQ(read("section7/p.md") + read("intake/p.md"), "a1b1");
  EXPECT_EQ(state_of("section7"), "blocked waits_for_change");
  EXPECT_EQ(reporter_->last("section7")->detail, "by=intake");
  move({publish("letter", "2.0.0", {{"p.md", "c2"}})});
  settle();
  EXPECT_EQ(read("letter/p.md"), "c2");
  EXPECT_EQ(read("section7/p.md") + read("intake/p.md"), "a1b1");

  const std::size_t activations = reporter_->activations.size();
  const std::string before = view();
  storage_.heal();
  move({publish("intake", "2.0.1", {{"p.md", "b21"}})});
  settle();
  EXPECT_EQ(read("section7/p.md") + read("intake/p.md"), "a2b21");
  EXPECT_NE(view(), before);
  EXPECT_EQ(reporter_->activations.size(), activations + 2) << "two changes, one view";
  EXPECT_EQ(reporter_->activations[activations].view, reporter_->activations[activations + 1].view);
}

TEST_F(Failure, AtFirstStartTheFallbackIsShownWhenStorageIsGone) {
  fallback("section7", "p.md", "bare");
  restart();
  storage_.set_away(true);
  move({publish("section7", "1.0.0", {{"p.md", "one"}})});
  settle();
  EXPECT_EQ(read("section7/p.md"), "bare");
  EXPECT_EQ(reporter_->last("section7")->source, "filesystem");
  storage_.set_away(false);
  clock_.advance(std::chrono::seconds(31));
  settle();
  EXPECT_EQ(read("section7/p.md"), "one");
}

TEST_F(Failure, WithTheDatabaseDownTheLastGoodStaysAndIsReady) {
  move({publish("section7", "1.0.0", {{"p.md", "one"}})});
  settle();
  fallback("section7", "p.md", "bare");
  restart();
  reconciler_->database_failed();
  settle();
  EXPECT_EQ(read("section7/p.md"), "one");
  EXPECT_EQ(state_of("section7"), "waiting database_not_reached");
  EXPECT_TRUE(reporter_->ready());
}

TEST_F(Failure, NothingAnywhereIsNotReady) {
  reconciler_->database_failed();
  settle();
  EXPECT_EQ(view(), "(none)");
  EXPECT_FALSE(reporter_->ready());
  EXPECT_EQ(reporter_->settlements.back().missing, std::vector<std::string>{"*"});
}

TEST_F(Failure, ARestoredDatabaseIsHeldAndANewEpochGoesOn) {
  const auto one = publish("section7", "1.0.0", {{"p.md", "one"}});
  const auto two = publish("section7", "1.1.0", {{"p.md", "two"}});
  move({one});
  settle();
  move({two});
  settle();
  catalog_["section7"].generation = 1;
  catalog_["section7"].current = one;
  answer_again();
  settle();
  EXPECT_EQ(read("section7/p.md"), "two");
  EXPECT_EQ(state_of("section7"), "held generation_lower");
  restart();
  answer_again();
  settle();
  EXPECT_EQ(state_of("section7"), "held generation_lower") << "remembered across restarts";
  epoch_ = "epoch-2";
  answer_again();
  settle();
  EXPECT_EQ(read("section7/p.md"), "one");
}

TEST_F(Failure, ATreeThatANeighbourEditedIsRebuiltAtStart) {
  move({publish("section7", "1.0.0", {{"p.md", "one"}})});
  settle();
  const fs::path file = fs::canonical(prompts() / "section7" / "p.md");
  stop();
  fs::permissions(file.parent_path(), fs::perms::owner_all);
  fs::permissions(file, fs::perms::owner_all);
  std::ofstream(file, std::ios::binary) << "two";
  start();
  EXPECT_FALSE(reporter_->repairs.empty());
  answer_again();
  settle();
  EXPECT_EQ(read("section7/p.md"), "one");
  EXPECT_EQ(state_of("section7"), "current");
}

TEST_F(Failure, ATreeThatWasEditedWhileItWasNotShownIsNeverShown) {
  const auto one = publish("section7", "1.0.0", {{"p.md", "one"}});
  move({one});
  settle();
  const fs::path file = fs::canonical(prompts() / "section7" / "p.md");
  move({publish("section7", "1.1.0", {{"p.md", "two"}})});
  settle();
  fs::permissions(file.parent_path(), fs::perms::owner_all);
  fs::permissions(file, fs::perms::owner_all);
  std::ofstream(file, std::ios::binary) << "bad";
  move({one});
  settle();
  EXPECT_EQ(read("section7/p.md"), "one") << "fetched again from storage";
}

TEST_F(Failure, ADirectoryInThePlaceOfTheLinkIsReportedAndLeftAlone) {
  fs::create_directories(prompts() / "..data" / "mine");
  move({publish("section7", "1.0.0", {{"p.md", "one"}})});
  settle();
  EXPECT_FALSE(reporter_->failures.empty());
  EXPECT_TRUE(fs::exists(prompts() / "..data" / "mine"));
  fs::remove_all(prompts() / "..data");
  clock_.advance(std::chrono::seconds(61));
  settle();
  EXPECT_EQ(read("section7/p.md"), "one");
}

TEST_F(Failure, ADirectoryInThePlaceOfATemplatesLinkStopsNoOtherTemplate) {
  fs::create_directories(prompts() / "section7" / "mine");
  move({publish("section7", "1.0.0", {{"p.md", "a1"}}), publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  EXPECT_EQ(read("intake/p.md"), "b1");
  EXPECT_TRUE(fs::exists(prompts() / "section7" / "mine"));
  ASSERT_FALSE(reporter_->warnings.empty());
  const std::string shown = view();
  clock_.advance(std::chrono::minutes(5));
  settle();
  EXPECT_EQ(view(), shown) << "it does not swap again and again";
  fs::remove_all(prompts() / "section7");
  clock_.advance(std::chrono::seconds(61));
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
}

TEST_F(Failure, AThousandFailedTriesLeaveNoStageBehind) {
  move({publish("section7", "1.0.0", {{"p.md", "one"}})});
  settle();
  const auto two = publish("section7", "1.1.0", {{"p.md", "two"}});
  storage_.drop("section7/v1.1.0/p.md");
  move({two});
  for (int i = 0; i < 200; ++i) {
    settle();
    clock_.advance(std::chrono::seconds(31));
  }
  settle();
  EXPECT_GE(reporter_->fetches.size(), 200u);
  EXPECT_TRUE(clock_.settle_until([&] { return stages() == 0; }));
  EXPECT_EQ(read("section7/p.md"), "one");
}

}  // namespace
}  // namespace bundlesync::scenario
