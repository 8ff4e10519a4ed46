#include "bed.hpp"

// The agent's login can ask and listen, and nothing else.
namespace bundlesync::tests {
namespace {

class AgentRole : public AgentBed {};

TEST_F(AgentRole, IsSaidInTheFirstLineAndThePasswordIsNot) {
  const std::string url = server_.url(database_, "prompts_agent:swordfish");
  const auto agent = start({{"BUNDLESYNC_DATABASE_URL", url}});
  agent->wait_for({"start version=", "/" + database_ + " role=prompts_agent storage=" + store_.url()});
  EXPECT_EQ(agent->log().find("swordfish"), std::string::npos);
}

TEST_F(AgentRole, MayAskAndListen) {
  publish("alpha", "1.0.0", true);
  auto session = server_.connect(database_, "prompts_agent");
  const auto rows = value_of(session.exec("select template, document from bundlesync.desired()"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_TRUE(rows.is_null(0, 0));
  EXPECT_EQ(rows.text(1, 0), "alpha");
  EXPECT_TRUE(session.exec("listen bundlesync")) << "";
}

TEST_F(AgentRole, MayDoNothingElse) {
  publish("alpha", "1.0.0", true);
  const std::vector<std::string> statements{
      "select * from public.templates",
      "insert into public.templates (name) values ('mine')",
      "update public.templates set default_version_id = null",
      "delete from public.templates",
      "truncate public.templates",
      "select * from public.template_versions",
      "update public.template_versions set changelog = ''",
      "select * from public.artifacts",
      "insert into public.artifacts select * from public.artifacts",
      "select * from public.prompts",
      "delete from public.prompts",
      "select * from bundlesync.meta",
      "update bundlesync.meta set epoch = gen_random_uuid()",
      "select * from bundlesync.template_state",
      "update bundlesync.template_state set generation = 0",
      "select * from bundlesync.version_state",
      "select * from bundlesync.default_history",
      "select * from bundlesync.migrations",
      "select bundlesync.new_epoch('because')",
      "select bundlesync.prune(gen_random_uuid())",
      "select bundlesync.freeze(gen_random_uuid())",
      "select bundlesync.raise_generation(gen_random_uuid(), 'alpha', false)",
      "create table public.mine ()",
      "create table bundlesync.mine ()",
      "create schema mine",
      "create function public.mine() returns int language sql as 'select 1'",
      "alter table public.templates disable trigger all",
      "drop function bundlesync.desired(text[], pg_snapshot, jsonb)",
      "set session_replication_role = replica",
      "set role postgres",
      "set role bundlesync_publisher",
      "create role another",
      "copy (select 1) to program 'true'",
      "select pg_read_file('/etc/passwd')",
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres' limit 1",
  };
  const std::string before = sql("select md5(string_agg(t::text, ',' order by t.id)) from templates t");
  auto session = server_.connect(database_, "prompts_agent");
  for (const auto& statement : statements) {
    const auto done = session.exec(statement);
    ASSERT_FALSE(done) << "this worked: " << statement;
    EXPECT_EQ(done.error().kind(), ErrorKind::unauthorised) << statement << ": " << done.error().text();
  }
  EXPECT_EQ(sql("select md5(string_agg(t::text, ',' order by t.id)) from templates t"), before);
}

}  // namespace
}  // namespace bundlesync::tests
