#include "storage/supabase/object_key.hpp"

#include <gtest/gtest.h>

namespace bundlesync::storage::supabase {
namespace {

TEST(ObjectKey, MayHoldWhatSupabaseAllows) {
  EXPECT_TRUE(check_object_key("t/v1.0.0-rc.1+linux/A_b-c.d@e=f,g(h) i!j*k'l&m$n;o.md"));
  EXPECT_TRUE(check_object_key("t/v1.0.0/..hidden/a..b"));
}

TEST(ObjectKey, MayHoldNothingThatSupabaseForbids) {
  for (const char c : std::string("~[]{}^`|\"<>")) {
    const std::string key = "t/v1.0.0/a" + std::string(1, c);
    const auto refused = check_object_key(key);
    ASSERT_FALSE(refused) << key;
    EXPECT_EQ(refused.error().kind(), ErrorKind::refused);
    EXPECT_EQ(refused.error().reason(), "key_invalid");
    EXPECT_EQ(refused.error().text(), "the storage key '" + key + "' is invalid: it holds '" + std::string(1, c) +
                                          "', which Supabase forbids\nhint: use letters, digits, spaces and _ ! . * ' "
                                          "( ) & $ @ = ; + , - only");
  }
  EXPECT_EQ(check_object_key("t/é").error().fact(),
            "the storage key 't/é' is invalid: it holds the byte \\xc3, which Supabase forbids");
}

TEST(ObjectKey, MayHoldNothingThatNoStorageTakes) {
  for (const std::string key :
       {"", "/a", "a/", "a//b", "a/../b", "a/./b", "a%2fb", "a?b", "a#b", "a:b", "a\\b", "a\nb"}) {
    EXPECT_EQ(check_object_key(key).error().reason(), "key_invalid") << key;
  }
}

TEST(ObjectKey, IsEscapedByteByByte) {
  EXPECT_EQ(percent_encoded("t/v1.0.0+l/A_b-c d@e(f).md"), "t/v1.0.0%2Bl/A_b-c%20d%40e%28f%29.md");
  EXPECT_EQ(percent_encoded("é?#%"), "%C3%A9%3F%23%25");
}

TEST(BucketName, IsJudgedBeforeAnythingIsAsked) {
  EXPECT_TRUE(check_bucket("template-artifacts"));
  EXPECT_TRUE(check_bucket(std::string(100, 'b')));
  for (const std::string name : {"", " a", "a/b", ".", "..", "a%", "é", "a?b", "a\nb"}) {
    const auto refused = check_bucket(name);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().kind(), ErrorKind::usage);
  }
  EXPECT_FALSE(check_bucket(std::string(101, 'b')));
  EXPECT_EQ(
      check_bucket("a/b").error().text(),
      "storage.bucket 'a/b' is not the name of a bucket\nhint: a bucket is 1 to 100 letters, digits, spaces and _ "
      "! . * ' ( ) & $ @ = ; + , -");
}

}  // namespace
}  // namespace bundlesync::storage::supabase
