#include "base/time.hpp"

#include <gtest/gtest.h>

namespace bundlesync {
namespace {

std::string again(std::string_view text) {
  const auto parsed = parse_time(text);
  return parsed ? format_time(*parsed) : "(refused)";
}

TEST(Time, ReadsWhatPostgresWritesIntoJson) {
  EXPECT_EQ(again("2026-03-01T09:30:00.250371+00:00"), "2026-03-01T09:30:00.250Z");
  EXPECT_EQ(again("2026-03-01T09:30:00+05:30"), "2026-03-01T04:00:00.000Z");
  EXPECT_EQ(again("2026-03-01 09:30:00-04"), "2026-03-01T13:30:00.000Z");
  EXPECT_EQ(again("1970-01-01T00:00:00Z"), "1970-01-01T00:00:00.000Z");
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T00:00:00",
        "2026-03-01T00:00:00.Z", "2026-03-01T00:00:00Zx", "-026-03-01T00:00:00Z"}) {
    EXPECT_EQ(again(text), "(refused)") << text;
  }
}

}  // namespace
}  // namespace bundlesync
