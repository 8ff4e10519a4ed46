#include "fakes/spawned.hpp"
#include "scenario/stage.hpp"
#include "sync/agent.hpp"

#include <algorithm>

/// A disk that cannot be read is not a disk with nothing on it.
namespace bundlesync::scenario {
namespace {

class Unreadable : public Stage {
 protected:
  /// Two templates are shown; the agent is not running.
  void show_two_and_stop() {
    one_ = publish("section7", "1.0.0", {{"p.md", "one"}});
    move({one_, publish("intake", "1.0.0", {{"p.md", "b1"}})});
    settle();
    ASSERT_EQ(read("section7/p.md") + read("intake/p.md"), "oneb1");
    stop();
    storage_.forget_asked();
  }
  fs::path own(const std::string& name) const { return prompts() / "..bundlesync" / name; }
  static std::string text(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  fs::path tree_of(const std::string& name) const { return fs::canonical(prompts() / name); }
  /// Starts on this disk, and must not be able to.
  std::string start_fails(bool last_try = false) {
    assemble();
    const Result<void> recovered = wait(reconciler_->recover(last_try));
    return recovered ? "(it started)" : recovered.error().fact();
  }

  plan::WantedVersion one_;
};

TEST_F(Unreadable, AViewThatCannotBeReadIsNotTakenForNone) {
  show_two_and_stop();
  const std::string before = view();
  const std::string state = text(own("state/state.json"));
  files_.refuse_to_open(".view.json", EIO);
  const fs::path file = own("views/00000001/.view.json");
  for (const bool last_try : {false, true}) {
    EXPECT_EQ(start_fails(last_try), "cannot open " + file.string() + ": input/output error");
    stop();
    EXPECT_EQ(view(), before);
    EXPECT_EQ(text(own("state/state.json")), state);
  }

  files_.heal();
  start();
  storage_.set_away(true);
  move({publish("section7", "1.1.0", {{"p.md", "two"}})});
  settle();
  EXPECT_EQ(read("section7/p.md") + read("intake/p.md"), "oneb1") << "the last good of both stays";
}

TEST_F(Unreadable, AStateThatCannotBeReadIsNotReplacedByAnEmptyOne) {
  show_two_and_stop();
  const std::string state = text(own("state/state.json"));
  files_.refuse_to_open("state.json", EMFILE);
  EXPECT_EQ(start_fails(), "cannot open " + own("state/state.json").string() + ": too many open files");
  stop();
  EXPECT_EQ(start_fails(true), "cannot open " + own("state/state.json").string() + ": too many open files");
  stop();
  EXPECT_EQ(text(own("state/state.json")), state);

  files_.heal();
  start();
  catalog_["section7"].generation = 0;
  answer_again();
  settle();
  EXPECT_EQ(state_of("section7"), "held generation_lower") << "what was accepted is remembered";
}

TEST_F(Unreadable, ADamagedStateLeadsOn) {
  show_two_and_stop();
  std::ofstream(own("state/state.json"), std::ios::binary) << "{";
  start();
  EXPECT_FALSE(reporter_->warnings.empty());
  EXPECT_EQ(read("section7/p.md") + read("intake/p.md"), "oneb1");
}

TEST_F(Unreadable, TooManyOpenFilesCondemnNoTree) {
  show_two_and_stop();
  const std::string tree = tree_of("section7").filename().string();
  files_.refuse_to_open(tree, EMFILE);
  const std::string place = own("trees/section7/" + tree).string();
  EXPECT_EQ(start_fails(), "cannot measure " + place + ": too many open files");
  stop();
  EXPECT_EQ(start_fails(true), "cannot open the directory of tree section7/" + tree + ": too many open files");
  stop();
  files_.heal();
  start();
  EXPECT_TRUE(reporter_->repairs.empty());
  answer_again();
  settle();
  EXPECT_EQ(read("section7/p.md"), "one");
  EXPECT_EQ(tree_of("section7").filename().string(), tree);
  EXPECT_TRUE(storage_.asked().empty());
}

TEST_F(Unreadable, ALiveTreeWithABadSectorStaysUntilItsBytesAreHad) {
  show_two_and_stop();
  fallback("section7", "p.md", "bare");
  const std::string tree = tree_of("section7").filename().string();
  files_.bad_sector(tree_of("section7") / "p.md");
  EXPECT_EQ(start_fails(), "cannot read 'p.md' of tree section7/" + tree + ": input/output error");
  stop();
  start();  // the last try: it will not read better
  storage_.set_away(true);
  answer_again();
  for (int i = 0; i < 3; ++i) {
    settle();
    clock_.advance(std::chrono::seconds(31));
  }
  EXPECT_EQ(tree_of("section7").filename().string(), tree) << "neither dropped nor replaced by fallback files";
  EXPECT_EQ(state_of("section7"), "retrying storage_unavailable");
  storage_.set_away(false);
  clock_.advance(std::chrono::seconds(31));
  settle();
  EXPECT_EQ(tree_of("section7").filename().string(), tree + ".2");
  EXPECT_EQ(read("section7/p.md"), "one");
  EXPECT_EQ(state_of("section7"), "current");
}

TEST_F(Unreadable, ARollbackToATreeThatCannotBeOpenedNowWaitsAndFetchesNothing) {
  show_two_and_stop();
  const std::string tree = tree_of("section7").filename().string();
  start();
  move({publish("section7", "1.1.0", {{"p.md", "two"}})});
  settle();
  storage_.forget_asked();
  files_.refuse_to_open(tree, EMFILE);
  move({one_});
  for (int i = 0; i < 20; ++i) {
    settle();
    clock_.advance(std::chrono::seconds(31));
  }
  EXPECT_EQ(read("section7/p.md"), "two");
  ASSERT_FALSE(reporter_->failures.empty());
  EXPECT_EQ(reporter_->failures.back().fact(),
            "cannot open the directory of tree section7/" + tree + ": too many open files");
  files_.heal();
  settle();
  EXPECT_EQ(read("section7/p.md"), "one");
  EXPECT_TRUE(storage_.asked().empty());
  EXPECT_TRUE(reporter_->repairs.empty());
}

TEST_F(Unreadable, ARollbackToATreeWithABadSectorFetchesItAgainAfterSomeTries) {
  show_two_and_stop();
  const std::string tree = tree_of("section7").filename().string();
  start();
  const fs::path file = tree_of("section7") / "p.md";
  move({publish("section7", "1.1.0", {{"p.md", "two"}})});
  settle();
  files_.bad_sector(file);
  move({one_});
  settle();
  EXPECT_EQ(read("section7/p.md"), "two");
  for (int i = 0; i < 8; ++i) {
    clock_.advance(std::chrono::seconds(31));
    settle();
  }
  EXPECT_EQ(tree_of("section7").filename().string(), tree + ".2");
  EXPECT_EQ(read("section7/p.md"), "one");
}

TEST_F(Unreadable, ABadSectorInAKeptCopyStandsInTheWayOfNoVersion) {
  move({publish("section7", "1.0.0", {{"p.md", "one"}, {"same.md", "same"}})});
  settle();
  const fs::path first = tree_of("section7");
  move({publish("section7", "1.1.0", {{"p.md", "two"}, {"same.md", "same"}})});
  settle();
  files_.bad_sector(first / "same.md");
  files_.bad_sector(tree_of("section7") / "same.md");
  storage_.forget_asked();
  move({publish("section7", "1.2.0", {{"p.md", "three"}, {"same.md", "same"}})});
  settle();
  EXPECT_EQ(read("section7/p.md") + " " + read("section7/same.md"), "three same");
  auto asked = storage_.asked();
  std::ranges::sort(asked);  // files come side by side
  EXPECT_EQ(asked, (std::vector<std::string>{"download section7/v1.2.0/p.md", "download section7/v1.2.0/same.md"}));
}

TEST_F(Unreadable, ABrokenViewTextLeavesTheLastGoodTheLastGood) {
  show_two_and_stop();
  fallback("section7", "p.md", "bare");
  const fs::path file = own("views/00000001/.view.json");
  fs::permissions(file.parent_path(), fs::perms::owner_all);
  fs::permissions(file, fs::perms::owner_all);
  std::ofstream(file, std::ios::binary) << "{";
  start();
  storage_.set_away(true);
  move({publish("section7", "1.1.0", {{"p.md", "two"}})});
  for (int i = 0; i < 3; ++i) {
    settle();
    clock_.advance(std::chrono::seconds(31));
  }
  EXPECT_EQ(state_of("section7"), "retrying storage_unavailable");
  EXPECT_EQ(read("section7/p.md"), "one");
  restart();
  reconciler_->database_failed();
  settle();
  EXPECT_EQ(read("section7/p.md"), "one") << "after a view was made from what the links told, too";
}

TEST_F(Unreadable, AStartTriesAgainUntilTheDiskCanBeRead) {
  show_two_and_stop();
  assemble();
  reconciler_.reset();
  options_.remote = false;
  files_.refuse_to_open("state.json", EMFILE);
  sync::Agent agent(world(), options_, nullptr, {});
  fakes::Spawned<Result<sync::OnceOutcome>> once(io_, agent.once(std::chrono::seconds(60)));
  const auto failed = [&](std::size_t times) { return reporter_->failures.size() >= times; };
  ASSERT_TRUE(clock_.settle_until([&] { return failed(1); }));
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(clock_.settle_until([&] { return failed(2); }));
  EXPECT_FALSE(once.ended());
  files_.heal();
  for (int i = 0; i < 100 && !once.ended(); ++i) {
    clock_.advance(std::chrono::seconds(1));
    come_to_rest();
  }
  ASSERT_TRUE(once.ended());
  const auto outcome = once.take();
  ASSERT_TRUE(outcome) << outcome.error().text();
  EXPECT_TRUE(outcome->readiness.ready);
  EXPECT_EQ(read("section7/p.md"), "one");
}

TEST_F(Unreadable, AStartGivesUpInTimeAndSaysWhy) {
  show_two_and_stop();
  assemble();
  reconciler_.reset();
  files_.refuse_to_open("state.json", EIO);
  sync::Agent agent(world(), options_, nullptr, {});
  fakes::Spawned<Result<sync::OnceOutcome>> once(io_, agent.once(std::chrono::seconds(10)));
  for (int i = 0; i < 12 && !once.ended(); ++i) {
    come_to_rest();
    clock_.advance(std::chrono::seconds(1));
  }
  come_to_rest();
  ASSERT_TRUE(once.ended());
  const auto outcome = once.take();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().fact(), "cannot open " + own("state/state.json").string() + ": input/output error");
}

}  // namespace
}  // namespace bundlesync::scenario
