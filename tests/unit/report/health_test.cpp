#include "report/health.hpp"

#include "fakes/manual_clock.hpp"

#include <gtest/gtest.h>

namespace bundlesync::report {
namespace {

using namespace std::chrono_literals;

class HealthTest : public testing::Test {
 protected:
  asio::io_context io_;
  fakes::ManualClock clock_{io_};
  Health health_{clock_};
};

TEST_F(HealthTest, IsAliveWhileTheLoopTicks) {
  EXPECT_TRUE(health_.alive().ok);
  clock_.advance(10s);
  EXPECT_EQ(health_.alive().text, "ok");
  clock_.advance(1s);
  EXPECT_FALSE(health_.alive().ok);
  EXPECT_EQ(health_.alive().text, "the loop has not ticked for 11s");
  health_.tick();
  EXPECT_TRUE(health_.alive().ok);
}

TEST_F(HealthTest, IsNotAliveOnceATaskHasEnded) {
  health_.task_running("watch", true);
  health_.task_running("reconcile", true);
  EXPECT_TRUE(health_.alive().ok);
  health_.task_running("watch", false);
  EXPECT_FALSE(health_.alive().ok);
  EXPECT_EQ(health_.alive().text, "task watch has ended");
  health_.task_running("watch", true);
  EXPECT_TRUE(health_.alive().ok);
}

TEST_F(HealthTest, IsAliveWhileItStopsThoughTasksEnd) {
  health_.task_running("watch", true);
  health_.stopping();
  health_.task_running("watch", false);
  EXPECT_TRUE(health_.alive().ok);
  EXPECT_EQ(health_.alive().text, "ok, stopping");
}

TEST_F(HealthTest, IsNotReadyBeforeTheFirstPass) {
  EXPECT_FALSE(health_.ready().ok);
  EXPECT_EQ(health_.ready().text, "starting");
  health_.standby("another agent holds /prompts");
  EXPECT_EQ(health_.ready().text, "standby: another agent holds /prompts");
}

TEST_F(HealthTest, NamesWhatIsMissingUntilItIsReady) {
  health_.settled(false, {"section7", "in take"});
  EXPECT_FALSE(health_.ready().ok);
  EXPECT_EQ(health_.ready().text, "nothing to show for: section7 \"in take\"");
  health_.settled(true, {});
  EXPECT_TRUE(health_.ready().ok);
}

TEST_F(HealthTest, StaysReadyWhateverComes) {
  health_.settled(true, {});
  health_.settled(false, {"letters"});
  EXPECT_TRUE(health_.ready().ok);
  health_.stopping();
  EXPECT_TRUE(health_.ready().ok);
}

TEST_F(HealthTest, NamesTwentyOfManyMissing) {
  health_.settled(false, std::vector<std::string>(25, "t"));
  EXPECT_TRUE(health_.ready().text.ends_with(" t t and 5 more")) << health_.ready().text;
}

}  // namespace
}  // namespace bundlesync::report
