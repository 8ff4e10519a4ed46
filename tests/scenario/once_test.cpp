#include "scenario/stage.hpp"

namespace bundlesync::scenario {
namespace {

using RemoteOff = Stage;

TEST_F(RemoteOff, ShowsLocalThenFallbackFilesAndAsksNobody) {
  stop();
  options_.remote = false;
  fallback("section7", "p.md", "bare");
  start();
  settle();
  EXPECT_EQ(read("section7/p.md"), "bare");
  EXPECT_EQ(reporter_->last("section7")->source, "filesystem");
  EXPECT_EQ(reporter_->last("section7")->shown_version, "filesystem");
  EXPECT_TRUE(storage_.asked().empty());
  EXPECT_TRUE(reporter_->ready());
}

TEST_F(RemoteOff, FollowsAChangedFallbackFile) {
  stop();
  options_.remote = false;
  fallback("section7", "p.md", "bare");
  start();
  settle();
  fallback("section7", "p.md", "changed");
  clock_.advance(std::chrono::seconds(31));
  settle();
  EXPECT_EQ(read("section7/p.md"), "changed");
}

TEST_F(RemoteOff, KeepsTheLastGoodWhereThereIsNothingElse) {
  move({publish("section7", "1.0.0", {{"p.md", "one"}})});
  settle();
  stop();
  options_.remote = false;
  start();
  settle();
  EXPECT_EQ(read("section7/p.md"), "one");
  EXPECT_EQ(state_of("section7"), "standalone remote_off");
}

}  // namespace
}  // namespace bundlesync::scenario
