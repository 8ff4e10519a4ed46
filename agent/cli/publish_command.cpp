#include "async/loop.hpp"
#include "cli/database.hpp"
#include "cli/key_file.hpp"
#include "cli/output.hpp"
#include "cli/publish_json.hpp"
#include "cli/verbs.hpp"
#include "cli/wiring.hpp"
#include "publish/commands.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <ostream>

namespace bundlesync::cli {
namespace {

class ShownSteps final : public publish::Steps {
 public:
  explicit ShownSteps(const Streams& streams) : progress_(streams) {}
  void reached(publish::Step step, std::string_view detail) override {
    if (step == publish::Step::uploaded) ++uploaded_;
    progress_.show(fmt::format("{} {} ({} uploaded)", to_string(step), detail, uploaded_));
  }
  void clear() { progress_.clear(); }

 private:
  Progress progress_;
  std::uint64_t uploaded_ = 0;
};

publish::PublishRequest request_of(const PublishArguments& arguments, const settings::Settings& settings) {
  publish::PublishRequest request;
  request.directory = arguments.directory;
  request.template_name = arguments.template_name;
  request.version = arguments.version;
  request.set_default = arguments.set_default;
  request.dry_run = arguments.dry_run;
  request.changelog = arguments.changelog;
  request.source_commit = publish::source_commit_from_environment();
  request.limits = settings.limits;
  return request;
}

boost::json::value move_to_json(const std::optional<catalog::Moved>& moved) {
  if (!moved) return nullptr;
  boost::json::object object;
  object["from_version"] = text_or_null(moved->from_version);
  object["to_version"] = moved->to_version;
  object["generation"] = moved->generation;
  object["changed_xid"] = moved->changed_xid;
  object["history_id"] = moved->history_id;
  return object;
}

void print_document(const Context& context, const publish::PublishResult& result) {
  boost::json::object object = document();
  object["outcome"] = to_string(result.outcome);
  object["template"] = result.template_name;
  object["version"] = result.version;
  object["manifest_sha256"] = text_or_null(result.manifest_sha256);
  object["is_default"] = result.is_default;
  object["template_created"] = result.template_created;
  object["taken_over"] = result.taken_over;
  object["bytes"] = result.bytes;
  object["uploaded_files"] = result.uploaded_files;
  object["uploaded_bytes"] = result.uploaded_bytes;
  object["kept_objects"] = result.kept_objects;
  object["replaced_objects"] = result.replaced_objects;
  object["removed_objects"] = result.removed_objects;
  object["files"] = to_json(result.files);
  object["problems"] = to_json(result.problems);
  object["moved"] = move_to_json(result.moved);
  object["signed_by"] = text_or_null(result.signed_by);
  object["changed"] = texts(result.changed);
  object["undo"] = texts(result.undo);
  print_json(context.out(), object);
}

void print_changes(const Context& context, const std::vector<std::string>& changed,
                   const std::vector<std::string>& undo) {
  for (const auto& sentence : changed) context.out() << shown(sentence) << '\n';
  for (const auto& line : undo) context.out() << "undo: " << shown(line) << '\n';
}

void print_problems(const Context& context, const std::vector<publish::Problem>& problems) {
  for (const auto& problem : problems) {
    const bool error = problem.severity == publish::Problem::Severity::error;
    const bool named = problem.path.empty() || problem.text.find(problem.path) != std::string::npos;
    context.err() << (error ? "error: " : "warning: ") << (named ? "" : shown(problem.path) + ": ")
                  << shown(problem.text) << '\n';
    if (!problem.hint.empty()) context.err() << "hint: " << shown(problem.hint) << '\n';
  }
}

Result<ExitCode> run_publish(const Context& context, async::Loop& loop, catalog::Catalog& catalog,
                             storage::Storage& storage, publish::PublishRequest request) {
  ShownSteps steps(context.streams);
  auto result = loop.run(publish::publish(catalog, storage, std::move(request), steps));
  steps.clear();
  if (!result) return fail(result.error());
  if (context.json) {
    print_document(context, *result);
  } else {
    print_problems(context, result->problems);
    print_changes(context, result->changed, result->undo);
  }
  return result->exit_code();
}

Result<ExitCode> run_abandon(const Context& context, async::Loop& loop, catalog::Catalog& catalog,
                             storage::Storage& storage, const PublishArguments& arguments) {
  ShownSteps steps(context.streams);
  auto result = loop.run(publish::abandon(catalog, storage, arguments.template_name, arguments.version, steps));
  steps.clear();
  if (!result) return fail(result.error());
  if (!context.json) {
    print_changes(context, result->changed, result->undo);
    return ExitCode::done;
  }
  boost::json::object object = document();
  object["template"] = result->template_name;
  object["version"] = result->version;
  object["removed_objects"] = result->removed_objects;
  object["changed"] = texts(result->changed);
  object["undo"] = texts(result->undo);
  print_json(context.out(), object);
  return ExitCode::done;
}

/// What --abandon needs to know, from the flags or else from the directory's manifest.
Result<PublishArguments> name_the_version(PublishArguments arguments, const settings::Settings& settings) {
  if (arguments.directory.empty() || (!arguments.template_name.empty() && !arguments.version.empty())) return arguments;
  publish::CheckRequest request;
  request.directory = arguments.directory;
  request.template_name = arguments.template_name;
  request.version = arguments.version;
  request.limits = settings.limits;
  auto checked = publish::check(request);
  if (!checked) return fail(checked.error());
  arguments.template_name = checked->template_name;
  arguments.version = checked->version;
  return arguments;
}

}  // namespace

Result<ExitCode> publish(const Context& context, const PublishArguments& arguments) {
  if (!arguments.abandon && arguments.directory.empty()) {
    return fail(ErrorKind::usage, "publish needs the directory to publish",
                "bundlesync publish DIR --template T --version V");
  }
  auto settings = context.settings(settings::Purpose::people);
  if (!settings) return fail(settings.error());
  PublishArguments complete = arguments;
  if (arguments.abandon) {
    auto named = name_the_version(arguments, *settings);
    if (!named) return fail(named.error());
    complete = std::move(*named);
    if (complete.template_name.empty() || complete.version.empty()) {
      return fail(ErrorKind::usage, "--abandon needs to know which version", "give --template and --version");
    }
  }
  std::optional<bundle::SigningKey> signing_key;
  if (!arguments.sign.empty()) {
    auto key = read_signing_key(context.streams, arguments.sign);
    if (!key) return fail(key.error());
    signing_key = std::move(*key);
  }
  async::Loop loop;
  auto storage = open_storage_with_retries(*settings, loop.executor(), loop.pool(), loop.clock());
  if (!storage) return fail(storage.error());
  auto database = Database::open(context, *settings);
  if (!database) return fail(database.error());
  catalog::Catalog& catalog = (*database)->catalog();
  if (arguments.abandon) return run_abandon(context, loop, catalog, **storage, complete);
  publish::PublishRequest request = request_of(complete, *settings);
  request.signing_key = std::move(signing_key);
  return run_publish(context, loop, catalog, **storage, std::move(request));
}

}  // namespace bundlesync::cli
