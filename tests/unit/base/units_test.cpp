#include "base/units.hpp"

#include <gtest/gtest.h>

namespace bundlesync {
namespace {

using namespace std::chrono_literals;

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("30s").value(), 30s);
  EXPECT_EQ(parse_duration("30 s").value(), 30s);
  EXPECT_EQ(parse_duration("5m").value(), 5min);
  EXPECT_EQ(parse_duration("1h").value(), 1h);
  EXPECT_EQ(parse_duration("2d").value(), 48h);
  EXPECT_EQ(parse_duration("0s").value(), 0s);
}

std::string duration_error(std::string_view text) {
  const auto result = parse_duration(text);
  return result ? "no error" : result.error().text();
}

TEST(Duration, RefusesWithTheReasonAndAHint) {
  const std::string hint = "\nhint: write a whole number and one of ms, s, m, h, d, as in 30s";
  EXPECT_EQ(duration_error("30"), "duration '30' has no unit" + hint);
  EXPECT_EQ(duration_error(""), "duration '' does not begin with a whole number" + hint);
  EXPECT_EQ(duration_error("s"), "duration 's' does not begin with a whole number" + hint);
  EXPECT_EQ(duration_error("-5s"), "duration '-5s' does not begin with a whole number" + hint);
  EXPECT_EQ(duration_error("+5s"), "duration '+5s' does not begin with a whole number" + hint);
  EXPECT_EQ(duration_error(" 5s"), "duration ' 5s' does not begin with a whole number" + hint);
  EXPECT_EQ(duration_error("1.5s"), "duration '1.5s' is no whole number of units" + hint);
  EXPECT_EQ(duration_error("5 minutes"), "duration '5 minutes' has an unknown unit 'minutes'" + hint);
  EXPECT_EQ(duration_error("5S"), "duration '5S' has an unknown unit 'S'" + hint);
  EXPECT_EQ(duration_error("1h30m"), "duration '1h30m' has an unknown unit 'h30m'" + hint);
}

TEST(Duration, RefusesWhatDoesNotFit) {
  EXPECT_EQ(duration_error("99999999999999999999s"), "duration '99999999999999999999s' is too large");
  EXPECT_EQ(duration_error("18446744073709551615d"), "duration '18446744073709551615d' is too large");
  EXPECT_EQ(parse_duration("9223372036854ms").value(), 9223372036854ms);
  EXPECT_EQ(duration_error("9223372036855ms"), "duration '9223372036855ms' is too large");
  EXPECT_GT(std::chrono::nanoseconds(parse_duration("9223372036854ms").value()).count(), 0);
}

TEST(Duration, IsWrittenInTheLargestUnitThatLosesNothing) {
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(250ms), "250ms");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(5min), "5m");
  EXPECT_EQ(format_duration(24h), "24h");
  for (const auto duration : {1ms, 1001ms, 61'000ms, 3'600'000ms, 86'400'000ms}) {
    EXPECT_EQ(parse_duration(format_duration(duration)).value(), duration);
  }
}

TEST(Size, ReadsBytesAndBinaryUnits) {
  EXPECT_EQ(parse_size("4096").value(), 4096U);
  EXPECT_EQ(parse_size("7B").value(), 7U);
  EXPECT_EQ(parse_size("16 KiB").value(), 16U << 10);
  EXPECT_EQ(parse_size("512MiB").value(), 512U << 20);
  EXPECT_EQ(parse_size("3GiB").value(), 3ULL << 30);
  EXPECT_EQ(parse_size("1TiB").value(), 1ULL << 40);
  EXPECT_EQ(parse_size("9223372036854775807").value(), 9223372036854775807U);
}

std::string size_error(std::string_view text) {
  const auto result = parse_size(text);
  return result ? "no error" : result.error().text();
}

TEST(Size, RefusesWithTheReasonAndAHint) {
  const std::string hint = "\nhint: write a whole number and one of B, KiB, MiB, GiB, TiB, as in 512MiB";
  EXPECT_EQ(size_error("512MB"), "size '512MB' has an unknown unit 'MB'" + hint);
  EXPECT_EQ(size_error("MiB"), "size 'MiB' does not begin with a whole number" + hint);
  EXPECT_EQ(size_error("-1"), "size '-1' does not begin with a whole number" + hint);
  EXPECT_EQ(size_error("1.5GiB"), "size '1.5GiB' is no whole number of units" + hint);
  EXPECT_EQ(size_error("9223372036854775808"), "size '9223372036854775808' is too large");
  EXPECT_EQ(size_error("8388608TiB"), "size '8388608TiB' is too large");
}

TEST(Size, IsWrittenInTheLargestUnitThatLosesNothing) {
  EXPECT_EQ(format_size(0), "0B");
  EXPECT_EQ(format_size(1000), "1000B");
  EXPECT_EQ(format_size(16U << 10), "16KiB");
  EXPECT_EQ(format_size(512U << 20), "512MiB");
  EXPECT_EQ(format_size((1ULL << 30) + (1ULL << 20)), "1025MiB");
  EXPECT_EQ(parse_size(format_size((1ULL << 40) + 1)).value(), (1ULL << 40) + 1);
}

}  // namespace
}  // namespace bundlesync
