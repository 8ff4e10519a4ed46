#pragma once

#include "catalog/postgres/migrations.hpp"
#include "support/postgres_server.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace bundlesync::tests {

/// "00000000-0000-0000-0000-000000000007" for 7: ids that a failing test can be read by.
std::string uuid(int number);
/// 64 hex digits made of one.
std::string digest_of(char digit);

/// A database of the process's server, with an administrator's session, and short words for what tests do to it.
class Database {
 public:
  enum class Kind { empty, migrated };
  explicit Database(Kind kind = Kind::migrated);

  PostgresServer& server() const { return PostgresServer::shared(); }
  const std::string& name() const { return name_; }
  catalog::Session& session() { return session_; }
  catalog::Session connect(std::string_view user = "postgres") const { return server().connect(name_, user); }

  /// Runs it; throws when it is refused.
  catalog::Rows run(const std::string& sql);
  /// The first cell as text; "null" for null, "no row" when there is none.
  std::string one(const std::string& sql);
  /// All rows as text: cells divided by '|', rows by '\n', null as "null".
  std::string all(const std::string& sql);
  /// The error's fact, and that nothing in the database changed; "done" when it is not refused at all.
  std::string refusal(const std::string& sql);
  /// Everything in the reference tables and in ours, as one digest.
  std::string fingerprint();

  /// Makes a template, a version (status may be "null") or a file of a version. Ids are uuid(number).
  void add_template(int id, const std::string& name);
  void add_version(int id, int template_id, const std::string& semver, const std::string& status = "stable");
  void add_artifact(int version_id, const std::string& storage_path, char digit = 'a', const std::string& kind = "text",
                    int size = 1);
  void add_prompt(int version_id, const std::string& role, const std::string& storage_path, char digit = 'a');
  void set_default(int template_id, int version_id);
  /// Template `id` with stable version 10*id+1 as its default and 10*id+2 beside it, one file each.
  void add_bundle(int id, const std::string& name);

  /// A piece of desired(): `path` as jsonb's #>> takes it ("{version,semver}"), of the template's document. "no row"
  /// when the template is not in the answer.
  std::string desired(const std::string& template_name, const std::string& path, const std::string& since = "");
  std::string snapshot() { return one("select document ->> 'snapshot' from bundlesync.desired('{}')"); }

 private:
  std::string name_;
  catalog::Session session_;
};

/// The first cell of an answer, the error's fact when there is none.
std::string first_cell(const Result<catalog::Rows>& rows);
/// What `sql` says: "done", or the error's fact.
std::string outcome(catalog::Session& session, const std::string& sql);

}  // namespace bundlesync::tests
