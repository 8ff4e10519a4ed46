#include "base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bundlesync {
namespace {

using namespace std::string_literals;

TEST(Utf8, TakesEveryCharacterThereIs) {
  EXPECT_EQ(utf8_problem(""), std::nullopt);
  EXPECT_EQ(utf8_problem("a\0é€😀\x7f\xf4\x8f\xbf\xbf"s), std::nullopt);
  EXPECT_EQ(utf8_front("é!")->code, U'é');
  EXPECT_EQ(utf8_front("é!")->bytes, 2U);
  EXPECT_EQ(utf8_front("😀")->code, U'😀');
}

TEST(Utf8, NamesTheFirstByteThatIsNone) {
  EXPECT_EQ(utf8_problem("caf\xe9"), 3U);           // Latin-1
  EXPECT_EQ(utf8_problem("ab\xc3"), 2U);            // cut off
  EXPECT_EQ(utf8_problem("\xc0\x80"), 0U);          // overlong
  EXPECT_EQ(utf8_problem("x\xed\xa0\x80"), 1U);     // half a surrogate pair
  EXPECT_EQ(utf8_problem("\xf4\x90\x80\x80"), 0U);  // above U+10FFFF
  EXPECT_EQ(utf8_problem("\xff\xfe"
                         "a\0"s),
            0U);  // UTF-16
}

}  // namespace
}  // namespace bundlesync
