#include "cli/database.hpp"
#include "cli/output.hpp"
#include "cli/publish_json.hpp"
#include "cli/verbs.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <ostream>

namespace bundlesync::cli {
namespace {

bool is_error(const publish::Problem& problem) {
  return problem.severity == publish::Problem::Severity::error;
}

void print_document(const Context& context, const publish::CheckResult& result) {
  boost::json::object object = document();
  object["good"] = result.exit_code() == ExitCode::done;
  object["template"] = text_or_null(result.template_name);
  object["version"] = text_or_null(result.version);
  object["guessed"] = result.guessed;
  object["against"] = text_or_null(result.against);
  object["manifest_sha256"] = text_or_null(result.manifest_sha256);
  object["bytes"] = result.bytes;
  object["files"] = to_json(result.files);
  object["problems"] = to_json(result.problems);
  print_json(context.out(), object);
}

void print_text(const Context& context, const publish::CheckResult& result) {
  std::uint64_t errors = 0;
  std::uint64_t warnings = 0;
  for (const auto& problem : result.problems) {
    ++(is_error(problem) ? errors : warnings);
    context.out() << (is_error(problem) ? "error   " : "warning ") << shown(problem.text) << " ("
                  << shown(problem.reason) << ")\n";
    if (!problem.hint.empty()) context.out() << "        hint: " << shown(problem.hint) << '\n';
  }
  std::string what = fmt::format("checked {} {}", shown(result.template_name), shown(result.version));
  if (!result.against.empty()) what += " against " + shown(result.against);
  if (!result.manifest_sha256.empty()) {
    what += fmt::format(": {}, {}, manifest {}", counted(result.files.size(), "file", "files"),
                        counted(result.bytes, "byte", "bytes"), result.manifest_sha256.substr(0, 12));
  }
  context.out() << what << ": " << (errors == 0 ? "good" : counted(errors, "error", "errors"));
  if (warnings > 0) context.out() << ", " << counted(warnings, "warning", "warnings");
  context.out() << '\n';
}

/// What it would replace is asked for only when somebody wants to know: linting works without a database.
Result<void> compare(const Context& context, const settings::Settings& settings, const CheckArguments& arguments,
                     publish::CheckResult& result) {
  if (arguments.against.empty() && !arguments.breaking) return {};
  const std::string which = arguments.against.empty() ? "default" : arguments.against;
  if (result.manifest_sha256.empty()) {
    print_note(context.streams, "not compared with " + which + ": the bundle cannot be published as it is");
    return {};
  }
  auto database = Database::open(context, settings);
  if (!database) return fail(std::move(database.error()).within("comparing with " + which));
  auto replaced = publish::find_replaced((*database)->catalog(), result.template_name, which);
  if (!replaced) return fail(std::move(replaced.error()));
  if (*replaced) {
    publish::compare_with(result, **replaced, arguments.breaking);
  } else {
    print_note(context.streams, result.template_name + " has no default yet: there is nothing to compare with");
  }
  return {};
}

}  // namespace

Result<ExitCode> check(const Context& context, const CheckArguments& arguments) {
  auto settings = context.settings(settings::Purpose::people);
  if (!settings) return fail(settings.error());
  publish::CheckRequest request;
  request.directory = arguments.directory;
  request.template_name = arguments.template_name;
  request.version = arguments.version;
  request.limits = settings->limits;
  auto result = publish::check(request);
  if (!result) return fail(result.error());
  auto compared = compare(context, *settings, arguments, *result);
  if (!compared) return fail(compared.error());
  context.json ? print_document(context, *result) : print_text(context, *result);
  return result->exit_code();
}

}  // namespace bundlesync::cli
