#include "async/pool.hpp"

#include "async/timeout.hpp"
#include "fakes/manual_clock.hpp"
#include "fakes/spawned.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

namespace bundlesync::async {
namespace {

using namespace std::chrono_literals;

/// Remembers the thread that destroyed it.
struct Traced {
  explicit Traced(std::atomic<std::thread::id>* where) : gone_on(where) {}
  Traced(Traced&& other) noexcept : gone_on(std::exchange(other.gone_on, nullptr)) {}
  Traced& operator=(Traced&&) = delete;
  ~Traced() {
    if (gone_on != nullptr) *gone_on = std::this_thread::get_id();
  }
  std::atomic<std::thread::id>* gone_on;
};

class PoolTest : public testing::Test {
 protected:
  asio::io_context io{1};
  fakes::ManualClock clock{io};
  Pool pool{2};
};

TEST_F(PoolTest, OffloadRunsElsewhereAndComesHome) {
  fakes::Spawned task(io, offload(pool, [] { return std::this_thread::get_id(); }));
  ASSERT_TRUE(clock.settle_until([&] { return task.ended(); }));
  EXPECT_NE(task.take(), std::this_thread::get_id());
}

TEST_F(PoolTest, OffloadThrowsAtHomeWhatTheFunctionThrew) {
  fakes::Spawned task(io, offload(pool, []() -> int { throw std::runtime_error("disk on fire"); }));
  ASSERT_TRUE(clock.settle_until([&] { return task.ended(); }));
  EXPECT_THROW(task.take(), std::runtime_error);
}

TEST_F(PoolTest, OffloadTakesWhatCannotBeCopiedAndReturnsNothing) {
  auto owned = std::make_unique<int>(7);
  std::atomic<int> seen = 0;
  fakes::Spawned task(io, offload(pool, [owned = std::move(owned), &seen] { seen = *owned; }));
  ASSERT_TRUE(clock.settle_until([&] { return task.ended(); }));
  EXPECT_EQ(seen, 7);
}

TEST_F(PoolTest, OffloadDestroysTheResultAndTheFunctionAtHome) {
  std::atomic<std::thread::id> gone_on;
  fakes::Spawned task(io, offload(pool, [traced = Traced(&gone_on)] { return 1; }));
  ASSERT_TRUE(clock.settle_until([&] { return task.ended(); }));
  EXPECT_EQ(gone_on.load(), std::this_thread::get_id());
}

TEST_F(PoolTest, OffloadGoesOnOnlyWhenTheFunctionHasEnded) {
  std::latch release(1);
  fakes::Spawned task(io, offload(pool, [&release] { release.wait(); }));
  clock.settle();
  task.cancel();
  clock.settle();
  EXPECT_FALSE(task.ended());
  release.count_down();
  EXPECT_TRUE(clock.settle_until([&] { return task.ended(); }));
}

TEST_F(PoolTest, AbandonableGivesItsResultWhenNobodyCancels) {
  fakes::Spawned task(io, offload_abandonable(pool, [] { return std::string(100, 'x'); }));
  ASSERT_TRUE(clock.settle_until([&] { return task.ended(); }));
  EXPECT_EQ(task.take(), std::string(100, 'x'));
}

TEST_F(PoolTest, AbandonableEndsAtOnceAndDropsTheLateResultOnThePool) {
  std::latch begun(1);
  std::latch release(1);
  std::atomic<std::thread::id> gone_on;
  fakes::Spawned task(io, offload_abandonable(pool, [&begun, &release, &gone_on] {
                        begun.count_down();
                        release.wait();
                        return Traced(&gone_on);
                      }));
  clock.settle();
  begun.wait();
  task.cancel();
  clock.settle();
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(gone_on.load(), std::thread::id());
  release.count_down();
  ASSERT_TRUE(pool.wait_idle(10s));
  EXPECT_NE(gone_on.load(), std::thread::id());
  EXPECT_NE(gone_on.load(), std::this_thread::get_id());
}

Task<Result<int>> hang(Pool& pool, std::latch& release) {
  auto wait = [&release] { release.wait(); };
  co_await offload_abandonable(pool, wait);
  co_return 1;
}

TEST_F(PoolTest, AbandonableObeysATimeout) {
  std::latch release(1);
  fakes::Spawned task(io, with_timeout(hang(pool, release), clock, 5s, "reading /mnt"));
  clock.advance(5s);
  ASSERT_TRUE(task.ended());
  EXPECT_EQ(task.take().error().text(), "reading /mnt did not end within 5s");
  release.count_down();
  ASSERT_TRUE(pool.wait_idle(10s));
}

TEST_F(PoolTest, AbandonedBeforeItBeganIsNeverRun) {
  Pool one(1);
  std::latch release(1);
  std::atomic<bool> ran = false;
  fakes::Spawned busy(io, offload(one, [&release] { release.wait(); }));
  fakes::Spawned queued(io, offload_abandonable(one, [&ran] { ran = true; }));
  clock.settle();
  queued.cancel();
  clock.settle();
  EXPECT_TRUE(queued.cancelled());
  release.count_down();
  EXPECT_TRUE(clock.settle_until([&] { return busy.ended(); }));
  ASSERT_TRUE(one.wait_idle(10s));
  EXPECT_FALSE(ran);
}

TEST_F(PoolTest, AbandonableSurvivesACancelInEveryMoment) {
  // Cancel and end race over and over: each ends exactly once, with the value or as cancelled.
  int ended = 0;
  int cancelled = 0;
  for (int i = 0; i < 300; ++i) {
    fakes::Spawned task(io,
                        offload_abandonable(pool, [i] { return std::string(64, static_cast<char>('a' + i % 26)); }));
    clock.settle();
    std::this_thread::sleep_for(std::chrono::microseconds(i % 40));
    task.cancel();
    ASSERT_TRUE(clock.settle_until([&] { return task.ended(); }));
    task.cancelled() ? ++cancelled : ++ended;
  }
  EXPECT_EQ(ended + cancelled, 300);
  ASSERT_TRUE(pool.wait_idle(10s));
}

TEST_F(PoolTest, UsesNoMoreThreadsThanItMay) {
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  std::vector<fakes::Spawned<void>> tasks;
  for (int i = 0; i < 20; ++i) {
    tasks.emplace_back(io, offload(pool, [&now, &most] {
                         const int busy = ++now;
                         for (int seen = most; seen < busy && !most.compare_exchange_weak(seen, busy);) {
                         }
                         std::this_thread::sleep_for(1ms);
                         --now;
                       }));
  }
  ASSERT_TRUE(clock.settle_until([&] { return std::ranges::all_of(tasks, &fakes::Spawned<void>::ended); }));
  EXPECT_EQ(most, 2);
}

TEST_F(PoolTest, SaysWhenAJobDoesNotEnd) {
  std::latch release(1);
  pool.post([&release] { release.wait(); });
  EXPECT_FALSE(pool.wait_idle(20ms));
  release.count_down();
  EXPECT_TRUE(pool.wait_idle(10s));
}

}  // namespace
}  // namespace bundlesync::async
