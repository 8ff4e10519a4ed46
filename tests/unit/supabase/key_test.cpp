#include "storage/supabase/key.hpp"

#include "support/supabase/token.hpp"

#include <gtest/gtest.h>

namespace bundlesync::storage::supabase {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;
using tests::supabase::token_for;

const system_clock::time_point now(seconds(1'800'000'000));  // 2027-01-15T08:00:00Z

Secret jwt(std::string_view role, std::optional<system_clock::time_point> expires = std::nullopt) {
  return Secret(token_for(role, "secret", expires));
}

std::string header(const std::vector<http::Header>& headers, std::string_view name) {
  for (const auto& entry : headers) {
    if (entry.name == name) return entry.value;
  }
  return "";
}

TEST(StorageKey, SaysAsWhomAndUntilWhen) {
  EXPECT_EQ(facts_of(jwt("anon", now + seconds(1))).whom(now), "as role anon, whose key expires 2027-01-15T08:00:01Z");
  EXPECT_EQ(facts_of(jwt("anon", now)).whom(now), "as role anon, whose key expired 2027-01-15T08:00:00Z");
  EXPECT_EQ(facts_of(jwt("anon")).whom(now), "as role anon, whose key never expires");
  EXPECT_EQ(facts_of(Secret("sb_secret_abc")).whom(now), "with a secret key (sb_secret_…)");
  EXPECT_EQ(facts_of(Secret("sb_publishable_abc")).whom(now), "with a publishable key (sb_publishable_…)");
  EXPECT_EQ(facts_of(Secret("hunter2")).whom(now), "with a key that is no JWT");
}

TEST(StorageKey, CallsOnlyWhatPassesEveryPolicyPrivileged) {
  EXPECT_EQ(facts_of(jwt("service_role")).privilege(), "passes every policy of the project");
  EXPECT_EQ(facts_of(Secret("sb_secret_abc")).privilege(), "passes every policy of the project");
  EXPECT_EQ(facts_of(jwt("bundlesync_reader")).privilege(), "");
  EXPECT_EQ(facts_of(Secret("sb_publishable_abc")).privilege(), "");
  EXPECT_EQ(facts_of(Secret("service_role")).privilege(), "");
}

TEST(StorageKey, GoesIntoAuthorizationOnlyAsAJwt) {
  const Secret token = jwt("anon");
  const auto both = headers_of(token).value();
  EXPECT_EQ(header(both, "apikey"), token.reveal());
  EXPECT_EQ(header(both, "Authorization"), "Bearer " + token.reveal());
  const auto one = headers_of(Secret("sb_publishable_abc")).value();
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(header(one, "apikey"), "sb_publishable_abc");
}

TEST(StorageKey, IsRefusedWhenNoHeaderCanCarryIt) {
  const std::string hint = "\nhint: storage.key is a JWT (eyJ…) or an sb_… key, and nothing around it";
  EXPECT_EQ(headers_of(Secret("")).error().text(), "storage.key is empty" + hint);
  for (const std::string text : {"sentinel\r\nX-Evil: 1", "Bearer sentinel", "sentinel\t", "sentinel\xc3\xa9"}) {
    const auto refused = headers_of(Secret(text));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), ErrorKind::usage);
    EXPECT_EQ(refused.error().text(), "storage.key holds a space, a control byte or a byte that is not ASCII" + hint);
  }
  EXPECT_EQ(headers_of(Secret(std::string(9000, 'k'))).error().text(), "storage.key is longer than 6 KiB" + hint);
}

TEST(StorageKey, IsTakenOutOfWhatAStrangerSays) {
  EXPECT_EQ(quotable("no key sentinel, no sentinel", Secret("sentinel")), "no key <key>, no <key>");
  EXPECT_EQ(quotable("two\nlines\x1b[31m\xc3\xa9", Secret("k1")), "two?lines?[31m??");
  EXPECT_EQ(quotable(std::string(300, 'x'), Secret("k1")), std::string(200, 'x') + "…");
  EXPECT_EQ(quotable(std::string(195, 'x') + "sentinel", Secret("sentinel")), std::string(195, 'x') + "<key>");
  EXPECT_EQ(quotable("the key", Secret("key")), "the <key>");
  EXPECT_EQ(quotable("", Secret("")), "");
}

}  // namespace
}  // namespace bundlesync::storage::supabase
