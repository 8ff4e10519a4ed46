#include "base/backoff.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <set>

namespace bundlesync {
namespace {

using namespace std::chrono_literals;

constexpr auto random_max = std::numeric_limits<std::uint64_t>::max();

TEST(Backoff, DoublesFromBaseToCap) {
  EXPECT_EQ(backoff_bound(0), 200ms);
  EXPECT_EQ(backoff_bound(1), 400ms);
  EXPECT_EQ(backoff_bound(7), 25'600ms);
  EXPECT_EQ(backoff_bound(8), 30s);
  EXPECT_EQ(backoff_bound(9), 30s);
}

TEST(Backoff, CannotOverflowAtAnyAttemptNumber) {
  BackoffPolicy policy;
  for (const auto attempt :
       {std::uint64_t{62}, std::uint64_t{63}, std::uint64_t{64}, std::uint64_t{1} << 32, random_max}) {
    EXPECT_EQ(backoff_bound(attempt, policy), 30s) << attempt;
    EXPECT_EQ(backoff_delay(attempt, random_max, policy), 30s) << attempt;
  }
  policy.cap = std::chrono::nanoseconds::max();
  EXPECT_EQ(backoff_bound(random_max, policy), std::chrono::nanoseconds::max());
  EXPECT_EQ(backoff_delay(random_max, 0, policy), 0ns);
}

TEST(Backoff, ABaseOfZeroOrAboveTheCapEndsAtOnce) {
  BackoffPolicy policy;
  policy.base = 0ns;
  EXPECT_EQ(backoff_bound(random_max, policy), 0ns);
  policy.base = 1h;
  EXPECT_EQ(backoff_bound(0, policy), 30s);
}

TEST(Backoff, JitterCoversTheWholeRange) {
  EXPECT_EQ(backoff_delay(2, 0), 0ns);
  EXPECT_EQ(backoff_delay(2, random_max), 800ms);
  Random random(1);
  int lower_half = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto delay = backoff_delay(2, random.next());
    ASSERT_GE(delay, 0ns);
    ASSERT_LE(delay, 800ms);
    lower_half += delay < 400ms;
  }
  EXPECT_GT(lower_half, 430);
  EXPECT_LT(lower_half, 570);
}

TEST(Backoff, JitteredStaysWithinTheFraction) {
  EXPECT_EQ(jittered(30s, 0.2, 0), 24s);
  EXPECT_EQ(jittered(30s, 0.2, random_max), 36s);
  EXPECT_EQ(jittered(30s, 0.0, random_max), 30s);
  EXPECT_EQ(jittered(30s, 7.0, 0), 0s);
  Random random(2);
  for (int i = 0; i < 1000; ++i) {
    const auto interval = jittered(30s, 0.2, random.next());
    ASSERT_GE(interval, 24s);
    ASSERT_LE(interval, 36s);
  }
}

TEST(Random, SameSeedGivesSameNumbers) {
  Random a(42), b(42), c(43);
  const auto first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
  // From the reference implementation of SplitMix64, seed 1234567.
  Random reference(1234567);
  EXPECT_EQ(reference.next(), 6457827717110365317ULL);
  EXPECT_EQ(reference.next(), 3203168211198807973ULL);
}

TEST(Random, SystemSeedsDiffer) {
  std::set<std::uint64_t> seeds;
  for (int i = 0; i < 16; ++i) seeds.insert(system_seed());
  EXPECT_EQ(seeds.size(), 16U);
}

}  // namespace
}  // namespace bundlesync
