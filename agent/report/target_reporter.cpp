#include "report/target_reporter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bundlesync::report {
namespace {

bool shows_what_is_wanted(const TemplateReport& report) {
  return report.desired_version.empty() || report.shown_version == report.desired_version;
}

/// Of several templates that do not show what is wanted the first is named.
std::string summary_of(const Settled& settled) {
  const auto shown = std::ranges::count_if(settled.templates, [](const auto& t) { return !t.shown_version.empty(); });
  std::string line =
      shown == 0 ? "shows nothing yet"
                 : fmt::format("shows {} of {} templates, view {}", shown, settled.templates.size(), settled.view);
  const auto behind = std::ranges::find_if_not(settled.templates, shows_what_is_wanted);
  if (behind == settled.templates.end()) return line;
  line += fmt::format("; {} is {}", behind->name, plan::to_string(behind->state));
  return behind->reason.empty() ? line : line + " (" + behind->reason + ")";
}

}  // namespace

TargetReporter::TargetReporter(AgentVoice& agent, async::Clock& clock, std::shared_ptr<LogReporter> log,
                               std::string name)
    : agent_(agent),
      name_(std::move(name)),
      log_(std::move(log)),
      ages_(clock),
      metrics_(ages_, name_),
      board_(clock, ages_),
      health_(clock) {}

void TargetReporter::started(const Started& started) {
  log_->started(started);
  remote_ = started.remote;
  if (remote_) ages_.expects("database");
  metrics_.started(started);
  board_.started(started);
  ++revision_;
}

void TargetReporter::shown_at_start(const Activated& shown) {
  log_->shown_at_start(shown);
}

void TargetReporter::activated(const Activated& activated) {
  log_->activated(activated);
  metrics_.activated(activated);
}

void TargetReporter::settled(const Settled& settled) {
  if (remote_) ages_.expects("database");  // after a standby, from here on
  ages_.settled(settled);
  log_->settled(settled);
  metrics_.settled(settled);
  board_.settled(settled);
  health_.settled(settled.ready, settled.missing);
  ++revision_;
  summary_ = summary_of(settled);
  agent_.target_changed();
}

void TargetReporter::sync_failed(const Error& error) {
  log_->sync_failed(error);
  metrics_.sync_failed();
  board_.failed(error);
  ++revision_;
}

void TargetReporter::fetch_ended(const std::string& template_name, const std::string& version, bool ok,
                                 const std::string& reason, std::uint64_t bytes, std::chrono::duration<double> took) {
  log_->fetch_ended(template_name, version, ok, reason, bytes, took);
  metrics_.fetch_ended(ok, bytes, took);
}

void TargetReporter::validated(const Validated& validated) {
  log_->validated(validated);
  metrics_.validated(validated.answer, validated.took);
}

void TargetReporter::scrubbed(const Scrubbed& scrubbed) {
  log_->scrubbed(scrubbed);
  metrics_.scrubbed(scrubbed.outcome);
}

void TargetReporter::standby(const Error& held) {
  log_->standby(held);
  board_.standby(held);
  health_.standby(held.fact());
  ages_.does_not_expect("database");
  metrics_.standby();
  ++revision_;
  summary_ = "standby: " + held.fact();
  agent_.target_changed();
}

void TargetReporter::repaired(const std::string& fact) {
  log_->repaired(fact);
}

void TargetReporter::warning(const std::string& fact) {
  log_->warning(fact);
}

std::optional<std::string> TargetReporter::unsaved_status() {
  if (saved_revision_ == revision_) return std::nullopt;
  saved_revision_ = revision_;
  return status_json();
}

void TargetReporter::hear_connected(const std::string& host, const std::string& role) {
  board_.connected(host, role);
  ++revision_;
}

void TargetReporter::hear_lost(std::string_view source, const Error& error) {
  ages_.expects(source);
  board_.lost(source, error);
  ++revision_;
}

void TargetReporter::hear_contacted(std::string_view source) {
  ages_.contacted(source);
  board_.contacted(source);
}

void TargetReporter::hear_mode(std::string_view mode) {
  board_.mode(mode);
  ++revision_;
}

void TargetReporter::hear_listen_verified(bool verified) {
  board_.listen_verified(verified);
  ++revision_;
}

void TargetReporter::hear_credential(const Credential& credential) {
  board_.credential(credential);
  ++revision_;
}

void TargetReporter::hear_privileged(std::string_view what, bool is) {
  if (board_.privileged(what, is)) ++revision_;
}

}  // namespace bundlesync::report
