#include "async/loop.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>

namespace bundlesync::async {
namespace {

using namespace std::chrono_literals;

Task<Result<int>> answer(int value) {
  co_return value;
}

Task<Result<int>> signal_self_and_sleep(Clock& clock, int signal) {
  ::kill(::getpid(), signal);
  co_await clock.sleep_until(clock.now() + 1h);
  co_return 1;
}

/// Does what a swap in progress does: ends its work although it was told to stop, and says so.
Task<Result<int>> finish_in_spite(Loop& loop) {
  auto work = [&loop] {
    asio::post(loop.io(), [&loop] { loop.stop(); });
    std::this_thread::sleep_for(5ms);
    return 42;
  };
  const int result = co_await offload(loop.pool(), work);
  co_return result;
}

Task<Result<int>> stop_within(Loop& loop) {
  auto stop = [&loop] { asio::post(loop.io(), [&loop] { loop.stop(); }); };
  stop();
  co_await loop.clock().sleep_until(loop.clock().now() + 1h);
  co_return 1;
}

Task<Result<int>> throw_bug() {
  throw std::logic_error("bug");
  co_return 1;
}

Task<Result<int>> block_the_loop_after(int signal) {
  ::kill(::getpid(), signal);
  co_await asio::post(asio::use_awaitable);
  while (true) {
    ::usleep(10'000);
    ::kill(::getpid(), signal);
  }
  co_return 1;
}

TEST(Loop, GivesWhatTheRootReturns) {
  Loop loop;
  EXPECT_EQ(loop.run(answer(5)).value(), 5);
  EXPECT_EQ(loop.run(answer(6)).value(), 6);
  EXPECT_FALSE(loop.stopping());
}

TEST(Loop, ThrowsWhatTheRootThrows) {
  Loop loop;
  EXPECT_THROW((void)loop.run(throw_bug()), std::logic_error);
}

TEST(Loop, CancelsTheRootOnStopAndRunsNothingAfterwards) {
  Loop loop;
  const auto result = loop.run(stop_within(loop));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text(), "stopped by SIGTERM");
  EXPECT_EQ(result.error().kind(), ErrorKind::cancelled);
  EXPECT_TRUE(loop.stopping());
  EXPECT_EQ(loop.run(answer(1)).error().text(), "stopped by SIGTERM");
}

TEST(Loop, KeepsTheResultOfARootThatEndsItsWorkFirst) {
  Loop loop;
  EXPECT_EQ(loop.run(finish_in_spite(loop)).value(), 42);
}

// The rest end their process or change its signals, so each runs in one of its own.
class LoopDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

[[noreturn]] void leave_with(const Result<int>& result) {
  ::fprintf(stderr, "%s\n", result ? std::to_string(*result).c_str() : result.error().text().c_str());
  ::exit(result ? 0 : 9);
}

TEST_F(LoopDeathTest, SigtermCancelsTheRoot) {
  EXPECT_EXIT(
      {
        Loop loop;
        leave_with(loop.run(signal_self_and_sleep(loop.clock(), SIGTERM)));
      },
      testing::ExitedWithCode(9), "stopped by SIGTERM");
}

TEST_F(LoopDeathTest, SigintCancelsTheRoot) {
  EXPECT_EXIT(
      {
        Loop loop;
        leave_with(loop.run(signal_self_and_sleep(loop.clock(), SIGINT)));
      },
      testing::ExitedWithCode(9), "stopped by SIGINT");
}

TEST_F(LoopDeathTest, TheSecondSignalEndsTheProcessThoughTheLoopIsBlocked) {
  EXPECT_EXIT(
      {
        Loop loop;
        leave_with(loop.run(block_the_loop_after(SIGTERM)));
      },
      testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST_F(LoopDeathTest, AHangingJobEndsTheProcessAtTheDeadlineWithItsExitCode) {
  EXPECT_EXIT(
      {
        LoopOptions options;
        options.shutdown = 50ms;
        Loop loop(options);
        loop.pool().post([] { ::pause(); });
        loop.set_exit_code(loop.run(answer(7)).value());
      },
      testing::ExitedWithCode(7), "error: something did not end in time after the stop, leaving without it");
}

TEST_F(LoopDeathTest, WhoeverHasNothingLeftToLoseLeavesAHangingJobEarlierAndWithoutAWord) {
  EXPECT_EXIT(
      {
        Loop loop;
        loop.pool().post([] { ::pause(); });
        loop.set_exit_code(loop.run(answer(7)).value());
        ::alarm(5);  // the usual deadline is later
        loop.end_within(50ms);
      },
      testing::ExitedWithCode(7), "^$");
}

TEST_F(LoopDeathTest, ARootThatIgnoresTheStopEndsTheProcessAtTheDeadline) {
  EXPECT_EXIT(
      {
        LoopOptions options;
        options.shutdown = 50ms;
        Loop loop(options);
        loop.pool().post([] {});
        auto task = [](Loop& l) -> Task<Result<int>> {
          l.stop();
          while (true) ::usleep(1000);
          co_return 1;
        };
        leave_with(loop.run(task(loop)));
      },
      testing::ExitedWithCode(1), "did not end in time");
}

}  // namespace
}  // namespace bundlesync::async
