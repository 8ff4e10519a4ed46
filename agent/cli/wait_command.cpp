#include "base/glob.hpp"
#include "base/units.hpp"
#include "cli/output.hpp"
#include "cli/reading.hpp"
#include "cli/verbs.hpp"
#include "cli/wanted.hpp"
#include "cli/why.hpp"
#include "disk/layout.hpp"
#include "plan/plan.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <thread>

namespace bundlesync::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds look_interval(50);

/// What is waited for: templates that were named, or else whatever makes the settings' templates ready.
struct Goal {
  std::vector<Wanted> wanted;
  plan::Policy policy;

  /// What `view` does not show of it; empty when the waiting is over. A glob stands for itself.
  std::vector<Wanted> missing(const plan::View& view) const {
    std::vector<Wanted> found;
    for (const auto& one : wanted) {
      if (!is_shown(one, view)) found.push_back(one);
    }
    if (!wanted.empty()) return found;
    for (const auto& name : plan::readiness(view, true, policy).missing) found.push_back(Wanted{name, ""});
    return found;
  }
};

Result<Goal> goal_of(const settings::Settings& settings, const WaitArguments& arguments) {
  Goal goal;
  for (const auto& text : arguments.wanted) {
    auto wanted = parse_wanted(text);
    if (!wanted) return fail(wanted.error());
    goal.wanted.push_back(std::move(*wanted));
  }
  goal.policy.templates = settings.templates;
  if (goal.wanted.empty() && settings.templates.empty()) {
    return fail(settings::missing("templates").with_hint("or name what to wait for: bundlesync wait T@V"));
  }
  return goal;
}

/// What was seen last.
struct Seen {
  std::unique_ptr<ReadTarget> target;  ///< empty where there was none, or nothing could be read of it
  std::optional<Error> error;          ///< why
  std::vector<Wanted> missing;
  std::chrono::duration<double> waited{};
};

/// Looks whenever `..data` names another view, and as long as it cannot be read: the target may not be there yet, and a
/// view may go while it is read.
Seen wait_for(const Goal& goal, const std::filesystem::path& path, Clock::duration timeout, Progress& progress) {
  const auto began = Clock::now();
  const auto until = began + timeout;
  Seen seen;
  std::optional<std::filesystem::path> known;
  for (;;) {
    std::error_code unknown;
    const auto data = std::filesystem::read_symlink(path / disk::layout::data_link, unknown);
    if (unknown || known != data || seen.error) {
      auto target = read_target(path);
      seen.error.reset();
      seen.target.reset();
      if (target) {
        seen.target = std::move(*target);
      } else {
        seen.error = target.error();
      }
      known = data;
      seen.missing = goal.missing(seen.target ? seen.target->view : plan::View());
    }
    const auto now = Clock::now();
    seen.waited = now - began;
    if (seen.missing.empty() || now >= until) return seen;
    progress.show(fmt::format("{:.0f}s waiting for {}", seen.waited.count(), to_string(seen.missing.front())));
    std::this_thread::sleep_for(std::min<Clock::duration>(look_interval, until - now));
  }
}

/// What is shown instead, and why.
struct Instead {
  std::string version;
  std::string why;
};

Instead instead_of(const Wanted& wanted, const Seen& seen, const report::Status& status) {
  Instead instead;
  const auto line = std::ranges::find(status.templates, wanted.template_name, &report::TemplateLine::name);
  if (line != status.templates.end()) instead.why = why(*line);
  if (!seen.target) return instead;
  const auto shown = seen.target->view.templates.find(wanted.template_name);
  if (shown != seen.target->view.templates.end()) instead.version = shown->second.version;
  return instead;
}

/// What the agent says of itself; nothing where it says nothing.
report::Status status_of(const Seen& seen, const Streams& streams) {
  if (!seen.target) return {};
  auto status = read_status(*seen.target, streams);
  return status ? std::move(*status) : report::Status();
}

Error not_in_time(const Seen& seen, const report::Status& status, const std::string& timeout) {
  std::vector<std::string> names;
  for (const auto& wanted : seen.missing) names.push_back(to_string(wanted));
  Error error(ErrorKind::not_converged,
              fmt::format("the target did not show {} within {}", fmt::join(names, ", "), timeout));
  if (seen.error) error = std::move(error).with_hint(seen.error->line());
  for (const auto& wanted : seen.missing) {
    if (!seen.target) break;
    const auto instead = instead_of(wanted, seen, status);
    const std::string shows = instead.version.empty() ? "nothing" : instead.version;
    error = std::move(error).with_hint(
        fmt::format("{} shows {}{}{}", wanted.template_name, shows, instead.why.empty() ? "" : ": ", instead.why));
  }
  return error;
}

boost::json::value version_or_null(const Seen& seen, const std::string& name) {
  if (!seen.target) return nullptr;
  const auto shown = seen.target->view.templates.find(name);
  return shown == seen.target->view.templates.end() ? boost::json::value(nullptr)
                                                    : boost::json::value(shown->second.version);
}

void print_document(const Context& context, const Goal& goal, const Seen& seen, const report::Status& status) {
  boost::json::object object = document();
  object["shown"] = seen.missing.empty();
  object["waited_seconds"] = seen.waited.count();
  object["error"] = text_or_null(seen.error ? seen.error->line() : "");
  std::vector<Wanted> all = goal.wanted;
  for (const auto& name : goal.wanted.empty() ? goal.policy.templates : std::vector<std::string>()) {
    all.push_back(Wanted{name, ""});
  }
  boost::json::array& rows = object["templates"].emplace_array();
  for (const auto& wanted : all) {
    const bool missing = std::ranges::find(seen.missing, wanted) != seen.missing.end();
    boost::json::object row;
    row["template"] = wanted.template_name;
    row["wanted_version"] = text_or_null(wanted.version);
    row["version"] = version_or_null(seen, wanted.template_name);
    row["shown"] = !missing;
    row["why"] = text_or_null(missing ? instead_of(wanted, seen, status).why : "");
    rows.push_back(std::move(row));
  }
  print_json(context.out(), object);
}

void print_shown(const Context& context, const Goal& goal, const plan::View& view) {
  for (const auto& [name, is] : view.templates) {
    const bool asked = goal.wanted.empty()
                           ? plan::wanted(name, goal.policy)
                           : std::ranges::find(goal.wanted, name, &Wanted::template_name) != goal.wanted.end();
    if (asked) {
      context.out() << fmt::format("{} shows {} from {}\n", shown(name), shown(is.version), plan::to_string(is.source));
    }
  }
}

}  // namespace

Result<ExitCode> wait(const Context& context, const WaitArguments& arguments) {
  auto timeout = parse_duration(arguments.timeout);
  if (!timeout) return fail(std::move(timeout.error()).within("--timeout"));
  auto settings = context.settings_with_target();
  if (!settings) return fail(settings.error());
  auto goal = goal_of(*settings, arguments);
  if (!goal) return fail(goal.error());
  Progress progress(context.streams);
  const Seen seen = wait_for(*goal, settings->target, *timeout, progress);
  progress.clear();
  const bool good = seen.missing.empty();
  const report::Status status = good ? report::Status() : status_of(seen, context.streams);
  if (context.json) {
    print_document(context, *goal, seen, status);
    return good ? ExitCode::done : ExitCode::not_converged;
  }
  if (!good) return fail(not_in_time(seen, status, arguments.timeout));
  print_shown(context, *goal, seen.target->view);
  return ExitCode::done;
}

}  // namespace bundlesync::cli
