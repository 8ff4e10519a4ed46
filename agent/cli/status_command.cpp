#include "base/time.hpp"
#include "cli/output.hpp"
#include "cli/reading.hpp"
#include "cli/verbs.hpp"
#include "report/line.hpp"
#include "report/status.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ostream>

namespace bundlesync::cli {
namespace {

using report::Status;

std::string age_of(const std::string& time) {
  const auto when = parse_time(time);
  if (!when) return "";
  const auto age = std::chrono::system_clock::now() - *when;
  return age.count() < 0 ? "0s" : report::seconds(std::chrono::round<std::chrono::seconds>(age));
}

void print_agent(std::ostream& out, const Status& status, const ReadTarget& from) {
  out << "target    " << shown(status.target) << ", view " << status.view << '\n';
  if (const auto holder = disk::TargetLock::holder(*from.target)) {
    out << "writer    " << shown(holder->host) << " pid " << holder->pid << " since " << shown(holder->since) << '\n';
  }
  if (status.written_at.empty()) return;
  out << "as of     " << shown(status.written_at) << " (" << age_of(status.written_at) << " ago), agent "
      << shown(status.agent_version) << ", mode " << shown(status.mode) << '\n';
  out << "ready     " << (status.ready ? "yes" : "no");
  if (!status.ready && !status.missing.empty())
    out << ", missing: " << shown(fmt::format("{}", fmt::join(status.missing, " ")));
  out << '\n';
  if (!status.remote) out << "remote    off: only local and fallback files, or what was shown last\n";
  for (const auto& source : status.sources) {
    out << fmt::format("{:<9} ", shown(source.name)) << (source.reachable ? "reachable" : "not reachable")
        << (source.last_contact.empty() ? ", never reached" : ", last answered " + shown(source.last_contact));
    if (!source.error.empty()) out << ": " << shown(source.error);
    out << '\n';
  }
  for (const auto& problem : status.problems) out << "problem   " << shown(problem) << '\n';
  if (!status.last_error.empty()) {
    out << "error     " << shown(status.last_error_at) << ' ' << shown(status.last_error) << '\n';
  }
}

void print_templates(std::ostream& out, const Status& status) {
  Table table({"TEMPLATE", "VERSION", "SOURCE", "GENERATION", "SINCE", "DESIRED", "STATE", "WHY"});
  for (const auto& line : status.templates) {
    std::string why = line.reason;
    if (!line.detail.empty()) why += (why.empty() ? "" : ": ") + line.detail;
    if (!line.out_of_date_since.empty()) why += (why.empty() ? "" : ", ") + ("since " + line.out_of_date_since);
    table.add({line.name, line.version, line.source, std::to_string(line.generation), line.since, line.desired_version,
               line.state, why});
  }
  out << '\n';
  table.print(out);
}

}  // namespace

Result<ExitCode> status(const Context& context) {
  auto settings = context.settings_with_target();
  if (!settings) return fail(settings.error());
  auto target = read_target(settings->target);
  if (!target) return fail(target.error());
  auto status = read_status(**target, context.streams);
  if (!status) return fail(status.error());
  if (context.json) {
    context.out() << report::status_to_json(*status);
    return ExitCode::done;
  }
  print_agent(context.out(), *status, **target);
  print_templates(context.out(), *status);
  return ExitCode::done;
}

}  // namespace bundlesync::cli
