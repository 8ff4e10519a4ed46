#include "report/line.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bundlesync::report {
namespace {

TEST(Line, WritesPlainValuesAsTheyAreAndOthersInQuotes) {
  Line line("lost");
  line.add("source", "database").add("file", "two words").add("odd", "a=b").add("n", 7U).add("none", "");
  EXPECT_EQ(line.text(), R"(lost source=database file="two words" odd="a=b" n=7 none=-)");
}

TEST(Line, MarksQuotesAndBackslashesSoThatAValueReadsBack) {
  EXPECT_EQ(quoted(R"(say "hi" \n)"), R"("say \"hi\" \\n")");
  EXPECT_EQ(quoted("-"), "\"-\"");  // a bare dash says "nothing"
}

TEST(Line, KeepsAControlByteFromBreakingTheLineOrSteeringTheTerminal) {
  EXPECT_EQ(escaped("a\nb\r\t\x1b[31m\x7f", 100), R"(a\nb\r\t\x1b[31m\x7f)");
  EXPECT_EQ(Line("e").add("name", "x\nrefuse template=section7").text(), R"(e name="x\nrefuse template=section7")");
  EXPECT_EQ(Line("e").add("a b\n", "x").text(), R"(e "a b\n"=x)");
}

TEST(Line, EscapesCharactersThatShowALineOtherThanItIs) {
  EXPECT_EQ(escaped("a\u202eb\u200bc\u2028d\u0085e", 100), R"(a\u{202e}b\u{200b}c\u{2028}d\u{85}e)");
  EXPECT_EQ(escaped("1.0.1→1.1.0 été", 100), "1.0.1→1.1.0 été");
}

TEST(Line, WritesBytesThatAreNoTextInHex) {
  EXPECT_EQ(escaped("a\xff\xc0\xaf\xed\xa0\x80z", 100), R"(a\xff\xc0\xaf\xed\xa0\x80z)");
  EXPECT_EQ(escaped("\xe2\x86", 100), R"(\xe2\x86)");
  EXPECT_EQ(escaped(std::string_view("a\0b", 3), 100), R"(a\x00b)");
}

TEST(Line, CutsLongValuesBetweenCharacters) {
  EXPECT_EQ(escaped("abc→", 3), "abc…");
  EXPECT_EQ(escaped("ab→c", 4), "ab…");
  EXPECT_EQ(escaped("abc", 3), "abc");
  EXPECT_EQ(Line("e").add("v", std::string(300, 'x')).text(), "e v=\"" + std::string(256, 'x') + "…\"");
}

TEST(Line, KeepsTheDetailOfPairsAndQuotesAnyOther) {
  EXPECT_EQ(Line("refuse").detail("path=a.md want=ab got=cd bytes=3").text(),
            "refuse path=a.md want=ab got=cd bytes=3");
  EXPECT_EQ(Line("refuse").detail("the disk is full").text(), R"(refuse detail="the disk is full")");
  EXPECT_EQ(Line("refuse").detail("").text(), "refuse");
}

TEST(Line, QuotesADetailThatWouldPassForOurOwnKeys) {
  EXPECT_EQ(Line("refuse").detail("path=a version=9").text(), R"(refuse detail="path=a version=9")");
  EXPECT_EQ(Line("refuse").detail("path=a\nb").text(), R"(refuse detail="path=a\nb")");
  EXPECT_EQ(Line("refuse").detail("path=a  b=c").text(), R"(refuse detail="path=a  b=c")");
}

TEST(Line, WritesSecondsWithTheDigitsThatMatter) {
  const auto text = [](double value) { return seconds(std::chrono::duration<double>(value)); };
  EXPECT_EQ(text(0.004), "0.004s");
  EXPECT_EQ(text(0.4), "0.4s");
  EXPECT_EQ(text(0), "0s");
  EXPECT_EQ(text(12.54), "12.5s");
  EXPECT_EQ(text(41), "41s");
  EXPECT_EQ(text(1234.5678), "1235s");
}

}  // namespace
}  // namespace bundlesync::report
