#include "report/operator_reporter.hpp"

#include "base/json_read.hpp"
#include "report/front_page.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace bundlesync::report {
namespace {

Page verdict_page(const Health::Verdict& verdict) {
  Page page;
  page.status = verdict.ok ? 200 : 503;
  page.content_type = "text/plain; charset=utf-8";
  page.body = verdict.text + '\n';
  return page;
}

Page text_page(std::string_view content_type, std::string body) {
  Page page;
  page.content_type = content_type;
  page.body = std::move(body);
  return page;
}

std::list<TargetReporter> make_targets(AgentVoice& agent, async::Clock& clock, const std::shared_ptr<LogReporter>& log,
                                       const std::shared_ptr<spdlog::logger>& logger, Events& events,
                                       const std::vector<std::string>& names) {
  std::list<TargetReporter> targets;
  for (const auto& name : names) {
    auto own = name.empty() ? log : std::make_shared<LogReporter>(logger, &events, name);
    targets.emplace_back(agent, clock, std::move(own), name);
  }
  return targets;
}

/// The first that is not well, and whose it is.
template <class Ask>
Health::Verdict first_problem(std::list<TargetReporter>& targets, Ask ask) {
  Health::Verdict verdict;
  for (auto& target : targets) {
    verdict = ask(target.health());
    if (verdict.ok) continue;
    if (!target.name().empty()) verdict.text.insert(0, target.name() + ": ");
    return verdict;
  }
  return verdict;
}

}  // namespace

OperatorReporter::OperatorReporter(async::Clock& clock, std::shared_ptr<spdlog::logger> log, ServiceManager manager,
                                   std::vector<std::string> targets)
    : events_(clock),
      log_(std::make_shared<LogReporter>(log, &events_)),
      targets_(make_targets(*this, clock, log_, log, events_, targets)),
      metrics_(targets_.front().ages()),
      manager_(std::move(manager)) {
  for (auto& target : targets_) metrics_.add(target.metrics());
}

TargetReporter& OperatorReporter::target(std::size_t index) {
  return *std::next(targets_.begin(), static_cast<std::ptrdiff_t>(index));
}

TargetReporter* OperatorReporter::find(std::string_view name) {
  const auto found = std::ranges::find_if(
      targets_, [&](const TargetReporter& target) { return !name.empty() && target.name() == name; });
  return found == targets_.end() ? nullptr : &*found;
}

std::string OperatorReporter::status_json() const {
  if (targets_.size() == 1) return targets_.front().status_json();
  boost::json::object document;
  document["schema_version"] = status_schema_version;
  boost::json::object& all = document["targets"].emplace_object();
  for (const auto& target : targets_) all[target.name()] = boost::json::parse(target.status_json());
  return json::pretty(document);
}

std::optional<Page> OperatorReporter::page(std::string_view path) {
  if (path == "/") return person_page();
  if (path == "/healthz") return verdict_page(alive());
  if (path == "/readyz") return verdict_page(ready());
  if (path == "/metrics") return text_page("text/plain; version=0.0.4; charset=utf-8", metrics_.text());
  if (path == "/status") return text_page("application/json", status_json());
  constexpr std::string_view kReady = "/readyz/";
  constexpr std::string_view kStatus = "/status/";
  if (path.starts_with(kReady)) {
    auto* target = find(path.substr(kReady.size()));
    if (target) return verdict_page(target->health().ready());
  } else if (path.starts_with(kStatus)) {
    const auto* target = find(path.substr(kStatus.size()));
    if (target) return text_page("application/json", target->status_json());
  }
  return std::nullopt;
}

Page OperatorReporter::person_page() const {
  std::vector<NamedStatus> all;
  for (const auto& target : targets_) all.push_back(NamedStatus{target.name(), target.status()});
  return front_page(all, events_.last());
}

Health::Verdict OperatorReporter::alive() {
  return first_problem(targets_, [](const Health& health) { return health.alive(); });
}

Health::Verdict OperatorReporter::ready() {
  return first_problem(targets_, [](const Health& health) { return health.ready(); });
}

void OperatorReporter::started(const Started& started) {
  metrics_.started(started);
  if (targets_.size() > 1) log_->begins(started);
  first().started(started);
}

/// A target's first pass comes after its lock and recovery and waits for no remote: from there on the agent runs, and
/// so it does while another agent holds the target. What it shows is for readiness and `bundlesync wait` to say, else a
/// database that is away, or an agent beside it, would keep a machine from booting.
void OperatorReporter::target_changed() {
  const bool all_known = std::ranges::none_of(targets_, [](const auto& target) { return target.summary().empty(); });
  std::string text;
  for (const auto& target : targets_) {
    if (target.summary().empty()) continue;
    const std::string of = target.name().empty() ? std::string() : target.name() + ": ";
    text += (text.empty() ? "" : "; ") + of + target.summary();
  }
  if (all_known) {
    manager_.ready(text);
  } else {
    manager_.status(text);
  }
}

void OperatorReporter::storage_answered(std::string_view code) {
  metrics_.storage_answered(code);
}

void OperatorReporter::connected(const std::string& host, const std::string& role, std::string_view mode) {
  log_->connected(host, role, mode);
  metrics_.mode(mode);
  for (auto& target : targets_) {
    target.hear_connected(host, role);
    target.hear_mode(mode);
  }
}

void OperatorReporter::lost(std::string_view source, const Error& error, std::chrono::duration<double> retry_in) {
  log_->lost(source, error, retry_in);
  metrics_.lost(source, error);
  for (auto& target : targets_) target.hear_lost(source, error);
}

void OperatorReporter::found(std::string_view source, std::chrono::duration<double> away, unsigned attempts) {
  log_->found(source, away, attempts);
  metrics_.found(source);
  contacted(source);
}

void OperatorReporter::mode_changed(std::string_view mode, std::string_view reason, std::string_view hint) {
  log_->mode_changed(mode, reason, hint);
  metrics_.mode(mode);
  for (auto& target : targets_) target.hear_mode(mode);
}

void OperatorReporter::listen_verified(bool verified) {
  log_->listen_verified(verified);
  metrics_.listen_verified(verified);
  for (auto& target : targets_) target.hear_listen_verified(verified);
}

void OperatorReporter::notified() {
  metrics_.notified();
}

void OperatorReporter::contacted(std::string_view source) {
  for (auto& target : targets_) target.hear_contacted(source);
}

void OperatorReporter::credential(const Credential& credential) {
  log_->credential(credential);
  metrics_.credential(credential);
  for (auto& target : targets_) target.hear_credential(credential);
}

void OperatorReporter::privileged(std::string_view what, const std::string& why) {
  log_->privileged(what, why);
  metrics_.privileged(what, !why.empty());
  for (auto& target : targets_) target.hear_privileged(what, !why.empty());
}

void OperatorReporter::warning(const std::string& fact) {
  log_->warning(fact);
}

void OperatorReporter::announced(const Announced& announced) {
  log_->announced(announced);
  metrics_.announced(announced);
}

void OperatorReporter::stopping(std::string_view why) {
  log_->stopping(why);
  for (auto& target : targets_) target.health().stopping();
  manager_.stopping();
}

void OperatorReporter::tick() {
  for (auto& target : targets_) target.health().tick();
  if (alive().ok) manager_.alive();
}

}  // namespace bundlesync::report
