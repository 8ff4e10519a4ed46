#include "bed.hpp"

#include <filesystem>

// A rollback is a rename: it waits for no download, its own or another's.
namespace bundlesync::tests {
namespace {

namespace fs = std::filesystem;

class Rollback : public AgentBed {
 protected:
  Rollback() {
    for (const auto* name : {"alpha", "beta"}) {
      publish(name, "1.0.0", true);
      publish(name, "1.1.0");
    }
  }
  /// Moves a template to 1.1.0, whose object hangs, and returns when the agent waits for it.
  std::unique_ptr<HungObject> hang(const std::string& name) {
    auto object = std::make_unique<HungObject>(store_.object(key(name, "1.1.0", "master.md")));
    if (!object->usable()) return object;
    move(name, "1.1.0");
    EXPECT_TRUE(wait_until(std::chrono::seconds(10), [&] { return object->is_waited_for(); }));
    return object;
  }
};

#define SKIP_WITHOUT_LEASES(object) \
  if (!(object)->usable()) GTEST_SKIP() << "no write lease here (F_SETLEASE): a download cannot be made to hang"

TEST_F(Rollback, OfOneTemplateIsSeenWhileTheDownloadOfAnotherHangs) {
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0") && comes_to_show("beta", "1.0.0")) << agent->log();
  move("beta", "1.1.0");
  ASSERT_TRUE(comes_to_show("beta", "1.1.0")) << agent->log();
  const auto hung = hang("alpha");
  SKIP_WITHOUT_LEASES(hung);

  move("beta", "1.0.0");
  EXPECT_TRUE(comes_to_show("beta", "1.0.0", one_second)) << agent->log();
  EXPECT_EQ(shown("alpha"), "1.0.0");
  EXPECT_EQ(text_of(agent->status_of("alpha"), "state"), "fetching");
  EXPECT_TRUE(hung->is_waited_for()) << "the download did not hang until the end";

  hung->release();
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0")) << agent->log();
}

TEST_F(Rollback, OfTheSameTemplateCancelsItsHangingDownload) {
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  const auto hung = hang("alpha");
  SKIP_WITHOUT_LEASES(hung);
  // It is asked for a moment before the pass that began it is over.
  ASSERT_TRUE(comes_to_say(*agent, "alpha", "fetching")) << agent->log();

  move("alpha", "1.0.0");
  EXPECT_TRUE(comes_to_say(*agent, "alpha", "current", one_second)) << agent->log();
  EXPECT_EQ(shown("alpha"), "1.0.0");
  EXPECT_EQ(text_of(agent->status_of("alpha"), "desired_version"), "1.0.0");
  // Nothing of the download is left, although the open(2) of its file still hangs.
  EXPECT_TRUE(wait_until(std::chrono::seconds(5), [&] {
    std::size_t entries = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(target_ / "..bundlesync/trees/alpha")) ++entries;
    return entries == 1;
  }));
  EXPECT_TRUE(hung->is_waited_for());
  hung->release();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // what was cancelled would come back now
  EXPECT_TRUE(agent->messages_with({"fetched template=alpha version=1.1.0"}).empty()) << agent->log();
  EXPECT_EQ(shown("alpha"), "1.0.0");
  // And it can be had when it is wanted again.
  move("alpha", "1.1.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0")) << agent->log();
}

TEST_F(Rollback, SigtermEndsWithinASecondWhileADownloadHangs) {
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  const auto hung = hang("alpha");
  SKIP_WITHOUT_LEASES(hung);
  const auto stopped = agent->stop();
  EXPECT_EQ(stopped.code, 0) << agent->log();
  EXPECT_LT(stopped.took, one_second);
  EXPECT_EQ(shown("alpha"), "1.0.0");
}

TEST_F(Rollback, OfAPodBornAfterTheLastDeployNeedsNoStorage) {
  move("alpha", "1.1.0");
  const auto agent = start({{"BUNDLESYNC_PREFETCH_SPREAD", "0s"}});
  ASSERT_TRUE(comes_to_show("alpha", "1.1.0")) << agent->log();
  ASSERT_TRUE(wait_until(std::chrono::seconds(10), [&] {
    const auto line = agent->status_of("alpha");
    const auto* prefetched = line.if_contains("prefetched");
    return prefetched && prefetched->as_bool();
  })) << agent->log();
  store_.take_away();
  move("alpha", "1.0.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.0.0", one_second)) << agent->log();
  const auto line = agent->wait_for({"activate ", "alpha=1.1.0→1.0.0"});
  EXPECT_NE(line.find("source=cache"), std::string::npos) << line;
}

TEST_F(Rollback, ByCommandSaysWhoAndWhyAndHowToUndoIt) {
  move("alpha", "1.1.0");
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.1.0")) << agent->log();
  const Environment owner{{"BUNDLESYNC_DATABASE_URL", server_.url(database_)}};
  const Ended ended = command({"rollback", "alpha", "--reason", "numbers came out wrong"}, owner);
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  const Ended history = command({"history", "alpha"}, owner);
  EXPECT_EQ(history.code, 0) << history.err;
  EXPECT_NE(history.out.find("numbers came out wrong"), std::string::npos) << history.out;
}

}  // namespace
}  // namespace bundlesync::tests
