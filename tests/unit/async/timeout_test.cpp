#include "async/timeout.hpp"

#include "async/wakeup.hpp"
#include "fakes/manual_clock.hpp"
#include "fakes/spawned.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace bundlesync::async {
namespace {

using namespace std::chrono_literals;

/// Sleeps, then gives a value that owns memory; counts its live frames.
Task<Result<std::string>> answer_after(Clock& clock, Duration time, std::shared_ptr<int> alive) {
  co_await clock.sleep_until(clock.now() + time);
  co_return std::string(100, 'a') + std::to_string(alive.use_count());
}

Task<Result<std::string>> refuse() {
  co_return fail(ErrorKind::refused, "no", "ask another");
}

Task<Result<std::string>> throw_after(Clock& clock, Duration time) {
  co_await clock.sleep_until(clock.now() + time);
  throw std::logic_error("bug");
}

class WithTimeout : public testing::Test {
 protected:
  asio::io_context io{1};
  fakes::ManualClock clock{io};
  std::shared_ptr<int> alive = std::make_shared<int>(0);
};

TEST_F(WithTimeout, GivesWhatEndsInTime) {
  fakes::Spawned task(io, with_timeout(answer_after(clock, 4s, alive), clock, 5s, "asking"));
  clock.advance(4s);
  ASSERT_TRUE(task.ended());
  EXPECT_EQ(task.take().value(), std::string(100, 'a') + "2");
  EXPECT_EQ(clock.sleepers(), 0u);
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(WithTimeout, NamesWhatDidNotEndAndCancelsIt) {
  fakes::Spawned task(io, with_timeout(answer_after(clock, 6s, alive), clock, 5s, "asking the catalog"));
  clock.advance(4999ms);
  EXPECT_FALSE(task.ended());
  clock.advance(1ms);
  ASSERT_TRUE(task.ended());
  const auto result = task.take();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind(), ErrorKind::timed_out);
  EXPECT_EQ(result.error().text(), "asking the catalog did not end within 5s");
  EXPECT_EQ(clock.sleepers(), 0u);
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(WithTimeout, PassesAnErrorOnUnchanged) {
  fakes::Spawned task(io, with_timeout(refuse(), clock, 5s, "asking"));
  clock.settle();
  ASSERT_TRUE(task.ended());
  const auto result = task.take();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text(), "no\nhint: ask another");
  EXPECT_EQ(result.error().kind(), ErrorKind::refused);
}

TEST_F(WithTimeout, ThrowsABugAtOnceAndNotAtTheDeadline) {
  fakes::Spawned task(io, with_timeout(throw_after(clock, 1s), clock, 5s, "asking"));
  clock.advance(1s);
  ASSERT_TRUE(task.ended());
  EXPECT_THROW(task.take(), std::logic_error);
}

TEST_F(WithTimeout, IsCancelledFromOutsideAsAnException) {
  fakes::Spawned task(io, with_timeout(answer_after(clock, 4s, alive), clock, 5s, "asking"));
  clock.settle();
  task.cancel();
  clock.settle();
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(clock.sleepers(), 0u);
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(WithTimeout, NestsAndTheInnerDeadlineSpeaksFirst) {
  auto inner = with_timeout(answer_after(clock, 60s, alive), clock, 2s, "the query");
  fakes::Spawned task(io, with_timeout(std::move(inner), clock, 5s, "the session"));
  clock.advance(2s);
  ASSERT_TRUE(task.ended());
  EXPECT_EQ(task.take().error().text(), "the query did not end within 2s");
}

TEST_F(WithTimeout, BeforeGivesNothingForAVoidOperationThatIsLate) {
  Wakeup never(io.get_executor());
  fakes::Spawned task(io, before(never.wait(), clock, clock.now() + 1s));
  clock.advance(1s);
  ASSERT_TRUE(task.ended());
  EXPECT_FALSE(task.take());
}

}  // namespace
}  // namespace bundlesync::async
