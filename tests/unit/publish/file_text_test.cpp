#include "publish/commands.hpp"

#include <gtest/gtest.h>

namespace bundlesync::publish {
namespace {

using namespace std::string_literals;

TextDifference compared(const std::string& before, const std::string& after) {
  return compare_texts(before, after, "1.0.0/a.md", "1.1.0/a.md");
}

TEST(CompareTexts, CountsAndShowsLines) {
  const auto difference = compared("a\nb\n", "a\nc\nd\n");
  EXPECT_FALSE(difference.binary);
  EXPECT_EQ(difference.removed, 1U);
  EXPECT_EQ(difference.added, 2U);
  EXPECT_EQ(difference.unified, "--- 1.0.0/a.md\n+++ 1.1.0/a.md\n@@ -1,2 +1,3 @@\n a\n-b\n+c\n+d\n");
}

TEST(CompareTexts, ShowsNothingOfWhatIsNoText) {
  for (const auto& [before, after] : {std::pair("a\0b"s, "a"s), std::pair("a"s, "caf\xe9"s)}) {
    const auto difference = compared(before, after);
    EXPECT_TRUE(difference.binary);
    EXPECT_EQ(difference.unified, "");
  }
  EXPECT_FALSE(compared("\0"s, "\0"s).binary);  // nothing to show
}

TEST(CompareTexts, CountsWhatIsTooLongToCompare) {
  std::string before;
  std::string after;
  for (int i = 0; i < 200'001; ++i) {
    before += "a\n";
    after += "b\n";
  }
  const auto difference = compared(before, after);
  EXPECT_TRUE(difference.bounded);
  EXPECT_EQ(difference.removed, 200'001U);
  EXPECT_EQ(difference.added, 200'001U);
  EXPECT_EQ(difference.unified, "");
}

}  // namespace
}  // namespace bundlesync::publish
