#include "cli/output.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <sstream>

namespace bundlesync::cli {
namespace {

class OutputTest : public testing::Test {
 protected:
  std::ostringstream out_;
  std::ostringstream err_;
  Streams pipe_{out_, err_, false, false};
  Streams terminal_{out_, err_, true, true};
};

TEST_F(OutputTest, LinesUpColumnsByCharactersAndLeavesNoSpaceAtTheEnd) {
  Table table({"NAME", "MOVE", "WHY"});
  table.add({"section7", "1.0→1.1", ""});
  table.add({"a", "2", "because"});
  table.print(out_);
  EXPECT_EQ(out_.str(),
            "NAME      MOVE     WHY\n"
            "section7  1.0→1.1  -\n"
            "a         2        because\n");
}

TEST_F(OutputTest, KeepsACellOnItsLineAndTheTerminalInItsState) {
  Table table({"NAME", "X"});
  table.add({"a\nb", "\x1b[2J"});
  table.print(out_);
  EXPECT_EQ(out_.str(), "NAME  X\na\\nb  \\x1b[2J\n");
}

TEST_F(OutputTest, SaysAnErrorWithItsHints) {
  const Error error = Error(ErrorKind::failed, "it broke\nbadly", "mend it").with_hint("or buy another");
  print_error(pipe_, {}, error);
  EXPECT_EQ(err_.str(), "error: it broke\\nbadly\nhint: mend it\nhint: or buy another\n");
  EXPECT_EQ(out_.str(), "");
}

TEST_F(OutputTest, ColoursOnlyATerminalThatMayBeColoured) {
  const Error error(ErrorKind::failed, "it broke");
  print_error(terminal_, {}, error);
  EXPECT_EQ(err_.str(), "\x1b[31merror:\x1b[0m it broke\n");
  err_.str("");
  print_error(terminal_, {{"NO_COLOR", "1"}}, error);
  EXPECT_EQ(err_.str(), "error: it broke\n");
  EXPECT_TRUE(wants_colour({{"NO_COLOR", ""}}, true));
}

TEST_F(OutputTest, ShowsProgressOnATerminalOnlyAndTakesItAway) {
  {
    Progress progress(pipe_);
    progress.show("1/2");
  }
  EXPECT_EQ(err_.str(), "");
  {
    Progress progress(terminal_);
    progress.show("1/2");
    progress.show("2/2");
  }
  EXPECT_EQ(err_.str(), "\r\x1b[K1/2\r\x1b[K2/2\r\x1b[K");
  EXPECT_EQ(out_.str(), "");
}

TEST_F(OutputTest, DrawsABarOfWhatIsDone) {
  Progress progress(terminal_);
  progress.show(0, 4, "a.md");
  progress.show(1, 4, "b.md");
  progress.show(4, 4, "c\nd");
  progress.show(0, 0, "none");
  EXPECT_EQ(err_.str(),
            "\r\x1b[K[........................] 0/4 a.md"
            "\r\x1b[K[######..................] 1/4 b.md"
            "\r\x1b[K[########################] 4/4 c\\nd"
            "\r\x1b[K[........................] 0/0 none");
}

TEST_F(OutputTest, KeepsTabsAndLettersOfALineAndNoControlBytes) {
  EXPECT_EQ(safe_line("\ta\t\tb é"), "\ta\t\tb é");
  EXPECT_EQ(safe_line("\x1b[2J\t\x07"), "\\x1b[2J\t\\x07");
  EXPECT_EQ(safe_line(""), "");
}

TEST_F(OutputTest, BeginsEveryDocumentWithItsSchemaVersion) {
  boost::json::object object = document();
  object["name"] = text_or_null("");
  print_json(out_, object);
  EXPECT_EQ(out_.str(), "{\n  \"schema_version\": 1,\n  \"name\": null\n}\n");
}

TEST_F(OutputTest, Counts) {
  EXPECT_EQ(counted(1, "file", "files"), "1 file");
  EXPECT_EQ(counted(0, "file", "files"), "0 files");
}

}  // namespace
}  // namespace bundlesync::cli
