#pragma once

#include "report/events.hpp"
#include "report/health_server.hpp"
#include "report/log_reporter.hpp"
#include "report/metrics.hpp"
#include "report/systemd.hpp"
#include "report/target_reporter.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bundlesync::report {

/// The agent's reporter: tells each fact to the log, the metrics, the status documents, the health rules and the
/// service manager, and serves the pages made of them: /healthz, /readyz, /metrics, /status, and / for a person. What
/// it is told of a target is the first one's; each of several has its own, target().
class OperatorReporter final : public AgentVoice, public Pages {
 public:
  /// `targets` are the names of several; one target has none.
  OperatorReporter(async::Clock& clock, std::shared_ptr<spdlog::logger> log, ServiceManager manager,
                   std::vector<std::string> targets = std::vector<std::string>(1));

  TargetReporter& target(std::size_t index);

  /// The status document as of now: what /status serves.
  std::string status_json() const;
  std::optional<std::string> unsaved_status() override { return first().unsaved_status(); }

  /// Of several targets, /status/NAME and /readyz/NAME are one's, too.
  std::optional<Page> page(std::string_view path) override;

  // Of all targets.
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
  void warning(const std::string& fact) override;
  void announced(const Announced& announced) override;
  void stopping(std::string_view why) override;
  void tick() override;
  void target_changed() override;

  /// Of the agent, and of its first target.
  void started(const Started& started) override;

  // Of the first target.
  void shown_at_start(const Activated& shown) override { first().shown_at_start(shown); }
  void activated(const Activated& activated) override { first().activated(activated); }
  void settled(const Settled& settled) override { first().settled(settled); }
  void sync_failed(const Error& error) override { first().sync_failed(error); }
  void fetch_ended(const std::string& template_name, const std::string& version, bool ok, const std::string& reason,
                   std::uint64_t bytes, std::chrono::duration<double> took) override {
    first().fetch_ended(template_name, version, ok, reason, bytes, took);
  }
  void validated(const Validated& validated) override { first().validated(validated); }
  void scrubbed(const Scrubbed& scrubbed) override { first().scrubbed(scrubbed); }
  void standby(const Error& held) override { first().standby(held); }
  void repaired(const std::string& fact) override { first().repaired(fact); }
  void task_running(std::string_view task, bool running) override { first().task_running(task, running); }

 private:
  TargetReporter& first() { return targets_.front(); }
  TargetReporter* find(std::string_view name);
  Page person_page() const;
  Health::Verdict alive();
  Health::Verdict ready();

  Events events_;
  std::shared_ptr<LogReporter> log_;
  std::list<TargetReporter> targets_;
  Metrics metrics_;
  ServiceManager manager_;
};

}  // namespace bundlesync::report
