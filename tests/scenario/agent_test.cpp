#include "sync/agent.hpp"

#include "fakes/memory_feed.hpp"
#include "fakes/spawned.hpp"
#include "scenario/stage.hpp"

#include <optional>
#include <utility>

// The agent around the reconciler: whose target it is, when its time begins, and how it ends.
namespace bundlesync::scenario {
namespace {

/// Has a status to keep whenever the test gives it one.
class StatusReporter final : public fakes::RecordingReporter {
 public:
  std::optional<std::string> unsaved_status() override { return std::exchange(status, std::nullopt); }
  std::optional<std::string> status;
};

class AgentAlone : public Stage {
 protected:
  /// section7 is on disk; then nobody runs and nothing is remembered but the disk.
  void show_and_leave() {
    move({publish("section7", "1.0.0", {{"p.md", "one"}})});
    settle();
    wait(reconciler_->stop());
    reconciler_.reset();
    catalog_in_memory_.plant(catalog_["section7"]);
  }
  sync::World world() {
    return sync::World{io_.get_executor(), clock_,     pool_,  *target_, *trees_, *state_, *live_,
                       &storage_,          reporting_, random_};
  }
  sync::Agent agent() { return sync::Agent(world(), options_, &feed_, catalog::WatchOptions()); }
  void end(fakes::Spawned<Result<void>>& following) {
    following.cancel();
    ASSERT_TRUE(clock_.settle_until([&] { return following.ended(); })) << "it does not end";
    EXPECT_TRUE(following.cancelled());
  }
  std::string kept_status() const {
    std::ifstream in(prompts() / "..bundlesync" / "state" / "status.json", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  fs::path lock_file() const { return prompts() / "..bundlesync" / "lock"; }

  fakes::MemoryCatalog catalog_in_memory_;
  fakes::MemoryFeed feed_{io_.get_executor(), clock_, catalog_in_memory_};
  StatusReporter reporting_;
};

TEST_F(AgentAlone, KeepsTheLastStatusWhenItIsStopped) {
  show_and_leave();
  auto following = agent();
  fakes::Spawned<Result<void>> spawned(io_, following.follow());
  ASSERT_TRUE(clock_.settle_until([&] { return reporting_.ready() && catalog_in_memory_.questions.size() == 1; }));
  reporting_.status = "the last word";
  end(spawned);
  EXPECT_EQ(kept_status(), "the last word");
}

TEST_F(AgentAlone, ServesWhatIsThereWhereTheTargetCannotBeLocked) {
  show_and_leave();
  fs::create_directory(lock_file());
  const std::string before = view();
  auto following = agent();
  fakes::Spawned<Result<void>> spawned(io_, following.follow());
  ASSERT_TRUE(clock_.settle_until([&] { return reporting_.ready(); }));
  clock_.advance(std::chrono::seconds(30));
  ASSERT_FALSE(reporting_.failures.empty());
  EXPECT_EQ(reporting_.failures[0].text(), "cannot open " + lock_file().string() + ": is a directory");
  EXPECT_EQ(reporting_.count("standby"), 0u);
  EXPECT_EQ(reporting_.last("section7")->shown_version, "1.0.0");
  EXPECT_EQ(catalog_in_memory_.connects, 0u) << "what may not be written is not followed";
  EXPECT_EQ(view(), before);

  fs::remove(lock_file());
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(clock_.settle_until([&] { return catalog_in_memory_.questions.size() == 1; })) << "then it follows";
  end(spawned);
}

TEST_F(AgentAlone, EndsWhereItsTargetIsAnotherDirectory) {
  show_and_leave();
  auto following = agent();
  fakes::Spawned<Result<void>> spawned(io_, following.follow());
  ASSERT_TRUE(clock_.settle_until([&] { return reporting_.ready() && catalog_in_memory_.questions.size() == 1; }));
  clock_.advance(std::chrono::seconds(5));
  come_to_rest();
  ASSERT_FALSE(spawned.ended());

  fs::rename(prompts(), root_ / "moved");
  fs::create_directory(prompts());
  clock_.advance(std::chrono::seconds(5));
  come_to_rest();
  EXPECT_FALSE(spawned.ended()) << "it may be back in a moment";
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(clock_.settle_until([&] { return spawned.ended(); })) << "nobody sees what it writes";
  const Result<void> ended = spawned.take();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().text(), "the target " + prompts().string() +
                                      " is not the directory that this agent opened any more\n"
                                      "hint: start the agent again: it takes what is there now, and fills it");
  EXPECT_TRUE(fs::is_empty(prompts()));
  EXPECT_TRUE(fs::exists(root_ / "moved" / "section7" / "p.md")) << "what was there stays as it was";
}

TEST_F(AgentAlone, OnceIsDoneWithWhatIsThereWhereTheTargetCannotBeLocked) {
  show_and_leave();
  fs::create_directory(lock_file());
  auto trying = agent();
  const auto outcome = wait(trying.once(std::chrono::seconds(10)));
  ASSERT_TRUE(outcome) << outcome.error().text();
  EXPECT_TRUE(outcome->readiness.ready);
  EXPECT_FALSE(outcome->converged);
  EXPECT_EQ(reporting_.count("sync_failed cannot open "), 1u);
}

TEST_F(AgentAlone, TheTimeOfAStartBeginsWhenTheTargetIsOurs) {
  show_and_leave();
  fallback("letter", "p.md", "bare");
  const auto letter = publish("letter", "1.0.0", {{"p.md", "one"}});
  plan::WantedTemplate wanted;
  wanted.id = "id-letter";
  wanted.name = "letter";
  wanted.current = letter;
  wanted.changed_at = "2026-01-01T00:00:01Z";
  catalog_in_memory_.put(wanted);
  storage_.hang("letter/v1.0.0/p.md");

  auto held = std::make_unique<Result<disk::TargetLock>>(disk::TargetLock::try_take(*target_));
  ASSERT_TRUE(*held);
  auto following = agent();
  fakes::Spawned<Result<void>> spawned(io_, following.follow());
  clock_.advance(std::chrono::hours(1));
  EXPECT_GE(reporting_.count("standby"), 1u);
  EXPECT_TRUE(reporting_.settlements.empty());
  held.reset();
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(clock_.settle_until([&] { return reporting_.last("letter") != nullptr; }));
  EXPECT_TRUE(clock_.settle_until([&] { return reporting_.last("letter")->state == plan::State::fetching; }));
  EXPECT_EQ(read("letter/p.md"), "(missing)") << "the first download still has its grace";

  storage_.release("letter/v1.0.0/p.md");
  ASSERT_TRUE(clock_.settle_until([&] { return !reporting_.activations.empty(); }));
  EXPECT_EQ(read("letter/p.md"), "one");
  EXPECT_FALSE(reporting_.activations.back().commit_to_visible) << "nobody waited for us while another agent was there";
  end(spawned);
}

/// Beside the target of Stage another with the same content, on a disk of its own.
class AgentOfTwo : public AgentAlone {
 protected:
  void open_other() {
    fs::copy(prompts(), root_ / "other", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    disk::Target::Options where;
    where.path = root_ / "other";
    auto opened = disk::Target::open(other_files_, where);
    ASSERT_TRUE(opened) << opened.error().text();
    other_target_ = std::move(*opened);
    other_trees_ = disk::Trees::make(*other_target_);
    other_state_ = disk::StateStore::make(*other_target_);
    other_live_ = live::LiveView::make(*other_target_, *other_state_);
  }
  sync::Agent agent_of_two() {
    std::vector<sync::Place> places;
    places.push_back({"prompts", world(), &options_});
    places.push_back({"other",
                      sync::World{io_.get_executor(), clock_, pool_, *other_target_, *other_trees_, *other_state_,
                                  *other_live_, &storage_, other_reporting_, random_},
                      &options_});
    return sync::Agent(world(), std::move(places), &feed_, catalog::WatchOptions());
  }

  fakes::UnreadableFiles other_files_;
  StatusReporter other_reporting_;
  std::unique_ptr<disk::Target> other_target_;
  std::unique_ptr<disk::Trees> other_trees_;
  std::unique_ptr<disk::StateStore> other_state_;
  std::unique_ptr<live::LiveView> other_live_;
};

TEST_F(AgentOfTwo, OneThatCannotBeReadKeepsTheOtherFromNothing) {
  show_and_leave();
  open_other();
  other_files_.refuse_to_open(".view.json", EIO);
  auto following = agent_of_two();
  fakes::Spawned<Result<void>> spawned(io_, following.follow());
  ASSERT_TRUE(clock_.settle_until([&] { return reporting_.ready(); }));
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(clock_.settle_until([&] { return !catalog_in_memory_.questions.empty(); }))
      << "the catalog is asked although one target is not there yet";
  EXPECT_TRUE(other_reporting_.settlements.empty());

  clock_.advance(std::chrono::seconds(20));
  ASSERT_FALSE(other_reporting_.failures.empty());
  EXPECT_EQ(
      other_reporting_.failures[0].fact(),
      "cannot open " + (root_ / "other/..bundlesync/views/00000001/.view.json").string() + ": input/output error");
  other_files_.heal();
  clock_.advance(std::chrono::seconds(10));
  EXPECT_TRUE(clock_.settle_until([&] { return other_reporting_.ready(); })) << "then it is kept like the other";
  end(spawned);
}

TEST_F(AgentOfTwo, CanBeStoppedAfterOneCouldNotBeRead) {
  show_and_leave();
  open_other();
  other_files_.refuse_to_open(".view.json", EIO);
  auto following = agent_of_two();
  fakes::Spawned<Result<void>> spawned(io_, following.follow());
  ASSERT_TRUE(clock_.settle_until([&] { return reporting_.ready(); }));
  clock_.advance(std::chrono::seconds(20));
  ASSERT_FALSE(other_reporting_.failures.empty());
  end(spawned);
}

}  // namespace
}  // namespace bundlesync::scenario
