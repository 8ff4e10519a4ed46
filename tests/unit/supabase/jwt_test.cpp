#include "storage/supabase/jwt.hpp"

#include "support/supabase/token.hpp"

#include <gtest/gtest.h>

namespace bundlesync::storage::supabase {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;
using tests::supabase::sign_token;

std::optional<JwtClaims> read(std::string_view payload) {
  return read_jwt(sign_token(payload, "secret"));
}

TEST(Jwt, TellsRoleAndExpiry) {
  const auto claims = read(R"({"iss":"supabase","ref":"abc","role":"service_role","iat":1700000000,"exp":2000000000})");
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->role, "service_role");
  EXPECT_EQ(claims->expires, system_clock::time_point(seconds(2'000'000'000)));
}

TEST(Jwt, TakesATokenWithoutRoleForAnon) {
  for (const auto* payload : {"{}", R"({"role":""})"}) {
    const auto claims = read(payload);
    ASSERT_TRUE(claims) << payload;
    EXPECT_EQ(claims->role, "anon");
    EXPECT_EQ(claims->expires, std::nullopt);
  }
}

TEST(Jwt, TakesFractionsOfASecondForTheSecond) {
  EXPECT_EQ(read(R"({"exp":1700000000.9})").value().expires, system_clock::time_point(seconds(1'700'000'000)));
  EXPECT_EQ(read(R"({"exp":1.7e9})").value().expires, system_clock::time_point(seconds(1'700'000'000)));
  EXPECT_EQ(read(R"({"exp":0})").value().expires, system_clock::time_point());
}

TEST(Jwt, IsNothingWhenAClaimIsNotWhatItShouldBe) {
  for (const auto* payload : {R"({"role":7})", R"({"role":null})", R"({"exp":"soon"})", R"({"exp":null})",
                              R"({"exp":-1})", R"({"exp":1e300})", R"({"exp":253402300800})",
                              R"({"exp":18446744073709551615})", R"({"role":"anon","role":"service_role"})", "[]", "1",
                              "null", "", "{", R"({"role":"a"} x)", "{\"role\":\"\xff\"}"}) {
    EXPECT_FALSE(read(payload)) << payload;
  }
}

TEST(Jwt, IsNothingWhenTheTextIsNoToken) {
  const std::string good = sign_token(R"({"role":"anon"})", "secret");
  ASSERT_TRUE(read_jwt(good));
  const auto second_dot = good.find('.', good.find('.') + 1);
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("a.b.c"), std::string("sb_secret_abc"),
        good.substr(0, second_dot), good.substr(0, second_dot + 1), good + ".x", good + "=", "." + good, " " + good,
        good + "\n", good.substr(good.find('.'))}) {
    EXPECT_FALSE(read_jwt(text)) << text;
  }
  EXPECT_FALSE(read_jwt(sign_token(R"({"role":"anon"})", "secret", "[]")));
  EXPECT_FALSE(read_jwt(sign_token(R"({"role":"anon"})", "secret", "no json")));
}

TEST(Jwt, IsBounded) {
  EXPECT_FALSE(read(R"({"role":"anon","x":")" + std::string(10'000, 'x') + "\"}"));
  std::string deep = R"({"x":)";
  for (int i = 0; i < 40; ++i) deep += '[';
  for (int i = 0; i < 40; ++i) deep += ']';
  EXPECT_FALSE(read(deep + "}"));
  EXPECT_TRUE(read(R"({"app_metadata":{"a":{"b":[{"c":1}]}}})"));
}

TEST(Jwt, ShowsARoleAsALogMayCarryIt) {
  EXPECT_EQ(read(R"({"role":"a b\nc\u001b\u00e9"})").value().role, "a?b?c???");
  EXPECT_EQ(read(R"({"role":")" + std::string(200, 'r') + "\"}").value().role, std::string(63, 'r'));
}

}  // namespace
}  // namespace bundlesync::storage::supabase
