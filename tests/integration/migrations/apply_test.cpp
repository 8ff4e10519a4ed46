#include "database.hpp"

#include <fmt/format.h>

#include <fstream>

namespace bundlesync::tests {
namespace {

using catalog::ApplyOptions;
using catalog::Migration;

std::string states(catalog::Session& session,
                   const std::vector<Migration>& migrations = catalog::embedded_migrations()) {
  std::string text;
  for (const auto& status : value_of(catalog::migration_status(session, migrations))) {
    text += std::string(catalog::name_of(status.state)) + ' ';
  }
  return text;
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const auto& migration : catalog::embedded_migrations()) names.push_back(migration.name);
  return names;
}

std::string repeated(std::string_view word) {
  std::string text;
  for (std::size_t i = 0; i < catalog::embedded_migrations().size(); ++i) text += std::string(word) + ' ';
  return text;
}

/// As somebody without this binary would: psql -1 -f, in name order.
void run_with_psql(Database& database, const std::string& user = "postgres") {
  const TempDir dir;
  for (const auto& migration : catalog::embedded_migrations()) {
    const auto file = dir / (migration.name + ".sql");
    std::ofstream(file) << migration.sql;
    run_child({PostgresServer::binary("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-f", file, "-d",
               database.server().conninfo(database.name(), user)},
              ServerUser{getuid(), getgid()}, dir / "log");
  }
}

/// What the migrations made, apart from moments and random ids.
std::string shape(Database& database) {
  return database.all(
             "select c.relname, a.attname, a.atttypid::regtype, a.attnotnull from pg_catalog.pg_class c "
             "join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 "
             "join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname in ('public', 'bundlesync') "
             "order by 1, a.attnum") +
         database.all(
             "select p.oid::regprocedure, pg_catalog.md5(p.prosrc), p.proacl from pg_catalog.pg_proc p "
             "join pg_catalog.pg_namespace n on n.oid = p.pronamespace where n.nspname = 'bundlesync' order by 1") +
         database.all(
             "select tgrelid::regclass, tgname from pg_catalog.pg_trigger where not tgisinternal order by 1, 2") +
         database.all("select name from bundlesync.migrations order by 1");
}

TEST(Migrate, BareDatabaseGetsEverythingOnce) {
  Database database(Database::Kind::empty);
  auto& session = database.session();
  EXPECT_EQ(states(session), repeated("pending"));
  const auto first = value_of(catalog::apply_migrations(session, ApplyOptions()));
  EXPECT_EQ(first.run, all_names());
  EXPECT_TRUE(first.adopted.empty());
  EXPECT_TRUE(first.notices.empty()) << first.notices.front().message;
  EXPECT_EQ(states(session), repeated("applied"));

  const auto before = database.fingerprint();
  const auto second = value_of(catalog::apply_migrations(session, ApplyOptions()));
  EXPECT_TRUE(second.run.empty());
  EXPECT_EQ(database.fingerprint(), before);
  EXPECT_EQ(database.one("select count(*) from bundlesync.migrations where checksum ~ '^[0-9a-f]{64}$'"),
            std::to_string(all_names().size()));
  EXPECT_EQ(database.one("select pg_catalog.jsonb_array_length(document -> 'problems') from bundlesync.desired()"),
            "0");
}

TEST(Migrate, PsqlLeavesTheSameMark) {
  Database by_psql(Database::Kind::empty);
  run_with_psql(by_psql);
  Database by_us;
  EXPECT_EQ(shape(by_psql), shape(by_us));
  EXPECT_EQ(by_psql.one("select count(*) from bundlesync.migrations where checksum is not null"), "0");
  EXPECT_EQ(states(by_psql.session()), repeated("applied"));
  // Our runner then vouches for what it carries.
  EXPECT_TRUE(value_of(catalog::apply_migrations(by_psql.session(), ApplyOptions())).run.empty());
  EXPECT_EQ(by_psql.all("select name, checksum from bundlesync.migrations order by 1"),
            by_us.all("select name, checksum from bundlesync.migrations order by 1"));
}

TEST(Migrate, EveryFileMayBeRunAgain) {
  Database database;
  database.add_bundle(1, "section7");
  const auto before = database.fingerprint();
  const auto made = shape(database);
  run_with_psql(database);
  EXPECT_EQ(database.fingerprint(), before);
  EXPECT_EQ(shape(database), made);
}

TEST(Migrate, AChangedFileIsRefused) {
  Database database;
  auto migrations = catalog::embedded_migrations();
  migrations[1].sql += "\n-- an afterthought\n";
  migrations[1].checksum = Migration(migrations[1]).checksum.replace(0, 4, "0000");
  migrations.push_back(Migration{"99991231000000_later", digest_of('1'),
                                 "create table public.later (); insert into bundlesync.migrations (name) values "
                                 "('99991231000000_later')"});
  const auto before = database.fingerprint();
  const auto refused = catalog::apply_migrations(database.session(), ApplyOptions(), migrations);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(),
            "migration 20261122180100_rules was changed after it was applied\n"
            "hint: applied files never change: restore this one and write a new file");
  EXPECT_EQ(refused.error().kind(), ErrorKind::conflict);
  EXPECT_EQ(refused.error().reason(), "migration_changed");
  EXPECT_EQ(database.fingerprint(), before);
  EXPECT_EQ(database.one("select pg_catalog.to_regclass('public.later')"), "null");
  EXPECT_EQ(states(database.session(), migrations), "applied changed applied applied applied applied applied applied pending ");
}

TEST(Migrate, UnrecordedFilesAreRefusedAndAdopted) {
  Database database;
  database.add_bundle(1, "section7");
  database.run("drop table bundlesync.migrations");
  const auto made = database.all("select * from bundlesync.desired() where template is not null");
  EXPECT_EQ(states(database.session()), repeated("unrecorded"));
  const auto refused = catalog::apply_migrations(database.session(), ApplyOptions());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(),
            "migration 20261122180000_reference_tables is not on record, but what it makes is there\n"
            "hint: a database that was migrated before files recorded themselves: bundlesync migrate --adopt");
  EXPECT_EQ(refused.error().reason(), "migration_unrecorded");
  EXPECT_EQ(database.one("select pg_catalog.to_regclass('bundlesync.migrations')"), "null");

  ApplyOptions adopt;
  adopt.adopt = true;
  const auto adopted = value_of(catalog::apply_migrations(database.session(), adopt));
  EXPECT_EQ(adopted.adopted, all_names());
  EXPECT_TRUE(adopted.run.empty());
  EXPECT_EQ(states(database.session()), repeated("applied"));
  EXPECT_EQ(database.all("select * from bundlesync.desired() where template is not null"), made);
}

TEST(Migrate, AdoptRunsWhatIsNotThere) {
  Database database;
  database.run("drop table bundlesync.migrations; drop function bundlesync.new_epoch(text)");
  ApplyOptions adopt;
  adopt.adopt = true;
  const auto applied = value_of(catalog::apply_migrations(database.session(), adopt));
  EXPECT_EQ(applied.run, std::vector<std::string>{"20261122180500_desired"});
  EXPECT_EQ(applied.adopted.size(), all_names().size() - 1);
  EXPECT_EQ(database.one("select bundlesync.new_epoch('try') is not null"), "t");
}

TEST(Migrate, AFileThatFailsLeavesNothingOfItself) {
  Database database;
  auto migrations = catalog::embedded_migrations();
  migrations.push_back(Migration{"99991231000000_broken", digest_of('1'), "create table public.half (); select 1/0"});
  const auto before = database.fingerprint();
  const auto failed = catalog::apply_migrations(database.session(), ApplyOptions(), migrations);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().fact(), "migration 99991231000000_broken: division by zero");
  EXPECT_EQ(database.fingerprint(), before);
  EXPECT_EQ(database.one("select pg_catalog.to_regclass('public.half')"), "null");

  migrations.back().sql = "create table public.silent ()";
  const auto silent = catalog::apply_migrations(database.session(), ApplyOptions(), migrations);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().fact(),
            "migration 99991231000000_broken: the file does not record itself in bundlesync.migrations");
  EXPECT_EQ(database.one("select pg_catalog.to_regclass('public.silent')"), "null");
}

TEST(Migrate, ANewerDatabaseIsLeftAlone) {
  Database database;
  database.run("insert into bundlesync.migrations (name) values ('99991231000000_newer')");
  EXPECT_TRUE(value_of(catalog::apply_migrations(database.session(), ApplyOptions())).run.empty());
  database.run("delete from bundlesync.migrations where name like '%roles'; drop table bundlesync.made_tables");
  const auto refused = catalog::apply_migrations(database.session(), ApplyOptions());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fact(), "migration 99991231000000_newer was applied by a newer bundlesync");
}

TEST(Migrate, WaitsOneSecondForARivalAndForATable) {
  Database database(Database::Kind::empty);
  auto rival = database.connect();
  ASSERT_TRUE(rival.exec(
      "begin; select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('bundlesync migrate', 0))"));
  const auto begun = std::chrono::steady_clock::now();
  const auto refused = catalog::apply_migrations(database.session(), ApplyOptions());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fact(),
            "migration 20261122180000_reference_tables: somebody else is migrating this database");
  EXPECT_EQ(refused.error().kind(), ErrorKind::conflict);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(950));
  EXPECT_EQ(database.one("select pg_catalog.to_regnamespace('bundlesync')"), "null");
  ASSERT_TRUE(
      rival.exec("rollback; create table public.templates (id uuid primary key, name text, default_version_id uuid, "
                 "enabled boolean, created_at timestamptz, updated_at timestamptz); begin; "
                 "lock table public.templates in row exclusive mode"));
  const auto locked = catalog::apply_migrations(database.session(), ApplyOptions());
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().kind(), ErrorKind::timed_out);
  ASSERT_TRUE(rival.exec("rollback"));
  EXPECT_TRUE(catalog::apply_migrations(database.session(), ApplyOptions()));
}

TEST(Migrate, NoFileControlsTransactions) {
  for (const auto& migration : catalog::embedded_migrations()) {
    Database database;
    auto& session = database.session();
    const auto before = database.fingerprint();
    ASSERT_TRUE(session.exec("begin"));
    database.run("insert into public.templates (name) values ('inside')");
    database.run(migration.sql);
    ASSERT_TRUE(session.exec("rollback"));
    EXPECT_EQ(database.fingerprint(), before) << migration.name;
  }
}

}  // namespace
}  // namespace bundlesync::tests
