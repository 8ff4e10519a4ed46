#include "database.hpp"

#include <fmt/format.h>

namespace bundlesync::tests {
namespace {

struct Roles : ::testing::Test {
  Roles() {
    database.add_bundle(1, "section7");
    database.run(
        "do $$ begin if pg_catalog.to_regrole('an_agent') is null then create role an_agent login in role "
        "bundlesync_agent; create role a_publisher login in role bundlesync_publisher; end if; end $$");
  }
  Database database;
};

TEST_F(Roles, AreGroupsWithoutLogin) {
  EXPECT_EQ(database.all("select rolname, rolcanlogin, rolsuper, rolconnlimit, rolconfig from pg_catalog.pg_roles "
                         "where rolname in ('bundlesync_agent', 'bundlesync_publisher') order by 1"),
            "bundlesync_agent|f|f|1000|{statement_timeout=15s,idle_in_transaction_session_timeout=60s}\n"
            "bundlesync_publisher|f|f|-1|null");
}

TEST_F(Roles, AnAgentAsksAndListens) {
  auto agent = database.connect("an_agent");
  EXPECT_EQ(
      first_cell(agent.exec("select template from bundlesync.desired(array['section7']) where template is not null")),
      "section7");
  EXPECT_EQ(outcome(agent, "listen bundlesync"), "done");
}

TEST_F(Roles, AnAgentCanDoNothingElse) {
  auto agent = database.connect("an_agent");
  for (const auto* table :
       {"public.templates", "public.template_versions", "public.artifacts", "public.prompts",
        "bundlesync.template_state", "bundlesync.version_state", "bundlesync.default_history", "bundlesync.meta",
        "bundlesync.migrations", "bundlesync.pruning", "bundlesync.made_tables"}) {
    const std::string name(table);
    const auto denied = "permission denied for table " + name.substr(name.find('.') + 1);
    const auto before = database.fingerprint();
    EXPECT_EQ(outcome(agent, "select * from " + name), denied);
    EXPECT_EQ(outcome(agent, "insert into " + name + " default values"), denied);
    EXPECT_EQ(outcome(agent, "delete from " + name), denied);
    EXPECT_EQ(outcome(agent, "truncate " + name), denied);
    EXPECT_EQ(outcome(agent, "begin; lock table " + name), denied);
    EXPECT_EQ(outcome(agent, "rollback"), "done");
    EXPECT_EQ(outcome(agent, "drop table " + name), "must be owner of table " + name.substr(name.find('.') + 1));
    EXPECT_EQ(database.fingerprint(), before);
  }
  // Every function but the one; also those that later migrations add.
  EXPECT_EQ(
      database.all("select p.oid::regprocedure from pg_catalog.pg_proc p where p.pronamespace = "
                   "'bundlesync'::regnamespace and pg_catalog.has_function_privilege('an_agent', p.oid, 'execute')"),
      "bundlesync.desired(text[],pg_snapshot,jsonb)");
  EXPECT_EQ(outcome(agent, "select bundlesync.new_epoch('mine')"), "permission denied for function new_epoch");
  EXPECT_EQ(outcome(agent, fmt::format("select bundlesync.prune('{}')", uuid(12))),
            "permission denied for function prune");
  EXPECT_EQ(outcome(agent, "create table public.mine ()"), "permission denied for schema public");
  EXPECT_EQ(outcome(agent, "create table bundlesync.mine ()"), "permission denied for schema bundlesync");
  EXPECT_EQ(outcome(agent, "create function bundlesync.mine() returns int language sql as 'select 1'"),
            "permission denied for schema bundlesync");
  EXPECT_EQ(outcome(agent, "set role bundlesync_publisher"), "permission denied to set role \"bundlesync_publisher\"");
  EXPECT_EQ(outcome(agent, "set session_replication_role = replica"),
            "permission denied to set parameter \"session_replication_role\"");
}

TEST_F(Roles, AnAgentCannotSlipNamesUnderTheFunction) {
  auto agent = database.connect("an_agent");
  // A temporary object of the name that the function uses, first in the path.
  ASSERT_TRUE(
      agent.exec("create temporary table jsonb_build_object (x int); create temporary table templates (x int)"));
  ASSERT_TRUE(agent.exec("set search_path = pg_temp, public"));
  EXPECT_EQ(first_cell(agent.exec("select template from bundlesync.desired() where template is not null")), "section7");
  EXPECT_EQ(database.all("select p.oid::regprocedure from pg_catalog.pg_proc p where p.pronamespace = "
                         "'bundlesync'::regnamespace and not coalesce("
                         "'search_path=pg_catalog, pg_temp' = any (p.proconfig), false)"),
            "");
}

TEST_F(Roles, APublisherPublishesMovesAndPrunes) {
  auto publisher = database.connect("a_publisher");
  const auto does = [&](const std::string& sql) { return outcome(publisher, sql); };
  EXPECT_EQ(does(fmt::format("insert into public.template_versions (id, template_id, semver, status) "
                             "values ('{}', '{}', '2.0.0', 'draft')",
                             uuid(13), uuid(1))),
            "done");
  EXPECT_EQ(does(fmt::format("insert into bundlesync.version_state (version_id, claim) values ('{}', '{}') "
                             "on conflict (version_id) do update set claim = excluded.claim",
                             uuid(13), uuid(7))),
            "done");
  EXPECT_EQ(
      does(fmt::format("insert into public.artifacts (template_version_id, kind, storage_path, sha256, size_bytes, "
                       "content_type) values ('{}', 'text', 'section7/v2.0.0/x', '{}', 1, 'text/plain')",
                       uuid(13), digest_of('a'))),
      "done");
  const auto digest = first_cell(publisher.exec(fmt::format("select bundlesync.manifest_sha256('{}')", uuid(13))));
  EXPECT_EQ(digest.size(), 64U);
  EXPECT_EQ(does(fmt::format("update public.template_versions set status = 'stable' where id = '{}'", uuid(13))),
            "done");
  EXPECT_EQ(does(fmt::format("update bundlesync.version_state set manifest_sha256 = '{}', claim = null "
                             "where version_id = '{}' and claim = '{}'",
                             digest, uuid(13), uuid(7))),
            "done");
  EXPECT_EQ(
      does(fmt::format("update public.templates set default_version_id = '{}' where id = '{}'", uuid(13), uuid(1))),
      "done");
  EXPECT_EQ(first_cell(publisher.exec("select changed_by from bundlesync.default_history order by id desc limit 1")),
            "a_publisher");
  EXPECT_EQ(does(fmt::format("select bundlesync.prune('{}')", uuid(12))), "done");
  EXPECT_EQ(does("select bundlesync.new_epoch('mine')"), "permission denied for function new_epoch");
  EXPECT_EQ(does("delete from bundlesync.default_history"), "permission denied for table default_history");
  EXPECT_EQ(does("update bundlesync.template_state set generation = 0"), "permission denied for table template_state");
  EXPECT_EQ(does(fmt::format("insert into bundlesync.pruning values ('{}')", uuid(13))),
            "permission denied for table pruning");
}

}  // namespace
}  // namespace bundlesync::tests
