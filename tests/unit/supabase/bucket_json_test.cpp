#include "storage/supabase/bucket_json.hpp"

#include "storage/supabase/key.hpp"

#include <gtest/gtest.h>

namespace bundlesync::storage::supabase {
namespace {

TEST(SupabaseBucketJson, SaysEverythingThatItShouldBe) {
  Bucket bucket;
  EXPECT_EQ(creation_of("b\"c", bucket),
            R"({"name":"b\"c","id":"b\"c","public":false,"file_size_limit":null,"allowed_mime_types":null})");
  bucket.file_bytes_max = 16'777'216;
  bucket.types = {"text/markdown", "text/plain"};
  EXPECT_EQ(update_of(bucket),
            R"({"public":false,"file_size_limit":16777216,"allowed_mime_types":["text/markdown","text/plain"]})");
}

TEST(SupabaseBucketJson, ReadsABucketAndLetsPassWhatItDoesNotKnow) {
  const auto bucket = read_bucket(R"({"id":"b","name":"b","owner":"","public":true,"type":"STANDARD",
      "file_size_limit":1000,"allowed_mime_types":["text/*"],"created_at":"2026-11-22T12:00:00.000Z"})");
  ASSERT_TRUE(bucket) << bucket.error().text();
  EXPECT_TRUE(bucket->is_public);
  EXPECT_EQ(bucket->file_bytes_max, 1000U);
  EXPECT_EQ(bucket->types, std::vector<std::string>{"text/*"});
  const auto bare = read_bucket(R"({"public":false,"file_size_limit":null,"allowed_mime_types":null})");
  ASSERT_TRUE(bare) << bare.error().text();
  EXPECT_EQ(*bare, Bucket());
}

TEST(SupabaseBucketJson, RefusesAnAnswerThatIsNoBucket) {
  const auto error_of = [](std::string_view body) {
    const auto bucket = read_bucket(body);
    if (bucket) return std::string("no error");
    EXPECT_EQ(bucket.error().reason(), "answer_invalid");
    return bucket.error().fact();
  };
  // Whether it is public must never be guessed.
  EXPECT_EQ(error_of("{}"), "the answer of storage: public is missing");
  EXPECT_EQ(error_of("[]"), "the answer of storage: expected an object, got an array");
  EXPECT_EQ(error_of(R"({"public":false,"allowed_mime_types":[1]})"),
            "the answer of storage: allowed_mime_types holds what is no text");
}

TEST(SupabaseKey, SpoiledIsOfTheSameFormAndAnotherKey) {
  EXPECT_EQ(spoiled(Secret("aa.bb.cc")).reveal(), "aa.bb.Ac");
  EXPECT_EQ(spoiled(Secret("aa.bb.Ac")).reveal(), "aa.bb.Bc");
  EXPECT_EQ(spoiled(Secret("sb_secret_x")).reveal(), "sb_secret_A");
  EXPECT_EQ(spoiled(Secret("aa.bb.")).reveal(), "aa.bbA");
  EXPECT_FALSE(spoiled(Secret()).empty());
}

}  // namespace
}  // namespace bundlesync::storage::supabase
