#include "database.hpp"

#include <fmt/format.h>

namespace bundlesync::tests {

std::string uuid(int number) {
  return fmt::format("00000000-0000-0000-0000-{:012}", number);
}

std::string digest_of(char digit) {
  return std::string(64, digit);
}

std::string first_cell(const Result<catalog::Rows>& rows) {
  if (!rows) return rows.error().fact();
  if (rows->empty()) return "no row";
  return rows->is_null(0, 0) ? "null" : std::string(rows->text(0, 0));
}

std::string outcome(catalog::Session& session, const std::string& sql) {
  const auto rows = session.exec(sql);
  return rows ? "done" : rows.error().fact();
}

namespace {
std::string made(Database::Kind kind) {
  auto& server = PostgresServer::shared();
  return kind == Database::Kind::migrated ? server.create_migrated_database() : server.create_database();
}
}  // namespace

Database::Database(Kind kind) : name_(made(kind)), session_(connect()) {}

catalog::Rows Database::run(const std::string& sql) {
  return value_of(session_.exec(sql));
}

std::string Database::one(const std::string& sql) {
  return first_cell(session_.exec(sql));
}

std::string Database::all(const std::string& sql) {
  const auto rows = run(sql);
  std::string text;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (row > 0) text += '\n';
    for (std::size_t column = 0; column < rows.columns(); ++column) {
      if (column > 0) text += '|';
      text += rows.value(row, column).value_or("null");
    }
  }
  return text;
}

std::string Database::refusal(const std::string& sql) {
  const auto before = fingerprint();
  const auto rows = session_.exec(sql);
  if (rows) return "done";
  EXPECT_EQ(fingerprint(), before) << "changed by a refused statement: " << sql;
  return rows.error().fact();
}

std::string Database::fingerprint() {
  std::string texts;
  for (const auto* table : {"public.templates", "public.template_versions", "public.artifacts", "public.prompts",
                            "bundlesync.template_state", "bundlesync.version_state", "bundlesync.default_history",
                            "bundlesync.meta", "bundlesync.migrations", "bundlesync.pruning"}) {
    texts +=
        one(fmt::format("select pg_catalog.md5(coalesce(pg_catalog.string_agg(t::text, E'\\n' order by t::text), '')) "
                        "from {} t",
                        table)) +
        ' ';
  }
  return texts;
}

void Database::add_template(int id, const std::string& name) {
  (void)value_of(session_.exec("insert into public.templates (id, name) values ($1::uuid, $2)", {uuid(id), name}));
}

void Database::add_version(int id, int template_id, const std::string& semver, const std::string& status) {
  (void)value_of(
      session_.exec("insert into public.template_versions (id, template_id, semver, status) "
                    "values ($1::uuid, $2::uuid, $3, nullif($4, 'null'))",
                    {uuid(id), uuid(template_id), semver, status}));
}

void Database::add_artifact(int version_id, const std::string& storage_path, char digit, const std::string& kind,
                            int size) {
  (void)value_of(session_.exec(
      "insert into public.artifacts (template_version_id, kind, storage_path, sha256, size_bytes, content_type) "
      "values ($1::uuid, $2, $3, $4, $5::integer, 'text/plain')",
      {uuid(version_id), kind, storage_path, digest_of(digit), std::to_string(size)}));
}

void Database::add_prompt(int version_id, const std::string& role, const std::string& storage_path, char digit) {
  (void)value_of(
      session_.exec("insert into public.prompts (template_version_id, role, storage_path, sha256) "
                    "values ($1::uuid, $2, $3, $4)",
                    {uuid(version_id), role, storage_path, digest_of(digit)}));
}

void Database::set_default(int template_id, int version_id) {
  (void)value_of(session_.exec("update public.templates set default_version_id = $2::uuid where id = $1::uuid",
                               {uuid(template_id), uuid(version_id)}));
}

void Database::add_bundle(int id, const std::string& name) {
  add_template(id, name);
  for (const int minor : {0, 1}) {
    const int version = 10 * id + 1 + minor;
    const auto semver = fmt::format("1.{}.0", minor);
    add_version(version, id, semver);
    add_artifact(version, fmt::format("{}/v{}/text.md", name, semver), static_cast<char>('a' + minor));
  }
  set_default(id, 10 * id + 1);
}

std::string Database::desired(const std::string& template_name, const std::string& path, const std::string& since) {
  const auto limit = since.empty() ? std::string("null") : "'" + since + "'";
  return one(fmt::format("select document #>> '{}' from bundlesync.desired(null, {}) where template = '{}'", path,
                         limit, template_name));
}

}  // namespace bundlesync::tests
