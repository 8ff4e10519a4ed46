#include "catalog/postgres/migrations.hpp"

#include "base/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace bundlesync::catalog {
namespace {

constexpr std::string_view record_table = R"(
create schema if not exists bundlesync;
create table if not exists bundlesync.migrations (
  name text primary key,
  checksum text,
  applied_at timestamptz not null default now()
))";

struct Record {
  std::string checksum;  ///< empty: left by another runner
  std::string applied_at;
};
using Records = std::map<std::string, Record>;

Result<Records> read_records(Session& session) {
  auto table = session.exec("select pg_catalog.to_regclass('bundlesync.migrations') is not null");
  if (!table) return fail(std::move(table.error()));
  if (table->text(0, 0) != "t") return Records();
  auto rows = session.exec(
      "select name, checksum, pg_catalog.to_char(applied_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') "
      "from bundlesync.migrations");
  if (!rows) return fail(std::move(rows.error()));
  Records records;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    records[std::string(rows->text(i, 0))] = Record{std::string(rows->text(i, 1)), std::string(rows->text(i, 2))};
  }
  return records;
}

/// The condition after "-- proves: " that holds when what this file makes is there.
std::optional<std::string> proof_of(const Migration& migration) {
  constexpr std::string_view mark = "\n-- proves: ";
  const auto at = migration.sql.find(mark);
  if (at == std::string::npos) return std::nullopt;
  const auto begin = at + mark.size();
  return migration.sql.substr(begin, migration.sql.find('\n', begin) - begin);
}

/// A proof may name what is not there at all; then the server's refusal means no. Not in a transaction: that would end
/// it.
Result<bool> is_proven(Session& session, const Migration& migration) {
  const auto proof = proof_of(migration);
  if (!proof) return false;
  auto answer = session.exec("select (" + *proof + ")");
  if (!answer) {
    if (answer.error().may_pass()) return fail(std::move(answer.error()));
    return false;
  }
  return answer->text(0, 0) == "t";
}

MigrationState state_of_recorded(const Migration& migration, const Record& record) {
  const bool is_same = record.checksum.empty() || record.checksum == migration.checksum;
  return is_same ? MigrationState::applied : MigrationState::changed;
}

Error changed_error(const std::string& name) {
  return Error(ErrorKind::conflict, fmt::format("migration {} was changed after it was applied", name))
      .with_hint("applied files never change: restore this one and write a new file")
      .with_reason("migration_changed");
}

Error unrecorded_error(const std::string& name) {
  return Error(ErrorKind::conflict, fmt::format("migration {} is not on record, but what it makes is there", name))
      .with_hint("a database that was migrated before files recorded themselves: bundlesync migrate --adopt")
      .with_reason("migration_unrecorded");
}

Error unknown_error(const std::string& name) {
  return Error(ErrorKind::conflict, fmt::format("migration {} was applied by a newer bundlesync", name))
      .with_hint("migrate with the newest version that is in use")
      .with_reason("migration_unknown");
}

enum class Step { nothing, ran, adopted };

/// Records the checksum; false when there is no row to record it in.
Result<bool> record_checksum(Session& session, const Migration& migration) {
  auto recorded = session.exec("update bundlesync.migrations set checksum = coalesce(checksum, $2) where name = $1",
                               {migration.name, migration.checksum});
  if (!recorded) return fail(std::move(recorded.error()));
  return recorded->affected() == 1;
}

Result<Step> adopt_file(Session& session, const Migration& migration) {
  if (auto made = session.exec(record_table); !made) return fail(std::move(made.error()));
  auto added =
      session.exec("insert into bundlesync.migrations (name, checksum) values ($1, $2) on conflict (name) do nothing",
                   {migration.name, migration.checksum});
  if (!added) return fail(std::move(added.error()));
  return Step::adopted;
}

Result<Step> run_file(Session& session, const Migration& migration) {
  if (auto ran = session.exec(migration.sql); !ran) return fail(std::move(ran.error()));
  auto recorded = record_checksum(session, migration);
  if (!recorded) return fail(std::move(recorded.error()));
  if (!*recorded) {
    return fail(ErrorKind::failed, "the file does not record itself in bundlesync.migrations",
                "end it with: insert into bundlesync.migrations (name) values ('" + migration.name + "')");
  }
  return Step::ran;
}

/// One file, in the transaction that the caller began. The record is read again under the lock: somebody may just have
/// finished the same file.
Result<Step> step(Session& session, const Migration& migration, bool adopt) {
  // Local to this transaction, so that it holds behind a pooler, too.
  auto limited = session.exec("set local lock_timeout = '1s'; set local search_path = ''");
  if (!limited) return fail(std::move(limited.error()));
  auto locked =
      session.exec("select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('bundlesync migrate', 0))");
  if (!locked) {
    if (locked.error().reason() != "55P03") return fail(std::move(locked.error()));
    return fail(Error(ErrorKind::conflict, "somebody else is migrating this database")
                    .with_hint("wait for it to end, then run this again")
                    .with_reason("migration_running"));
  }
  auto records = read_records(session);
  if (!records) return fail(std::move(records.error()));
  if (const auto record = records->find(migration.name); record != records->end()) {
    if (state_of_recorded(migration, record->second) == MigrationState::changed) {
      return fail(changed_error(migration.name));
    }
    if (auto recorded = record_checksum(session, migration); !recorded) return fail(std::move(recorded.error()));
    return Step::nothing;
  }
  if (adopt) return adopt_file(session, migration);
  return run_file(session, migration);
}

/// All refusals, before the first change; else the names of the files to adopt.
Result<std::set<std::string>> unrecorded_names(const std::vector<MigrationStatus>& states,
                                               const ApplyOptions& options) {
  std::set<std::string> unrecorded;
  std::string unknown;
  bool anything_to_do = false;
  for (const auto& status : states) {
    if (status.state == MigrationState::changed) return fail(changed_error(status.name));
    if (status.state == MigrationState::unknown) unknown = status.name;
    anything_to_do |= status.state == MigrationState::pending || status.state == MigrationState::unrecorded;
    if (status.state != MigrationState::unrecorded) continue;
    if (!options.adopt) return fail(unrecorded_error(status.name));
    unrecorded.insert(status.name);
  }
  // A newer binary's database is complete, or that binary has to complete it.
  if (anything_to_do && !unknown.empty()) return fail(unknown_error(unknown));
  return unrecorded;
}

}  // namespace

const std::vector<Migration>& embedded_migrations() {
  static const std::vector<Migration> migrations = [] {
    std::vector<Migration> made;
    for (const auto& file : embedded_files()) {
      made.push_back(Migration{std::string(file.name), Digest::of(file.sql).hex(), std::string(file.sql)});
    }
    return made;
  }();
  return migrations;
}

std::string_view name_of(MigrationState state) {
  switch (state) {
    case MigrationState::applied:
      return "applied";
    case MigrationState::pending:
      return "pending";
    case MigrationState::unrecorded:
      return "unrecorded";
    case MigrationState::changed:
      return "changed";
    case MigrationState::unknown:
      return "unknown";
  }
  return "";
}

Result<std::vector<MigrationStatus>> migration_status(Session& session, const std::vector<Migration>& migrations) {
  auto records = read_records(session);
  if (!records) return fail(std::move(records.error()));
  std::vector<MigrationStatus> states;
  for (const auto& migration : migrations) {
    const auto record = records->find(migration.name);
    if (record != records->end()) {
      states.push_back(
          {migration.name, state_of_recorded(migration, record->second), std::move(record->second.applied_at)});
      records->erase(record);
      continue;
    }
    auto proven = is_proven(session, migration);
    if (!proven) return fail(std::move(proven.error()));
    states.push_back({migration.name, *proven ? MigrationState::unrecorded : MigrationState::pending, ""});
  }
  for (auto& [name, record] : *records) {
    states.push_back({name, MigrationState::unknown, std::move(record.applied_at)});
  }
  return states;
}

Result<Applied> apply_migrations(Session& session, const ApplyOptions& options,
                                 const std::vector<Migration>& migrations) {
  auto states = migration_status(session, migrations);
  if (!states) return fail(std::move(states.error()));
  auto unrecorded = unrecorded_names(*states, options);
  if (!unrecorded) return fail(std::move(unrecorded.error()));
  (void)session.take_notices();
  Applied applied;
  for (const auto& migration : migrations) {
    const bool adopt = unrecorded->contains(migration.name);
    auto done = session.transaction([&]() -> Result<Step> { return step(session, migration, adopt); });
    if (!done) return fail(std::move(done.error()).within("migration " + migration.name));
    if (*done == Step::ran) applied.run.push_back(migration.name);
    if (*done == Step::adopted) applied.adopted.push_back(migration.name);
  }
  for (auto& notice : session.take_notices()) {
    // "relation already exists, skipping" is of no use to anybody.
    if (notice.severity == "WARNING") applied.notices.push_back(std::move(notice));
  }
  return applied;
}

}  // namespace bundlesync::catalog
