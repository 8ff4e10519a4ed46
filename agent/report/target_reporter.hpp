#pragma once

#include "report/ages.hpp"
#include "report/health.hpp"
#include "report/log_reporter.hpp"
#include "report/metrics.hpp"
#include "report/status.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace bundlesync::report {

/// Whoever speaks for all targets of an agent hears here what one of them did.
class AgentVoice : public Reporter {
 public:
  /// A target has a new summary().
  virtual void target_changed() = 0;
};

/// What one target says: to the log, its own metrics, its status document and its health. What concerns them all (the
/// database, the storage, the process) it hands to the agent's voice, which tells every target.
class TargetReporter final : public Reporter {
 public:
  /// `name` is empty where there is one target. `log` may be the agent's own.
  TargetReporter(AgentVoice& agent, async::Clock& clock, std::shared_ptr<LogReporter> log, std::string name);

  const std::string& name() const { return name_; }
  const Ages& ages() const { return ages_; }
  Health& health() { return health_; }
  TargetMetrics& metrics() { return metrics_; }
  std::string status_json() const { return status_to_json(board_.snapshot()); }
  Status status() const { return board_.snapshot(); }
  /// For `systemctl status`: "shows 2 of 3 templates, view 7; intake is refused (digest_mismatch)", "standby: …"; empty
  /// until one of the two is known.
  const std::string& summary() const { return summary_; }

  void started(const Started& started) override;
  void shown_at_start(const Activated& shown) override;
  void activated(const Activated& activated) override;
  void settled(const Settled& settled) override;
  void sync_failed(const Error& error) override;
  void fetch_ended(const std::string& template_name, const std::string& version, bool ok, const std::string& reason,
                   std::uint64_t bytes, std::chrono::duration<double> took) override;
  void validated(const Validated& validated) override;
  void scrubbed(const Scrubbed& scrubbed) override;
  void standby(const Error& held) override;
  void repaired(const std::string& fact) override;
  void warning(const std::string& fact) override;
  void task_running(std::string_view task, bool running) override { health_.task_running(task, running); }
  std::optional<std::string> unsaved_status() override;

  // Of all targets.
  void storage_answered(std::string_view code) override { agent_.storage_answered(code); }
  void connected(const std::string& host, const std::string& role, std::string_view mode) override {
    agent_.connected(host, role, mode);
  }
  void lost(std::string_view source, const Error& error, std::chrono::duration<double> retry_in) override {
    agent_.lost(source, error, retry_in);
  }
  void found(std::string_view source, std::chrono::duration<double> away, unsigned attempts) override {
    agent_.found(source, away, attempts);
  }
  void mode_changed(std::string_view mode, std::string_view reason, std::string_view hint) override {
    agent_.mode_changed(mode, reason, hint);
  }
  void listen_verified(bool verified) override { agent_.listen_verified(verified); }
  void notified() override { agent_.notified(); }
  void contacted(std::string_view source) override { agent_.contacted(source); }
  void credential(const Credential& credential) override { agent_.credential(credential); }
  void privileged(std::string_view what, const std::string& why) override { agent_.privileged(what, why); }
  void announced(const Announced& announced) override { agent_.announced(announced); }
  void stopping(std::string_view why) override { agent_.stopping(why); }
  void tick() override { agent_.tick(); }

  // What the agent's voice tells every target.
  void hear_connected(const std::string& host, const std::string& role);
  void hear_lost(std::string_view source, const Error& error);
  void hear_contacted(std::string_view source);
  void hear_mode(std::string_view mode);
  void hear_listen_verified(bool verified);
  void hear_credential(const Credential& credential);
  void hear_privileged(std::string_view what, bool is);

 private:
  AgentVoice& agent_;
  const std::string name_;
  std::shared_ptr<LogReporter> log_;
  Ages ages_;
  TargetMetrics metrics_;
  StatusBoard board_;
  Health health_;
  std::string summary_;
  bool remote_ = false;
  std::uint64_t revision_ = 0;  ///< rises whenever the status document says something new, its ages apart
  std::uint64_t saved_revision_ = 0;
};

}  // namespace bundlesync::report
