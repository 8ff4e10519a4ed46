#include "report/operator_reporter.hpp"

#include "report/front_page.hpp"

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

}  // namespace

OperatorReporter::OperatorReporter(async::Clock& clock, std::shared_ptr<spdlog::logger> log, ServiceManager manager)
    : events_(clock),
      log_(std::move(log), &events_),
      ages_(clock),
      metrics_(ages_),
      board_(clock, ages_),
      health_(clock),
      manager_(std::move(manager)) {}

std::optional<Page> OperatorReporter::page(std::string_view path) {
  if (path == "/healthz") return verdict_page(health_.alive());
  if (path == "/readyz") return verdict_page(health_.ready());
  if (path == "/metrics") return text_page("text/plain; version=0.0.4; charset=utf-8", metrics_.text());
  if (path == "/status") return text_page("application/json", status_json());
  if (path == "/") return front_page(board_.snapshot(), events_.last());
  return std::nullopt;
}

void OperatorReporter::started(const Started& started) {
  log_.started(started);
  if (started.remote) ages_.expects("database");
  metrics_.started(started);
  board_.started(started);
  ++revision_;
}

void OperatorReporter::shown_at_start(const Activated& shown) {
  log_.shown_at_start(shown);
}

void OperatorReporter::activated(const Activated& activated) {
  log_.activated(activated);
  metrics_.activated(activated);
}

void OperatorReporter::settled(const Settled& settled) {
  ages_.settled(settled);
  log_.settled(settled);
  metrics_.settled(settled);
  board_.settled(settled);
  health_.settled(settled.ready, settled.missing);
  if (settled.ready) manager_.ready("shows view " + std::to_string(settled.view));
  ++revision_;
}

void OperatorReporter::sync_failed(const Error& error) {
  log_.sync_failed(error);
  metrics_.sync_failed();
  board_.failed(error);
  ++revision_;
}

void OperatorReporter::fetch_ended(const std::string& template_name, const std::string& version, bool ok,
                                   const std::string& reason, std::uint64_t bytes, std::chrono::duration<double> took) {
  log_.fetch_ended(template_name, version, ok, reason, bytes, took);
  metrics_.fetch_ended(ok, bytes, took);
}

void OperatorReporter::storage_answered(std::string_view code) {
  metrics_.storage_answered(code);
}

void OperatorReporter::validated(const Validated& validated) {
  log_.validated(validated);
  metrics_.validated(validated.answer, validated.took);
}

void OperatorReporter::scrubbed(const Scrubbed& scrubbed) {
  log_.scrubbed(scrubbed);
  metrics_.scrubbed(scrubbed.outcome);
}

void OperatorReporter::connected(const std::string& host, const std::string& role, std::string_view mode) {
  log_.connected(host, role, mode);
  board_.connected(host, role);
  ++revision_;
}

void OperatorReporter::lost(std::string_view source, const Error& error, std::chrono::duration<double> retry_in) {
  log_.lost(source, error, retry_in);
  ages_.expects(source);
  metrics_.lost(source, error);
  board_.lost(source, error);
  ++revision_;
}

void OperatorReporter::found(std::string_view source, std::chrono::duration<double> away, unsigned attempts) {
  log_.found(source, away, attempts);
  metrics_.found(source);
  contacted(source);
  ++revision_;
}

void OperatorReporter::mode_changed(std::string_view mode, std::string_view reason, std::string_view hint) {
  log_.mode_changed(mode, reason, hint);
  metrics_.mode(mode);
  board_.mode(mode);
  ++revision_;
}

void OperatorReporter::listen_verified(bool verified) {
  log_.listen_verified(verified);
  metrics_.listen_verified(verified);
  board_.listen_verified(verified);
  ++revision_;
}

void OperatorReporter::notified() {
  metrics_.notified();
}

void OperatorReporter::contacted(std::string_view source) {
  ages_.contacted(source);
  board_.contacted(source);
}

void OperatorReporter::credential(const Credential& credential) {
  log_.credential(credential);
  metrics_.credential(credential);
  board_.credential(credential);
  ++revision_;
}

void OperatorReporter::privileged(std::string_view what, const std::string& why) {
  log_.privileged(what, why);
  metrics_.privileged(what, !why.empty());
  if (board_.privileged(what, !why.empty())) ++revision_;
}

void OperatorReporter::warning(const std::string& fact) {
  log_.warning(fact);
}

void OperatorReporter::standby(const Error& held) {
  log_.standby(held);
  board_.standby(held);
  health_.standby(held.fact());
  ++revision_;
}

void OperatorReporter::repaired(const std::string& fact) {
  log_.repaired(fact);
}

void OperatorReporter::stopping(std::string_view why) {
  log_.stopping(why);
  health_.stopping();
  manager_.stopping();
}

std::optional<std::string> OperatorReporter::unsaved_status() {
  if (saved_revision_ == revision_) return std::nullopt;
  saved_revision_ = revision_;
  return status_json();
}

void OperatorReporter::tick() {
  health_.tick();
  if (health_.alive().ok) manager_.alive();
}

void OperatorReporter::task_running(std::string_view task, bool running) {
  health_.task_running(task, running);
}

}  // namespace bundlesync::report
