#include "catalog/postgres/catalog.hpp"

#include "base/nearest.hpp"
#include "catalog/postgres/catalog_sql.hpp"
#include "catalog/postgres/query.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bundlesync::catalog {
namespace {

TemplateRow template_row(const Cells& cells) {
  TemplateRow row;
  row.id = cells.text(0);
  row.name = cells.text(1);
  row.enabled = cells.flag(2);
  row.default_version_id = cells.text(3);
  row.default_version = cells.text(4);
  row.generation = cells.number(5);
  row.changed_at = cells.text(6);
  row.versions = cells.number(7);
  row.drafts = cells.number(8);
  return row;
}

Draft version_row(const Cells& cells) {
  Draft row;
  row.version.id = cells.text(0);
  row.version.template_name = cells.text(1);
  row.version.semver = cells.text(2);
  row.version.status = cells.text(3);
  row.version.is_default = cells.flag(4);
  row.version.was_default = cells.flag(5);
  row.version.frozen = cells.flag(6);
  row.version.manifest_sha256 = cells.text(7);
  row.version.source_commit = cells.text(8);
  row.version.changelog = cells.text(9);
  row.version.created_at = cells.text(10);
  row.version.files = cells.number(11);
  row.version.bytes = cells.number(12);
  row.being_published = cells.flag(13);
  row.version.signature = cells.text(14);
  return row;
}

HistoryRow history_row(const Cells& cells) {
  HistoryRow row;
  row.id = cells.number(0);
  row.from_version_id = cells.text(1);
  row.from_version = cells.text(2);
  row.to_version_id = cells.text(3);
  row.to_version = cells.text(4);
  row.generation = cells.number(5);
  row.changed_xid = cells.text(6);
  row.changed_by = cells.text(7);
  row.reason = cells.text(8);
  row.changed_at = cells.text(9);
  return row;
}

/// Rows by other tools may hold no digest at all: such a file differs from every other.
bundle::File file_row(const Cells& cells) {
  bundle::File file;
  file.path = cells.text(0);
  file.storage_path = cells.text(1);
  file.sha256 = Digest::parse(cells.text(2)).value_or(Digest());
  if (!cells.text(3).empty()) file.size = cells.number(3);
  file.kind = cells.text(4);
  file.locale = cells.text(5);
  file.role = cells.text(6);
  file.content_type = cells.text(7);
  return file;
}

}  // namespace

Result<std::vector<TemplateRow>> PostgresCatalog::templates() {
  return all(query(session_, sql::templates, {std::nullopt}), template_row);
}

Error PostgresCatalog::template_unknown(std::string_view name) {
  Error error =
      Error(ErrorKind::not_found, fmt::format("there is no template '{}'", name)).with_reason("template_unknown");
  const auto known = templates();
  if (!known) return error;
  if (known->empty())
    return std::move(error).with_hint("the database holds no templates yet: bundlesync publish makes one");

  std::vector<std::string_view> names;
  for (const auto& row : *known) names.push_back(row.name);
  if (const auto near = nearest(name, names))
    return std::move(error).with_hint(fmt::format("did you mean '{}'?", *near));
  return std::move(error).with_hint("bundlesync list shows the templates there are");
}

Result<TemplateRow> PostgresCatalog::find_template(std::string_view name) {
  auto rows = all(query(session_, sql::templates, {std::string(name)}), template_row);
  if (!rows) return fail(std::move(rows.error()));
  if (rows->empty()) return fail(template_unknown(name));
  return std::move(rows->front());
}

Result<std::vector<Draft>> PostgresCatalog::read_versions(std::optional<std::string_view> template_id,
                                                          bool only_drafts) {
  Parameter id;
  if (template_id) id = std::string(*template_id);
  return all(query(session_, sql::versions, {id, only_drafts ? "true" : "false"}), version_row);
}

Result<std::vector<VersionRow>> PostgresCatalog::versions(std::string_view template_id) {
  auto rows = read_versions(template_id, false);
  if (!rows) return fail(std::move(rows.error()));
  std::vector<VersionRow> versions;
  for (auto& row : *rows) versions.push_back(std::move(row.version));
  return versions;
}

Result<std::vector<Draft>> PostgresCatalog::drafts() {
  return read_versions(std::nullopt, true);
}

Result<std::vector<HistoryRow>> PostgresCatalog::history(std::string_view template_id, std::size_t rows_max) {
  return all(query(session_, sql::history, {std::string(template_id), std::to_string(rows_max)}), history_row);
}

Result<std::vector<bundle::File>> PostgresCatalog::files(std::string_view version_id) {
  return all(query(session_, sql::files, {std::string(version_id)}), file_row);
}

Result<void> PostgresCatalog::lock_version(std::string_view template_name, std::string_view semver) {
  auto rows = query(session_, sql::lock_version, {std::string(template_name), std::string(semver)});
  if (!rows) return fail(std::move(rows.error()));
  if (!rows->front().flag(0)) return fail(lock_held(template_name, semver));
  lock_ = Lock{std::string(template_name), std::string(semver)};
  return {};
}

Error PostgresCatalog::lock_held(std::string_view template_name, std::string_view semver) {
  Error error = Error(ErrorKind::conflict, fmt::format("another publisher is at work on {} {}", template_name, semver),
                      "wait until it has ended, then run this again: it finishes what the other left")
                    .with_reason("publish_lock_held");
  const auto rows = query(session_, sql::lock_holder, {std::string(template_name), std::string(semver)});
  if (!rows || rows->empty()) return error;
  const auto& holder = rows->front();
  return std::move(error).with_hint(fmt::format("the lock is held by backend {} (user {}, {}, from {})", holder.text(0),
                                                holder.text_or(1, "unknown"), holder.text_or(2, "no application name"),
                                                holder.text_or(3, "this host")));
}

void PostgresCatalog::unlock_version() {
  if (!lock_) return;
  // A session that cannot be asked any more has lost the lock with itself.
  (void)query(session_, sql::unlock_version, {lock_->template_name, lock_->semver});
  lock_.reset();
}

Error PostgresCatalog::claim_lost() const {
  return Error(ErrorKind::conflict,
               fmt::format(
                   "the claim on {} {} is lost: another publisher took the draft over, or the session's lock is gone",
                   lock_ ? lock_->template_name : "?", lock_ ? lock_->semver : "?"),
               "run this again when the other publisher has ended")
      .with_hint("behind a pooler in transaction mode the lock cannot be kept: use the direct or session-mode port")
      .with_reason("claim_lost");
}

}  // namespace bundlesync::catalog
