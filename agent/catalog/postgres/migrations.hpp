#pragma once

#include "base/error.hpp"
#include "catalog/postgres/session.hpp"

#include <string>
#include <string_view>
#include <vector>

/// The migrations of migrations/*.sql, which this binary carries with it.
namespace bundlesync::catalog {

/// One file as it was compiled in.
struct EmbeddedFile {
  std::string_view name;  ///< without ".sql"
  std::string_view sql;
};
/// In the order in which they run, which is the order of their names.
const std::vector<EmbeddedFile>& embedded_files();

struct Migration {
  std::string name;      ///< "20261122180000_reference_tables"
  std::string checksum;  ///< SHA-256 of the file, 64 hex digits
  std::string sql;
};
const std::vector<Migration>& embedded_migrations();

enum class MigrationState {
  applied,
  pending,
  unrecorded,  ///< pending by the record, but what it makes is there: applied before files recorded themselves
  changed,     ///< applied with another content than this binary carries
  unknown,     ///< applied, and this binary does not carry it: made by a newer one
};
std::string_view name_of(MigrationState state);

struct MigrationStatus {
  std::string name;
  MigrationState state = MigrationState::pending;
  std::string applied_at;  ///< RFC 3339, UTC; empty unless applied
};

/// What this database has and lacks; changes nothing. Repeatable. Errors: as Session::exec.
Result<std::vector<MigrationStatus>> migration_status(Session& session,
                                                      const std::vector<Migration>& migrations = embedded_migrations());

struct ApplyOptions {
  bool adopt = false;  ///< record unrecorded files instead of refusing; what is not proven to be there is run
};

struct Applied {
  std::vector<std::string> run;
  std::vector<std::string> adopted;
  std::vector<Notice> notices;  ///< what the files said: rows that break a rule, roles that could not be made
};

/// Runs what is pending, each file in a transaction of its own, under an advisory lock and a lock_timeout of 1 s.
/// Repeatable; what was committed before an error stays. Errors: conflict with reason migration_changed,
/// migration_unrecorded, migration_unknown or migration_running; timed_out when a table is locked for longer;
/// else as Session::exec, within the file's name.
Result<Applied> apply_migrations(Session& session, const ApplyOptions& options,
                                 const std::vector<Migration>& migrations = embedded_migrations());

}  // namespace bundlesync::catalog
