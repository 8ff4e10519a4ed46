#include "storage/supabase/documents.hpp"

#include <gtest/gtest.h>

namespace bundlesync::storage::supabase {
namespace {

constexpr const char* hint = "\nhint: is storage.url that of a Supabase Storage?";

TEST(SupabaseList, AsksForWholeKeysBelowAPrefix) {
  EXPECT_EQ(list_question("t/v1.0.0", ""), R"({"prefix":"t/v1.0.0/","limit":1000})");
  EXPECT_EQ(list_question("t", "after\"x"), R"({"prefix":"t/","limit":1000,"cursor":"after\"x"})");
}

TEST(SupabaseList, ReadsAPageAndWhereTheNextOneBegins) {
  const auto page = read_page(R"({"hasNext":true,"nextCursor":"c2","nextCursorKey":"t/b","folders":[],"objects":[
      {"name":"t/a","id":"1","key":"t/a","metadata":{"size":5,"eTag":"\"x\""},"created_at":null},
      {"name":"t/.bundlesync-upload-1","id":"2","metadata":{"size":1}},
      {"name":"t/b","id":"3","metadata":{"size":0}}]})",
                              "t");
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->next_cursor, "c2");
  ASSERT_EQ(page->objects.size(), 2U);
  EXPECT_EQ(page->objects[0].key, "t/a");
  EXPECT_EQ(page->objects[0].size, 5U);
  EXPECT_EQ(page->objects[1].key, "t/b");
  EXPECT_EQ(read_page(R"({"hasNext":false,"nextCursor":"x","folders":[],"objects":[]})", "t").value().next_cursor, "");
}

TEST(SupabaseList, RefusesAnAnswerThatIsNone) {
  const auto error_of = [](std::string_view body) {
    const auto page = read_page(body, "t");
    if (page) return std::string("no error");
    EXPECT_EQ(page.error().reason(), "answer_invalid");
    EXPECT_EQ(page.error().kind(), ErrorKind::refused);
    return page.error().text();
  };
  EXPECT_EQ(error_of(R"({"hasNext":true,"objects":[]})"),
            std::string("the answer of storage: nextCursor is missing") + hint);
  EXPECT_EQ(error_of(R"({"hasNext":true,"nextCursor":"","objects":[]})"),
            std::string("storage says that the list goes on, and not where") + hint);
  EXPECT_EQ(error_of(R"({"objects":[{"name":"other/a","metadata":{"size":1}}]})"),
            std::string("storage listed 'other/a', which does not lie below 't'") + hint);
  for (const auto* body :
       {"<html>", "", "[]", "{}", R"({"objects":7})", R"({"objects":[7]})", R"({"objects":[{}]})",
        R"({"objects":[{"name":"t/a","metadata":null}]})", R"({"objects":[{"name":"t/a","metadata":{"size":-1}}]})"}) {
    EXPECT_NE(error_of(body), "no error") << body;
  }
}

TEST(SupabaseInfo, ReadsTheSize) {
  EXPECT_EQ(read_size(R"({"id":"1","size":12345,"etag":"\"x\"","metadata":{}})").value(), 12'345U);
  for (const auto* body : {"", "{}", R"({"size":"5"})", R"({"size":-5})", R"({"size":1.5})", "<html>"}) {
    const auto size = read_size(body);
    ASSERT_FALSE(size) << body;
    EXPECT_EQ(size.error().reason(), "answer_invalid");
  }
}

}  // namespace
}  // namespace bundlesync::storage::supabase
