#include "catalog/postgres/migrations.hpp"
#include "cli/database.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <ostream>

namespace bundlesync::cli {
namespace {

Result<ExitCode> print_status(const Context& context, catalog::Session& session) {
  auto rows = catalog::migration_status(session);
  if (!rows) return fail(rows.error());
  boost::json::object object = document();
  boost::json::array& array = object["migrations"].emplace_array();
  Table table({"MIGRATION", "STATE", "APPLIED"});
  for (const auto& row : *rows) {
    const std::string state(catalog::name_of(row.state));
    array.push_back({{"name", row.name}, {"state", state}, {"applied_at", text_or_null(row.applied_at)}});
    table.add({row.name, state, row.applied_at});
  }
  context.json ? print_json(context.out(), object) : table.print(context.out());
  const bool all =
      std::ranges::all_of(*rows, [](const auto& row) { return row.state == catalog::MigrationState::applied; });
  return all ? ExitCode::done : ExitCode::differences;
}

Result<ExitCode> apply(const Context& context, catalog::Session& session, bool adopt) {
  catalog::ApplyOptions options;
  options.adopt = adopt;
  auto applied = catalog::apply_migrations(session, options);
  if (!applied) return fail(applied.error());
  boost::json::array notices;
  for (const auto& notice : applied->notices) {
    notices.push_back(
        {{"severity", notice.severity}, {"message", notice.message}, {"hint", text_or_null(notice.hint)}});
    if (context.json) continue;
    print_note(context.streams, notice.message + (notice.hint.empty() ? "" : " (hint: " + notice.hint + ")"));
  }
  if (context.json) {
    boost::json::object object = document();
    object["applied"] = texts(applied->run);
    object["adopted"] = texts(applied->adopted);
    object["notices"] = std::move(notices);
    print_json(context.out(), object);
    return ExitCode::done;
  }
  for (const auto& name : applied->run) context.out() << "applied " << shown(name) << '\n';
  for (const auto& name : applied->adopted) context.out() << "adopted " << shown(name) << '\n';
  if (applied->run.empty() && applied->adopted.empty()) {
    context.out() << "nothing to do: every migration is applied\n";
  } else {
    context.out() << "undo: migrations are not undone; restore the backup from before\n";
  }
  return ExitCode::done;
}

}  // namespace

Result<ExitCode> migrate(const Context& context, const MigrateArguments& arguments) {
  auto database = open_database(context);
  if (!database) return fail(database.error());
  catalog::Session& session = (*database)->session();
  return arguments.status ? print_status(context, session) : apply(context, session, arguments.adopt);
}

Result<ExitCode> new_epoch(const Context& context, const std::string& reason) {
  auto database = open_database(context);
  if (!database) return fail(database.error());
  auto rows = (*database)->session().exec("select bundlesync.new_epoch($1)", {reason});
  if (!rows) return fail(rows.error());
  const std::string epoch(rows->text(0, 0));
  if (context.json) {
    boost::json::object object = document();
    object["epoch"] = epoch;
    print_json(context.out(), object);
    return ExitCode::done;
  }
  context.out() << "began epoch " << shown(epoch)
                << ": agents now take the catalog as it is, whatever they accepted before\n"
                << "undo: an epoch is not undone; nothing of the catalog changed\n";
  return ExitCode::done;
}

}  // namespace bundlesync::cli
