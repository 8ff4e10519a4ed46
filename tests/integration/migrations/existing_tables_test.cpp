#include "database.hpp"

#include <fmt/format.h>

namespace bundlesync::tests {
namespace {

using catalog::ApplyOptions;

/// The reference tables as another tool made them: the seed's columns, no prompts.
constexpr std::string_view reference_tables = R"(
create table public.templates (id uuid primary key default gen_random_uuid(), name text not null unique,
  default_version_id uuid, enabled boolean default true, created_at timestamptz default now(),
  updated_at timestamptz default now());
create table public.template_versions (id uuid primary key default gen_random_uuid(),
  template_id uuid not null references public.templates (id), semver text not null,
  status text check (status in ('draft', 'stable', 'deprecated')), created_by uuid, changelog text,
  created_at timestamptz default now(), updated_at timestamptz default now(), unique (template_id, semver));
alter table public.templates add foreign key (default_version_id) references public.template_versions (id);
create table public.artifacts (id uuid primary key default gen_random_uuid(),
  template_version_id uuid not null references public.template_versions (id), kind text not null,
  storage_path text not null, sha256 text not null, size_bytes integer not null, content_type text not null,
  locale text check (locale in ('fr', 'en')), created_at timestamptz default now());
)";

/// Everything that rows of before may be, and a good bundle among them (template 1).
void add_odd_rows(Database& database) {
  database.add_template(1, "section7");
  database.add_version(11, 1, "1.0.0");
  database.add_artifact(11, "section7/v1.0.0/text.md");
  database.add_version(12, 1, "1.1.0", "null");  // status null counts as stable
  database.add_artifact(12, "section7/v1.1.0/text.md", 'b');
  database.set_default(1, 12);
  database.add_template(2, "Odd Name!");
  database.add_version(21, 2, "one", "draft");  // a draft as default, no semver
  database.set_default(2, 21);
  database.add_template(3, "paths");
  database.add_version(31, 3, "1.0.0");
  database.add_artifact(31, "paths/v1.0.0/../../etc/passwd");
  database.add_artifact(31, "paths/v1.0.0/twice.md");
  database.add_artifact(31, "paths/v1.0.0/twice.md");
  database.run(
      fmt::format("insert into public.artifacts (template_version_id, kind, storage_path, sha256, size_bytes, "
                  "content_type) values ('{}', 'A kind', '/abs', 'short', -5, '')",
                  uuid(31)));
  database.add_version(32, 3, "1.0.1");
  database.add_artifact(32, "paths/v1.0.1/fine.md");
  database.set_default(3, 31);
  database.add_template(4, "elsewhere");
  database.set_default(4, 11);  // another template's version
}

std::string rows_of_tables(Database& database) {
  return database.all("select * from public.templates order by id") + "\n" +
         database.all("select * from public.template_versions order by id") + "\n" +
         database.all("select * from public.artifacts order by id");
}

struct Existing : ::testing::Test {
  Existing() {
    database.run(std::string(reference_tables));
    add_odd_rows(database);
  }
  catalog::Applied migrate() { return value_of(catalog::apply_migrations(database.session(), ApplyOptions())); }
  Database database{Database::Kind::empty};
};

TEST_F(Existing, RowsStayAsTheyAreAndWhatBreaksARuleIsListed) {
  const auto before = rows_of_tables(database);
  const auto applied = migrate();
  EXPECT_EQ(rows_of_tables(database), before);
  std::string said;
  for (const auto& notice : applied.notices) said += notice.message + "\n";
  for (const auto* code : {"name_character", "version_draft", "semver_invalid", "path_dotdot", "kind_invalid",
                           "default_of_other_template"}) {
    EXPECT_NE(said.find(code), std::string::npos) << code << " in\n" << said;
  }
  EXPECT_EQ(database.all("select relation, problem, count(*) from bundlesync.problems() group by 1, 2 order by 1, 2"),
            "artifacts|kind_invalid|1\ntemplate_versions|path_dotdot|1\ntemplate_versions|semver_invalid|1\n"
            "templates|default_of_other_template|1\ntemplates|name_character|1\ntemplates|version_draft|1");
  // Nothing is on record for rows of before, and nobody's row-level security was switched on.
  EXPECT_EQ(database.one("select count(*) from bundlesync.template_state where changed_xid is null and generation = 1"),
            "4");
  EXPECT_EQ(database.one("select pg_catalog.string_agg(relname, ',') from pg_catalog.pg_class where relrowsecurity"),
            "prompts");
  EXPECT_EQ(database.one("select count(*) from bundlesync.default_history"), "0");
}

TEST_F(Existing, WhatIsNoDraftFreezesAndOnlyGoodBundlesGetADigest) {
  migrate();
  EXPECT_EQ(database.all("select version_id, frozen_at is not null, manifest_sha256 is not null "
                         "from bundlesync.version_state order by 1"),
            fmt::format("{}|t|t\n{}|t|t\n{}|f|f\n{}|t|f\n{}|t|t", uuid(11), uuid(12), uuid(21), uuid(31), uuid(32)));
}

TEST_F(Existing, AnOldOddRowCanBeRolledBack) {
  migrate();
  database.set_default(3, 32);
  database.set_default(3, 31);  // back to the odd one: it was good enough before
  EXPECT_EQ(database.one("select generation from bundlesync.template_state where name = 'paths'"), "3");
  database.run(fmt::format("update public.templates set enabled = false where id = '{}'", uuid(2)));
  EXPECT_EQ(database.desired("Odd Name!", "{enabled}"), "false");
  database.run(fmt::format("update public.templates set default_version_id = null where id = '{}'", uuid(4)));
  database.set_default(1, 11);
  EXPECT_EQ(database.desired("section7", "{version,semver}"), "1.0.0");
  EXPECT_EQ(database.desired("section7", "{previous,semver}"), "1.1.0");
}

TEST_F(Existing, OddRowsComeWithTheirCodes) {
  migrate();
  EXPECT_EQ(database.desired("section7", "{version,status}"), "null");
  EXPECT_EQ(database.desired("section7", "{version,problem}"), "null");
  EXPECT_EQ(database.desired("section7", "{changed_xid}"), "null");
  EXPECT_EQ(database.desired("section7", "{history}"), "null");
  EXPECT_EQ(database.desired("Odd Name!", "{version,problem}"), "version_draft");
  EXPECT_EQ(database.desired("elsewhere", "{problem}"), "default_of_other_template");
  EXPECT_EQ(database.desired("elsewhere", "{version}"), "null");
  EXPECT_EQ(
      database.all("select f ->> 'path', f ->> 'sha256', f ->> 'size' from bundlesync.desired('{paths}') d, "
                   "pg_catalog.jsonb_array_elements(d.document #> '{version,files}') f where template is not null "
                   "order by f ->> 'path' collate \"C\""),
      fmt::format("../../etc/passwd|{0}|1\n/abs|short|-5\ntwice.md|{0}|1\ntwice.md|{0}|1", digest_of('a')));
}

TEST_F(Existing, ADraftThatWasTheDefaultIsAnnouncedWhenItIsFinished) {
  migrate();
  const auto since = database.snapshot();
  database.run(fmt::format("update public.template_versions set status = 'stable' where id = '{}'", uuid(21)));
  EXPECT_EQ(database.desired("Odd Name!", "{version,problem}", since), "null");
  EXPECT_EQ(database.desired("Odd Name!", "{generation}", since), "2");
}

TEST(Migrate, ATableOfSomebodyElseStopsIt) {
  Database database(Database::Kind::empty);
  database.run("create table public.artifacts (id bigint primary key, kind text, storage_path text)");
  const auto refused = catalog::apply_migrations(database.session(), ApplyOptions());
  ASSERT_FALSE(refused);
  EXPECT_EQ(
      refused.error().text(),
      "migration 20261122180000_reference_tables: table public.artifacts is there and is not the one we know: it has "
      "no id, template_version_id, sha256, size_bytes, content_type, locale, created_at (ids are uuid)\n"
      "hint: rename that table, or use another database: nothing was changed");
  EXPECT_EQ(database.one("select pg_catalog.to_regclass('public.templates')"), "null");
  EXPECT_EQ(database.one("select pg_catalog.to_regnamespace('bundlesync')"), "null");
}

struct Supabase : ::testing::Test {
  Supabase() {
    // Roles belong to the server, so their absence matters to other tests of this process: its own server.
    server.exec(
        "postgres",
        "create role anon nologin; create role authenticated nologin; create role service_role nologin bypassrls; "
        "create role authenticator login noinherit; grant anon, authenticated, service_role to authenticator; "
        "create role supabase_admin login superuser; create role owner login createrole createdb bypassrls");
    server.exec("postgres", "create database app owner owner");
    server.exec("app",
                "alter schema public owner to owner; create table public.profiles (id uuid primary key); "
                "alter table public.profiles owner to owner; "
                "alter default privileges for role owner in schema public grant all on tables to anon, authenticated, "
                "service_role; grant usage on schema public to anon, authenticated, service_role");
  }
  PostgresServer server;
};

TEST_F(Supabase, OwnerWithoutSuperuserMigratesAndPoliciesHold) {
  auto owner = server.connect("app", "owner");
  const auto applied = value_of(catalog::apply_migrations(owner, ApplyOptions()));
  EXPECT_TRUE(applied.notices.empty()) << applied.notices.front().message;
  EXPECT_EQ(server
                .exec("app",
                      "select count(*) from pg_catalog.pg_class where relrowsecurity "
                      "and relname in ('templates', 'template_versions', 'artifacts', 'prompts')")
                .text(0, 0),
            "4");
  ASSERT_TRUE(owner.exec("insert into public.templates (name) values ('section7')"));
  EXPECT_EQ(outcome(owner, fmt::format("insert into public.template_versions (template_id, semver, created_by) "
                                       "select id, '1.0.0', '{}' from public.templates",
                                       uuid(5))),
            "insert or update on table \"template_versions\" violates foreign key constraint "
            "\"template_versions_created_by_fkey\"");

  auto app = server.connect("app", "authenticator");
  ASSERT_TRUE(app.exec("set role anon"));
  EXPECT_EQ(first_cell(app.exec("select count(*) from public.templates")), "0");
  ASSERT_TRUE(app.exec("set role authenticated"));
  EXPECT_EQ(first_cell(app.exec("select name from public.templates")), "section7");
  EXPECT_EQ(outcome(app, "insert into public.templates (name) values ('mine')"),
            "new row violates row-level security policy for table \"templates\"");
  EXPECT_EQ(outcome(app, "select * from bundlesync.desired()"), "permission denied for schema bundlesync");
  ASSERT_TRUE(app.exec("set role service_role"));
  EXPECT_EQ(outcome(app, "update public.templates set enabled = false"), "done");
  EXPECT_EQ(server.exec("app", "select generation from bundlesync.template_state").text(0, 0), "2");
}

TEST_F(Supabase, WithoutTheRightToMakeRolesItSaysSoAndGoesOn) {
  server.exec("postgres", "alter role owner nocreaterole");
  auto owner = server.connect("app", "owner");
  const auto applied = value_of(catalog::apply_migrations(owner, ApplyOptions()));
  ASSERT_EQ(applied.notices.size(), 2U);
  EXPECT_EQ(applied.notices[0].message, "role bundlesync_agent is not there and owner may not create roles");
  EXPECT_EQ(applied.notices[0].hint,
            "have an administrator run: create role bundlesync_agent nologin; then run the file of roles again");
  EXPECT_EQ(first_cell(owner.exec("select count(*) from bundlesync.desired()")), "1");
}

TEST_F(Supabase, AProfilesTableThatCannotBeReferredToIsNoReasonToStop) {
  server.exec("app", "drop table public.profiles; create table public.profiles (id text primary key)");
  auto owner = server.connect("app", "owner");
  const auto applied = value_of(catalog::apply_migrations(owner, ApplyOptions()));
  ASSERT_EQ(applied.notices.size(), 1U);
  EXPECT_EQ(applied.notices[0].message.find("template_versions.created_by has no foreign key: "), 0U);
}

}  // namespace
}  // namespace bundlesync::tests
