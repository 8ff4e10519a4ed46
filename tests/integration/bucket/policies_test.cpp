#include "catalog/postgres/read_access.hpp"
#include "support/postgres_server.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

// Who may read a bucket, on a real PostgreSQL with Supabase's storage schema.
namespace bundlesync::catalog {
namespace {

constexpr const char* bucket = "template-artifacts";

std::string text_of(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class Policies : public testing::Test {
 protected:
  Policies() : database_(server().create_database()), session_(server().connect(database_)) {
    sql(text_of(STORAGE_SCHEMA));
    sql("insert into storage.buckets (id, name) values ('template-artifacts', 'template-artifacts'), "
        "('it''s \"q\"', 'it''s \"q\"'), ('avatars', 'avatars'); "
        "insert into storage.objects (bucket_id, name) select id, 'section7/v1.0.0/a.md' from storage.buckets");
  }
  static tests::PostgresServer& server() { return tests::PostgresServer::shared(); }
  std::string sql(const std::string& statement) {
    const auto rows = session_.exec(statement);
    if (!rows) return rows.error().fact();
    return rows->empty() ? "" : std::string(rows->text(0, 0));
  }
  /// What storage does with a request of this role.
  std::string as(const std::string& role, const std::string& statement) {
    sql("begin; set local role \"" + role + "\"");
    std::string answer = sql(statement);
    sql("rollback");
    return answer;
  }
  std::string seen_by(const std::string& role) {
    return as(role, "select string_agg(bucket_id, ',' order by bucket_id) from storage.objects");
  }
  static ReadRule rule(const std::string& of = bucket, const std::string& role = reader_role) {
    return tests::value_of(read_rule(of, role));
  }
  void grant(const ReadRule& wanted) {
    const auto done = grant_read_access(session_, wanted);
    ASSERT_TRUE(done) << done.error().text();
  }

  std::string database_;
  Session session_;
};

TEST_F(Policies, TheReaderSeesThisBucketAndNoOtherAndWritesNothing) {
  grant(rule());
  EXPECT_EQ(seen_by(reader_role), bucket);
  EXPECT_EQ(seen_by("authenticated"), "");
  EXPECT_EQ(seen_by("anon"), "");
  EXPECT_EQ(seen_by("service_role"), "avatars,it's \"q\",template-artifacts");
  for (const std::string statement :
       {"insert into storage.objects (bucket_id, name) values ('template-artifacts', 'x')",
        "update storage.objects set name = 'x'", "delete from storage.objects"}) {
    EXPECT_NE(as(reader_role, statement).find("permission denied for table objects"), std::string::npos) << statement;
  }
  EXPECT_EQ(sql("select rolcanlogin::text || rolbypassrls from pg_roles where rolname = 'bundlesync_reader'"),
            "falsefalse");
  EXPECT_EQ(sql("select pg_has_role('authenticator', 'bundlesync_reader', 'member')"), "t");
}

TEST_F(Policies, AuthenticatedMayReadWhenItIsAskedForAndStillNotWrite) {
  const auto wanted = rule(bucket, "authenticated");
  EXPECT_FALSE(wanted.own_role);
  EXPECT_EQ(read_access_script(wanted).find("create role"), std::string::npos);
  grant(wanted);
  EXPECT_EQ(seen_by("authenticated"), bucket);
  EXPECT_EQ(seen_by("anon"), "");
  EXPECT_NE(as("authenticated", "insert into storage.objects (bucket_id, name) values ('template-artifacts', 'x')")
                .find("violates row-level security policy"),
            std::string::npos);
  grant(rule());  // taken back
  EXPECT_EQ(seen_by("authenticated"), "");
  EXPECT_EQ(seen_by(reader_role), bucket);
}

TEST_F(Policies, WhatIsFoundAfterwardsIsTheRuleAndOnceMoreChangesNothing) {
  const auto wanted = rule();
  grant(wanted);
  const auto before = sql("select string_agg(p::text, ';') from pg_policies p");
  grant(wanted);
  EXPECT_EQ(sql("select string_agg(p::text, ';') from pg_policies p"), before);
  const auto found = tests::value_of(find_read_access(session_, wanted));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->row_security && found->role_exists && found->may_use_schema && found->may_select);
  EXPECT_FALSE(found->role_passes_policies);
  EXPECT_EQ(found->role_can_be_assumed, true);
  const Policy policy{wanted.policy, "select", true, {reader_role}, wanted.condition};
  EXPECT_EQ(found->policies, std::vector{policy}) << found->policies.front().condition;
}

TEST_F(Policies, NamesAreQuotedWhateverIsInThem) {
  const std::string odd = "it's \"q\"";
  const auto wanted = rule(odd, "reader-2");
  grant(wanted);
  EXPECT_EQ(as("reader-2", "select string_agg(bucket_id, ',') from storage.objects"), odd);
  const auto found = tests::value_of(find_read_access(session_, wanted));
  ASSERT_TRUE(found && found->policies.size() == 1);
  EXPECT_EQ(found->policies[0].condition, wanted.condition);
  sql("drop owned by \"reader-2\"; drop role \"reader-2\"");
}

TEST_F(Policies, ALongBucketHasAPolicyOfItsOwnAllTheSame) {
  const auto one = rule(std::string(99, 'b') + "1");
  const auto two = rule(std::string(99, 'b') + "2");
  EXPECT_LE(one.policy.size(), 63U);
  EXPECT_NE(one.policy, two.policy);
  grant(one);
  grant(two);
  EXPECT_EQ(sql("select count(*) from pg_policies where policyname like 'bundlesync_read_%'"), "2");
}

TEST_F(Policies, EverythingElseThatIsThereIsFoundToo) {
  sql("create policy \"open\" on storage.objects to anon, authenticated using (true) with check (name <> 'x'); "
      "create policy narrow on storage.objects as restrictive for delete using (false); "
      "alter table storage.objects disable row level security");
  const auto found = tests::value_of(find_read_access(session_, rule(bucket, "nobody_at_all")));
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->row_security || found->role_exists || found->may_select);
  const Policy narrow{"narrow", "delete", false, {"public"}, "false"};
  const Policy open{"open", "all", true, {"anon", "authenticated"}, "true (name <> 'x'::text)"};
  EXPECT_EQ(found->policies, (std::vector{narrow, open}));
}

TEST_F(Policies, ADatabaseWithoutStorageSaysSoAndIsLeftAlone) {
  auto other = server().connect(server().create_database());
  EXPECT_FALSE(tests::value_of(find_read_access(other, rule())));
  const auto refused = grant_read_access(other, rule());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().fact().find("storage"), std::string::npos);
}

TEST_F(Policies, ALoginThatMayNotChangesNothing) {
  sql("create role app login");
  auto app = server().connect(database_, "app");
  const auto refused = grant_read_access(app, rule());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::unauthorised) << refused.error().text();
  EXPECT_EQ(sql("select count(*) from pg_policies where schemaname = 'storage'"), "0");
}

TEST(ReadRule, RolesThatWouldOpenItAreRefused) {
  const auto error_of = [](const std::string& role) {
    const auto made = read_rule(bucket, role);
    if (made) return std::string("no error");
    EXPECT_EQ(made.error().kind(), ErrorKind::usage);
    return made.error().fact();
  };
  EXPECT_EQ(error_of("anon"), "readers 'anon' would open the bucket to everybody");
  EXPECT_EQ(error_of("public"), "readers 'public' would open the bucket to everybody");
  EXPECT_EQ(error_of("service_role"), "readers 'service_role' may do far more than read");
  for (const std::string role : {"", "Reader", "a\"b", "a;b", "1a", "pg_read_all_data", "a$bundlesync$"}) {
    EXPECT_EQ(error_of(role), "'" + role + "' is not a role that readers can have");
  }
  EXPECT_EQ(error_of("authenticated"), "no error");
}

}  // namespace
}  // namespace bundlesync::catalog
