#include "bundle/signature.hpp"
#include "cli/database.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "publish/commands.hpp"

#include <boost/json.hpp>

namespace bundlesync::cli {
namespace {

boost::json::object to_json(const catalog::TemplateRow& row) {
  boost::json::object object;
  object["template"] = row.name;
  object["id"] = row.id;
  object["enabled"] = row.enabled;
  object["default_version"] = text_or_null(row.default_version);
  object["generation"] = row.generation;
  object["changed_at"] = text_or_null(row.changed_at);
  object["versions"] = row.versions;
  object["drafts"] = row.drafts;
  return object;
}

boost::json::object to_json(const catalog::VersionRow& row) {
  boost::json::object object;
  object["template"] = row.template_name;
  object["version"] = row.semver;
  object["id"] = row.id;
  object["status"] = row.status;
  object["is_default"] = row.is_default;
  object["was_default"] = row.was_default;
  object["frozen"] = row.frozen;
  object["manifest_sha256"] = text_or_null(row.manifest_sha256);
  object["signed_by"] = text_or_null(bundle::claimed_key_id(row.signature));
  object["source_commit"] = text_or_null(row.source_commit);
  object["changelog"] = text_or_null(row.changelog);
  object["created_at"] = text_or_null(row.created_at);
  object["files"] = row.files;
  object["bytes"] = row.bytes;
  return object;
}

Result<ExitCode> list_all(const Context& context, catalog::Catalog& catalog) {
  auto rows = publish::list_templates(catalog);
  if (!rows) return fail(rows.error());
  boost::json::object object = document();
  boost::json::array& array = object["templates"].emplace_array();
  Table table({"TEMPLATE", "DEFAULT", "ENABLED", "VERSIONS", "DRAFTS", "GENERATION", "CHANGED"});
  for (const auto& row : *rows) {
    array.push_back(to_json(row));
    table.add({row.name, row.default_version, row.enabled ? "yes" : "no", std::to_string(row.versions),
               std::to_string(row.drafts), std::to_string(row.generation), row.changed_at});
  }
  context.json ? print_json(context.out(), object) : table.print(context.out());
  return ExitCode::done;
}

Result<ExitCode> list_one(const Context& context, catalog::Catalog& catalog, const std::string& name) {
  auto rows = publish::list_versions(catalog, name);
  if (!rows) return fail(rows.error());
  boost::json::object object = document();
  object["of"] = to_json(rows->of);
  boost::json::array& array = object["versions"].emplace_array();
  Table table({"VERSION", "STATUS", "DEFAULT", "FILES", "BYTES", "CREATED", "COMMIT", "CHANGELOG"});
  for (const auto& row : rows->versions) {
    array.push_back(to_json(row));
    table.add({row.semver, row.status,
               row.is_default    ? "now"
               : row.was_default ? "was"
                                 : "",
               std::to_string(row.files), std::to_string(row.bytes), row.created_at, row.source_commit.substr(0, 12),
               row.changelog});
  }
  context.json ? print_json(context.out(), object) : table.print(context.out());
  return ExitCode::done;
}

Result<ExitCode> list_drafts(const Context& context, catalog::Catalog& catalog) {
  auto rows = publish::list_drafts(catalog);
  if (!rows) return fail(rows.error());
  boost::json::object object = document();
  boost::json::array& array = object["drafts"].emplace_array();
  Table table({"TEMPLATE", "VERSION", "BEGUN", "FILES", "PUBLISHER"});
  for (const auto& row : *rows) {
    boost::json::object draft = to_json(row.version);
    draft["being_published"] = row.being_published;
    array.push_back(std::move(draft));
    table.add({row.version.template_name, row.version.semver, row.version.created_at, std::to_string(row.version.files),
               row.being_published ? "at work" : "gone"});
  }
  context.json ? print_json(context.out(), object) : table.print(context.out());
  return ExitCode::done;
}

}  // namespace

Result<ExitCode> list(const Context& context, const ListArguments& arguments) {
  auto database = open_database(context);
  if (!database) return fail(database.error());
  catalog::Catalog& catalog = (*database)->catalog();
  if (arguments.drafts) return list_drafts(context, catalog);
  if (arguments.template_name.empty()) return list_all(context, catalog);
  return list_one(context, catalog, arguments.template_name);
}

Result<ExitCode> history(const Context& context, const std::string& template_name) {
  auto database = open_database(context);
  if (!database) return fail(database.error());
  auto found = publish::history((*database)->catalog(), template_name);
  if (!found) return fail(found.error());
  boost::json::object object = document();
  object["of"] = to_json(found->of);
  boost::json::array& array = object["moves"].emplace_array();
  Table table({"ID", "WHEN", "FROM", "TO", "GENERATION", "BY", "REASON"});
  for (const auto& row : found->moves) {
    array.push_back({{"id", row.id},
                     {"from_version", text_or_null(row.from_version)},
                     {"to_version", text_or_null(row.to_version)},
                     {"generation", row.generation},
                     {"changed_xid", text_or_null(row.changed_xid)},
                     {"changed_by", text_or_null(row.changed_by)},
                     {"reason", text_or_null(row.reason)},
                     {"changed_at", text_or_null(row.changed_at)}});
    table.add({std::to_string(row.id), row.changed_at, row.from_version, row.to_version, std::to_string(row.generation),
               row.changed_by, row.reason});
  }
  context.json ? print_json(context.out(), object) : table.print(context.out());
  return ExitCode::done;
}

}  // namespace bundlesync::cli
