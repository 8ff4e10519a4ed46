#include "cli/database.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "publish/commands.hpp"

#include <boost/json.hpp>

#include <optional>
#include <ostream>

namespace bundlesync::cli {
namespace {

/// What moved, and how to move it back.
Result<ExitCode> print_move(const Context& context, const Result<publish::MoveResult>& result) {
  if (!result) return fail(result.error());
  if (!context.json) {
    for (const auto& sentence : result->changed) context.out() << shown(sentence) << '\n';
    for (const auto& line : result->undo) context.out() << "undo: " << shown(line) << '\n';
    return ExitCode::done;
  }
  boost::json::object object = document();
  object["template"] = result->template_name;
  object["already"] = result->already;
  object["from_version"] = text_or_null(result->moved.from_version);
  object["to_version"] = text_or_null(result->moved.to_version);
  object["generation"] = result->moved.generation;
  object["changed_xid"] = text_or_null(result->moved.changed_xid);
  object["history_id"] = result->moved.history_id;
  object["changed"] = texts(result->changed);
  object["undo"] = texts(result->undo);
  print_json(context.out(), object);
  return ExitCode::done;
}

}  // namespace

Result<ExitCode> set_default(const Context& context, const MoveArguments& arguments) {
  auto database = open_database(context);
  if (!database) return fail(database.error());
  return print_move(context, publish::set_default((*database)->catalog(), arguments.template_name, arguments.version,
                                                  arguments.reason));
}

Result<ExitCode> rollback(const Context& context, const MoveArguments& arguments) {
  auto database = open_database(context);
  if (!database) return fail(database.error());
  std::optional<std::string> to;
  if (!arguments.version.empty()) to = arguments.version;
  return print_move(
      context, publish::rollback((*database)->catalog(), arguments.template_name, std::move(to), arguments.reason));
}

}  // namespace bundlesync::cli
