#pragma once

#include "report/ages.hpp"
#include "report/events.hpp"
#include "report/health.hpp"
#include "report/health_server.hpp"
#include "report/log_reporter.hpp"
#include "report/metrics.hpp"
#include "report/status.hpp"
#include "report/systemd.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace bundlesync::report {

/// The agent's reporter: tells each fact to the log, the metrics, the status document, the health rules and the service
/// manager, and serves the pages made of them: /healthz, /readyz, /metrics, /status, and / for a person.
class OperatorReporter final : public Reporter, public Pages {
 public:
  OperatorReporter(async::Clock& clock, std::shared_ptr<spdlog::logger> log, ServiceManager manager);

  /// The status document as of now: what /status serves and what the agent saves for `bundlesync status`.
  std::string status_json() const { return status_to_json(board_.snapshot()); }
  std::optional<std::string> unsaved_status() override;

  std::optional<Page> page(std::string_view path) override;

  void started(const Started& started) override;
  void shown_at_start(const Activated& shown) override;
  void activated(const Activated& activated) override;
  void settled(const Settled& settled) override;
  void sync_failed(const Error& error) override;
  void fetch_ended(const std::string& template_name, const std::string& version, bool ok, const std::string& reason,
                   std::uint64_t bytes, std::chrono::duration<double> took) override;
  void storage_answered(std::string_view code) override;
  void connected(const std::string& host, const std::string& role, std::string_view mode) override;
  void lost(std::string_view source, const Error& error, std::chrono::duration<double> retry_in) override;
  void found(std::string_view source, std::chrono::duration<double> away, unsigned attempts) override;
  void mode_changed(std::string_view mode, std::string_view reason, std::string_view hint) override;
  void listen_verified(bool verified) override;
  void notified() override;
  void contacted(std::string_view source) override;
  void credential(const Credential& credential) override;
  void privileged(std::string_view what, const std::string& why) override;
  void validated(const Validated& validated) override;
  void scrubbed(const Scrubbed& scrubbed) override;
  void warning(const std::string& fact) override;
  void standby(const Error& held) override;
  void repaired(const std::string& fact) override;
  void stopping(std::string_view why) override;
  void tick() override;
  void task_running(std::string_view task, bool running) override;

 private:
  Events events_;
  LogReporter log_;
  Ages ages_;
  Metrics metrics_;
  StatusBoard board_;
  Health health_;
  ServiceManager manager_;
  std::uint64_t revision_ = 0;  ///< rises whenever the status document says something new, its ages apart
  std::uint64_t saved_revision_ = 0;
};

}  // namespace bundlesync::report
