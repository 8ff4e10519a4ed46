#include "async/task_group.hpp"

#include "fakes/manual_clock.hpp"
#include "fakes/spawned.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace bundlesync::async {
namespace {

using namespace std::chrono_literals;
using Notes = std::vector<std::string>;

/// Notes how its frame ends, also when it is cancelled.
struct Leaving {
  Leaving(Notes* all, std::string who) : notes(all), name(std::move(who)) {}
  ~Leaving() { notes->push_back(name + " left"); }
  Leaving(const Leaving&) = delete;
  Leaving& operator=(const Leaving&) = delete;
  Notes* notes;
  std::string name;
};

Task<Result<void>> sleeper(Clock& clock, Duration time, Notes* notes, std::string name) {
  const Leaving leaving(notes, name);
  co_await clock.sleep_until(clock.now() + time);
  notes->push_back(name + " done");
  co_return Result<void>();
}

Task<Result<void>> failing(Clock& clock, Duration time) {
  co_await clock.sleep_until(clock.now() + time);
  co_return fail(ErrorKind::unavailable, "the peer is away", "wait");
}

Task<Result<void>> throwing(Clock& clock, Duration time) {
  co_await clock.sleep_until(clock.now() + time);
  throw std::logic_error("bug");
}

Task<Result<void>> two_bugs(Clock& clock) {
  using asio::experimental::awaitable_operators::operator&&;
  auto both = throwing(clock, 1s) && throwing(clock, 1s);
  co_await std::move(both);
  co_return Result<void>();
}

Task<Result<void>> at_once() {
  co_return fail(ErrorKind::failed, "no");
}

class TaskGroupTest : public testing::Test {
 protected:
  asio::io_context io{1};
  fakes::ManualClock clock{io};
  TaskGroup group{io.get_executor()};
  Notes notes;
};

TEST_F(TaskGroupTest, EndsWhenTheLastChildHasEnded) {
  group.spawn("a", sleeper(clock, 1s, &notes, "a"));
  group.spawn("b", sleeper(clock, 2s, &notes, "b"));
  fakes::Spawned wait(io, group.wait());
  clock.advance(1s);
  EXPECT_FALSE(wait.ended());
  EXPECT_FALSE(group.running("a"));
  EXPECT_TRUE(group.running("b"));
  clock.advance(1s);
  ASSERT_TRUE(wait.ended());
  EXPECT_TRUE(wait.take());
  EXPECT_EQ(notes, (Notes{"a done", "a left", "b done", "b left"}));
}

TEST_F(TaskGroupTest, EndsAtOnceWithoutChildren) {
  fakes::Spawned wait(io, group.wait());
  clock.settle();
  ASSERT_TRUE(wait.ended());
  EXPECT_TRUE(wait.take());
}

TEST_F(TaskGroupTest, CancelsTheRestOnTheFirstErrorAndNamesIt) {
  group.spawn("reader", sleeper(clock, 60s, &notes, "reader"));
  group.spawn("listener", failing(clock, 1s));
  fakes::Spawned wait(io, group.wait());
  clock.advance(1s);
  ASSERT_TRUE(wait.ended());
  const auto result = wait.take();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text(), "listener: the peer is away\nhint: wait");
  EXPECT_EQ(result.error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(notes, (Notes{"reader left"}));
  EXPECT_EQ(clock.sleepers(), 0u);
}

TEST_F(TaskGroupTest, ThrowsAChildsBugWithItsName) {
  group.spawn("reader", sleeper(clock, 60s, &notes, "reader"));
  group.spawn("listener", throwing(clock, 1s));
  fakes::Spawned wait(io, group.wait());
  clock.advance(1s);
  ASSERT_TRUE(wait.ended());
  try {
    wait.take();
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "listener: bug");
  }
  EXPECT_EQ(notes, (Notes{"reader left"}));
}

TEST_F(TaskGroupTest, NamesTheFirstOfSeveralExceptionsOfOneChild) {
  group.spawn("pair", two_bugs(clock));
  fakes::Spawned wait(io, group.wait());
  clock.advance(1s);
  ASSERT_TRUE(wait.ended());
  try {
    wait.take();
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "pair: bug");
  }
}

TEST_F(TaskGroupTest, PassesACancellationFromOutsideToTheChildrenAndWaitsForThem) {
  group.spawn("a", sleeper(clock, 60s, &notes, "a"));
  group.spawn("b", sleeper(clock, 60s, &notes, "b"));
  fakes::Spawned wait(io, group.wait());
  clock.settle();
  wait.cancel();
  clock.settle();
  EXPECT_TRUE(wait.cancelled());
  EXPECT_EQ(notes, (Notes{"a left", "b left"}));
  EXPECT_EQ(group.size(), 0u);
}

TEST_F(TaskGroupTest, CancelsOneByNameWithoutCallingItAFailure) {
  group.spawn("a", sleeper(clock, 5s, &notes, "a"));
  group.spawn("b", sleeper(clock, 60s, &notes, "b"));
  fakes::Spawned wait(io, group.wait());
  clock.settle();
  group.cancel("b");
  clock.settle();
  EXPECT_EQ(notes, (Notes{"b left"}));
  EXPECT_TRUE(group.running("a"));
  clock.advance(5s);
  ASSERT_TRUE(wait.ended());
  EXPECT_TRUE(wait.take());
}

TEST_F(TaskGroupTest, TakesChildrenWhileOthersRun) {
  group.spawn("a", sleeper(clock, 2s, &notes, "a"));
  fakes::Spawned wait(io, group.wait());
  clock.advance(1s);
  group.spawn("b", sleeper(clock, 2s, &notes, "b"));
  clock.advance(1s);
  EXPECT_FALSE(wait.ended());
  clock.advance(1s);
  EXPECT_TRUE(wait.ended());
}

TEST_F(TaskGroupTest, NeverBeginsAChildInsideSpawn) {
  group.spawn("a", at_once());
  EXPECT_EQ(group.size(), 1u);
  clock.settle();
  EXPECT_EQ(group.size(), 0u);
}

TEST_F(TaskGroupTest, CancelsChildrenThatComeAfterTheFailure) {
  group.spawn("a", at_once());
  clock.settle();
  group.spawn("late", sleeper(clock, 60s, &notes, "late"));
  fakes::Spawned wait(io, group.wait());
  clock.settle();
  ASSERT_TRUE(wait.ended());
  EXPECT_EQ(wait.take().error().text(), "a: no");
  EXPECT_EQ(notes, Notes{});  // it never began
}

TEST_F(TaskGroupTest, CancelsItsChildrenWhenItGoesAway) {
  {
    TaskGroup inner(io.get_executor());
    inner.spawn("a", sleeper(clock, 60s, &notes, "a"));
    clock.settle();
  }
  clock.settle();
  EXPECT_EQ(notes, (Notes{"a left"}));
}

}  // namespace
}  // namespace bundlesync::async
