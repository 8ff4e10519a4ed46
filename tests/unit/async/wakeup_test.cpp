#include "async/wakeup.hpp"

#include "fakes/manual_clock.hpp"
#include "fakes/spawned.hpp"

#include <gtest/gtest.h>

namespace bundlesync::async {
namespace {

using namespace std::chrono_literals;

class WakeupTest : public testing::Test {
 protected:
  asio::io_context io{1};
  fakes::ManualClock clock{io};
  Wakeup wakeup{io.get_executor()};
};

TEST_F(WakeupTest, RemembersANotifyThatCameBeforeTheWait) {
  wakeup.notify();
  fakes::Spawned task(io, wakeup.wait());
  clock.settle();
  EXPECT_TRUE(task.ended());
  EXPECT_FALSE(wakeup.is_set());
}

TEST_F(WakeupTest, WakesTheWaiter) {
  fakes::Spawned task(io, wakeup.wait());
  clock.settle();
  EXPECT_FALSE(task.ended());
  wakeup.notify();
  clock.settle();
  EXPECT_TRUE(task.ended());
}

TEST_F(WakeupTest, MakesOneWakeUpOfAStorm) {
  for (int i = 0; i < 1'000; ++i) wakeup.notify();
  fakes::Spawned first(io, wakeup.wait());
  clock.settle();
  EXPECT_TRUE(first.ended());
  fakes::Spawned second(io, wakeup.wait());
  clock.settle();
  EXPECT_FALSE(second.ended());
  second.cancel();
  clock.settle();
  EXPECT_TRUE(second.cancelled());
}

TEST_F(WakeupTest, WaitUntilSaysWhetherItWasWoken) {
  fakes::Spawned woken(io, wakeup.wait_until(clock, clock.now() + 1s));
  clock.settle();
  wakeup.notify();
  clock.settle();
  ASSERT_TRUE(woken.ended());
  EXPECT_TRUE(woken.take());

  fakes::Spawned late(io, wakeup.wait_until(clock, clock.now() + 1s));
  clock.advance(1s);
  ASSERT_TRUE(late.ended());
  EXPECT_FALSE(late.take());
  EXPECT_EQ(clock.sleepers(), 0u);
}

TEST_F(WakeupTest, DoesNotLoseANotifyInTheMomentOfTheDeadline) {
  // The sleeper is woken and the bit set before either handler ran.
  fakes::Spawned notifier(io, [](Clock& time, Wakeup& bit) -> Task<> {
    co_await time.sleep_until(time.now() + 1s);
    bit.notify();
  }(clock, wakeup));
  fakes::Spawned task(io, wakeup.wait_until(clock, clock.now() + 1s));
  clock.advance(1s);
  ASSERT_TRUE(task.ended());
  EXPECT_TRUE(task.take() || wakeup.is_set());
}

TEST_F(WakeupTest, KeepsTheBitWhenTheWaitIsCancelled) {
  fakes::Spawned task(io, wakeup.wait_until(clock, clock.now() + 1s));
  clock.settle();
  task.cancel();
  clock.settle();
  EXPECT_TRUE(task.cancelled());
  wakeup.notify();
  EXPECT_TRUE(wakeup.is_set());
}

}  // namespace
}  // namespace bundlesync::async
