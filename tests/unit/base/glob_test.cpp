#include "base/glob.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bundlesync {
namespace {

TEST(Glob, TellsPatternsFromNames) {
  EXPECT_TRUE(is_glob("*"));
  EXPECT_TRUE(is_glob("section?"));
  EXPECT_FALSE(is_glob("section7"));
  EXPECT_FALSE(is_glob("[a]"));
  EXPECT_FALSE(is_glob(""));
}

TEST(Glob, MatchesTheWholeName) {
  EXPECT_TRUE(glob_match("section7", "section7"));
  EXPECT_FALSE(glob_match("section7", "section77"));
  EXPECT_FALSE(glob_match("section7", "ection7"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("*", "anything"));
  EXPECT_TRUE(glob_match("section*", "section"));
  EXPECT_TRUE(glob_match("*7", "section7"));
  EXPECT_FALSE(glob_match("*7", "section78"));
  EXPECT_TRUE(glob_match("s*t*n?", "section7"));
  EXPECT_FALSE(glob_match("s*t*n?", "section"));
  EXPECT_FALSE(glob_match("?", ""));
  EXPECT_TRUE(glob_match("**a**", "banana"));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_TRUE(glob_match("", ""));
}

TEST(Glob, OtherBytesStandForThemselves) {
  EXPECT_TRUE(glob_match("a.b", "a.b"));
  EXPECT_FALSE(glob_match("a.b", "axb"));
  EXPECT_TRUE(glob_match("[a]", "[a]"));
  EXPECT_FALSE(glob_match("[a]", "a"));
  EXPECT_FALSE(glob_match("Section7", "section7"));
}

TEST(Glob, ManyStarsTakeNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "a*";
  // A matcher that goes back to every star would not end within the test's time.
  EXPECT_FALSE(glob_match(pattern + "b", std::string(100, 'a')));
}

}  // namespace
}  // namespace bundlesync
