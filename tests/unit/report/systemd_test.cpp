#include "report/systemd.hpp"

#include "datagrams.hpp"
#include "fakes/manual_clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bundlesync::report {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class SystemdTest : public testing::Test {
 protected:
  Datagrams manager_;
  asio::io_context io_;
  fakes::ManualClock clock_{io_};
};

TEST_F(SystemdTest, SaysReadyAndStoppingOnce) {
  ServiceManager us(clock_, manager_.path(), std::nullopt);
  us.ready("shows view 1");
  us.ready("shows view 2");
  us.alive();
  us.stopping();
  us.stopping();
  EXPECT_THAT(manager_.take(), ElementsAre("READY=1\nSTATUS=shows view 1", "STATUS=shows view 2", "STOPPING=1"));
}

TEST_F(SystemdTest, FeedsTheWatchdogFourTimesInItsTime) {
  ServiceManager us(clock_, manager_.path(), 20s);
  us.alive();
  us.alive();
  clock_.advance(4999ms);
  us.alive();
  EXPECT_THAT(manager_.take(), ElementsAre("WATCHDOG=1"));
  clock_.advance(1ms);
  us.alive();
  EXPECT_THAT(manager_.take(), ElementsAre("WATCHDOG=1"));
}

TEST_F(SystemdTest, SendsNothingWhereNobodyAsked) {
  ServiceManager us(clock_, "", 20s);
  EXPECT_FALSE(us.listens());
  us.ready("x");
  us.alive();
  us.stopping();
  EXPECT_THAT(manager_.take(), IsEmpty());
}

TEST_F(SystemdTest, GoesOnWhenTheManagerIsGone) {
  ServiceManager us(clock_, manager_.path() + ".gone", 20s);
  us.ready("x");
  us.stopping();
  EXPECT_FALSE(ServiceManager(clock_, std::string(300, '/'), std::nullopt).listens());
  EXPECT_FALSE(ServiceManager(clock_, "relative", std::nullopt).listens());
}

TEST_F(SystemdTest, KeepsAStatusFromAddingAssignments) {
  ServiceManager us(clock_, manager_.path(), std::nullopt);
  us.ready("x\nMAINPID=1");
  EXPECT_THAT(manager_.take(), ElementsAre("READY=1\nSTATUS=x\\nMAINPID=1"));
}

}  // namespace
}  // namespace bundlesync::report
