#include "fakes/manual_clock.hpp"

#include "async/steady_clock.hpp"
#include "fakes/spawned.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bundlesync::async {
namespace {

using namespace std::chrono_literals;

Task<> note_every(Clock& clock, Duration period, char name, std::string* notes) {
  for (int i = 0; i < 3; ++i) {
    co_await clock.sleep_until(clock.now() + period);
    notes->push_back(name);
  }
}

Task<> sleep_once(Clock& clock, Steady when) {
  co_await clock.sleep_until(when);
}

Task<> spin(Clock& clock) {
  while (true) co_await clock.sleep_until(clock.now());
}

TEST(ManualClock, WakesSleepersInOrderEachAtItsMoment) {
  asio::io_context io(1);
  fakes::ManualClock clock(io);
  std::string notes;
  fakes::Spawned slow(io, note_every(clock, 5s, 's', &notes));
  fakes::Spawned fast(io, note_every(clock, 2s, 'f', &notes));
  const auto wall = clock.wall_now();
  clock.advance(15s);
  EXPECT_EQ(notes, "ffsfss");
  EXPECT_TRUE(slow.ended() && fast.ended());
  EXPECT_EQ(clock.wall_now() - wall, 15s);
}

TEST(ManualClock, StopsALoopThatNeverRests) {
  asio::io_context io(1);
  fakes::ManualClock clock(io);
  fakes::Spawned task(io, spin(clock));
  EXPECT_THROW(clock.settle(), std::runtime_error);
  task.cancel();
  clock.settle();
  EXPECT_TRUE(task.cancelled());
}

TEST(SteadyClock, SleepsUntilTheMomentAndNotBefore) {
  asio::io_context io(1);
  SteadyClock clock(io.get_executor());
  const auto when = clock.now() + 20ms;
  fakes::Spawned task(io, sleep_once(clock, when));
  io.run();
  EXPECT_TRUE(task.ended());
  EXPECT_GE(clock.now(), when);
}

TEST(SteadyClock, EndsACancelledSleepAtOnce) {
  asio::io_context io(1);
  SteadyClock clock(io.get_executor());
  const auto start = clock.now();
  fakes::Spawned task(io, sleep_once(clock, start + 1h));
  io.poll();
  task.cancel();
  io.restart();
  io.run();
  EXPECT_TRUE(task.cancelled());
  EXPECT_LT(clock.now() - start, 1min);
}

}  // namespace
}  // namespace bundlesync::async
