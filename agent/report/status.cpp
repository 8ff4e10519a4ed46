#include "report/status.hpp"

#include "base/time.hpp"

#include <algorithm>

namespace bundlesync::report {

StatusBoard::StatusBoard(async::Clock& clock, const Ages& ages) : clock_(clock), ages_(ages) {
  status_.started_at = format_time(clock.wall_now());
}

void StatusBoard::started(const Started& started) {
  status_.agent_version = started.version;
  status_.config = started.config;
  status_.target = started.target;
  status_.remote = started.remote;
  status_.mode = started.mode;
}

void StatusBoard::settled(const Settled& settled) {
  status_.standby.clear();
  status_.ready = status_.ready || settled.ready;
  status_.missing = settled.missing;
  status_.view = settled.view;
  status_.epoch = settled.epoch;
  status_.problems = settled.problems;
  status_.disk_bytes = settled.disk_bytes;
  status_.disk_budget_bytes = settled.disk_budget_bytes;
  status_.templates.clear();
  for (const auto& entry : settled.templates) {
    TemplateLine line;
    line.name = entry.name;
    line.state = plan::to_string(entry.state);
    line.version = entry.shown_version;
    line.manifest_sha256 = entry.shown_manifest;
    line.source = entry.source;
    line.since = entry.since;
    line.generation = entry.generation;
    line.desired_version = entry.desired_version;
    line.desired_generation = entry.desired_generation;
    line.reason = entry.reason;
    line.detail = entry.detail;
    line.next_try = entry.next_try;
    line.path = entry.path;
    line.prefetched = entry.prefetched;
    status_.templates.push_back(std::move(line));
  }
}

void StatusBoard::failed(const Error& error) {
  status_.last_error = error.line();
  status_.last_error_at = format_time(clock_.wall_now());
}

void StatusBoard::connected(const std::string& host, const std::string& role) {
  status_.host = host;
  status_.role = role;
}

void StatusBoard::credential(const Credential& credential) {
  status_.key_role = credential.role;
  status_.key_expires = credential.expires ? format_time(*credential.expires) : "";
}

bool StatusBoard::privileged(std::string_view what, bool is) {
  const auto found = std::ranges::find(status_.privileged, what);
  if ((found != status_.privileged.end()) == is) return false;
  if (is) {
    status_.privileged.emplace_back(what);
  } else {
    status_.privileged.erase(found);
  }
  return true;
}

void StatusBoard::lost(std::string_view source, const Error& error) {
  away_.insert_or_assign(std::string(source), error.line());
  failed(error);
}

void StatusBoard::contacted(std::string_view source) {
  const auto away = away_.find(source);
  if (away != away_.end()) away_.erase(away);
}

std::string StatusBoard::ago(std::chrono::duration<double> age) const {
  return format_time(clock_.wall_now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(age));
}

Status StatusBoard::snapshot() const {
  Status status = status_;
  status.written_at = format_time(clock_.wall_now());
  for (const auto& [name, contact] : ages_.contacts()) {
    SourceStatus source;
    source.name = name;
    if (contact.ever) source.last_contact = ago(contact.age);
    const auto away = away_.find(name);
    if (away != away_.end()) source.error = away->second;
    source.reachable = contact.ever && source.error.empty();
    status.sources.push_back(std::move(source));
  }
  const auto late = ages_.out_of_date();
  for (auto& line : status.templates) {
    const auto age = late.find(line.name);
    if (age != late.end()) line.out_of_date_since = ago(age->second);
  }
  return status;
}

}  // namespace bundlesync::report
