#include "base/json_read.hpp"
#include "base/time.hpp"
#include "captured_log.hpp"
#include "report/line.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bundlesync::report {
namespace {

TEST(Log, WritesTimeLevelAndTextOnOneLine) {
  CapturedLog captured;
  captured.log()->info("ready view=1");
  captured.log()->warn("hold template=a");
  captured.log()->error("sync_failed");
  const std::string raw = captured.raw();
  EXPECT_TRUE(parse_time(raw.substr(0, raw.find(' ')))) << raw;
  EXPECT_EQ(captured.take(),
            (std::vector<std::string>{"info  ready view=1", "warn  hold template=a", "error sync_failed"}));
}

TEST(Log, WritesOneJsonObjectALineWhoseMessageIsTheText) {
  CapturedLog captured(LogFormat::json);
  captured.log()->warn(R"(lost source=database error="no \"route\"")");
  const std::string raw = captured.raw();
  ASSERT_TRUE(raw.ends_with("}\n")) << raw;
  const auto value = json::parse(raw, "line");
  ASSERT_TRUE(value) << value.error().text();
  json::ObjectReader reader(*value, "line");
  EXPECT_TRUE(parse_time(reader.text("time")));
  EXPECT_EQ(reader.text("level"), "warn");
  EXPECT_EQ(reader.text("message"), R"(lost source=database error="no \"route\"")");
  EXPECT_TRUE(reader.finish());
}

TEST(Log, KeepsAMessageOnItsLineWhateverItHolds) {
  CapturedLog text;
  text.log()->info(std::string_view("a\n2026-01-01T00:00:00.000Z info  forged\x1b[2J"));
  EXPECT_EQ(text.take(), (std::vector<std::string>{R"(info  a\n2026-01-01T00:00:00.000Z info  forged\x1b[2J)"}));
  CapturedLog as_json(LogFormat::json);
  as_json.log()->info(std::string_view("a\n{\"level\":\"error\"}\xff"));
  const std::string raw = as_json.raw();
  EXPECT_EQ(std::ranges::count(raw, '\n'), 1);
  EXPECT_NE(raw.find(R"("message":"a\\n{\"level\":\"error\"}\\xff"})"), std::string::npos) << raw;
}

TEST(Log, CutsALineThatIsTooLong) {
  CapturedLog captured;
  captured.log()->info(std::string(20'000, 'x'));
  EXPECT_EQ(captured.take(), (std::vector<std::string>{"info  " + std::string(line_bytes_max, 'x') + "…"}));
}

TEST(Log, LeavesOutWhatIsLessSevereThanAsked) {
  CapturedLog captured(LogFormat::text, LogLevel::warn);
  captured.log()->info("start");
  captured.log()->warn("hold");
  EXPECT_EQ(captured.take(), (std::vector<std::string>{"warn  hold"}));
}

TEST(Log, ColoursOnlyTheLevelAndOnlyWhenAsked) {
  CapturedLog captured(LogFormat::text, LogLevel::info, Colour::yes);
  captured.log()->info("a");
  captured.log()->warn("b");
  captured.log()->error("c");
  EXPECT_EQ(captured.take(), (std::vector<std::string>{"info  a", "\x1b[33mwarn\x1b[0m  b", "\x1b[31merror\x1b[0m c"}));
}

}  // namespace
}  // namespace bundlesync::report
