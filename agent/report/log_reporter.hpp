#pragma once

#include "report/events.hpp"
#include "report/reporter.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace spdlog {
class logger;
}

namespace bundlesync::report {

/// Says lines, each with the same words behind it, and lets `events` hear them.
struct Voice {
  std::shared_ptr<spdlog::logger> log;
  std::string suffix;
  Events* events = nullptr;
};

inline constexpr std::size_t proof_lines_max = 100;     ///< of one template; above it one line stands for all its files
inline constexpr std::size_t activate_moves_max = 20;   ///< named in one activate line; the rest is counted
inline constexpr std::size_t warnings_kept_max = 1000;  ///< different texts that are remembered as said

/// Puts what happens into lines (README.md, "The log"): one line an event, one line a transition.
class LogReporter final : public Reporter {
 public:
  /// With a name every line ends in target=NAME, and what concerns all targets is said by begins() of another.
  /// `events`, where there are any, must outlive it: they get every line but [PROOF].
  explicit LogReporter(std::shared_ptr<spdlog::logger> log, Events* events = nullptr, std::string target = {});
  ~LogReporter() override;

  /// For whoever speaks for several targets: what started() would say and keep besides the target's own lines.
  void begins(const Started& started);

  void started(const Started& started) override;
  void shown_at_start(const Activated& shown) override;
  void activated(const Activated& activated) override;
  void settled(const Settled& settled) override;
  void sync_failed(const Error& error) override;
  void fetch_ended(const std::string& template_name, const std::string& version, bool ok, const std::string& reason,
                   std::uint64_t bytes, std::chrono::duration<double> took) override;
  void connected(const std::string& host, const std::string& role, std::string_view mode) override;
  void lost(std::string_view source, const Error& error, std::chrono::duration<double> retry_in) override;
  void found(std::string_view source, std::chrono::duration<double> away, unsigned attempts) override;
  void mode_changed(std::string_view mode, std::string_view reason, std::string_view hint) override;
  void listen_verified(bool verified) override;
  void credential(const Credential& credential) override;
  void privileged(std::string_view what, const std::string& why) override;
  void validated(const Validated& validated) override;
  void scrubbed(const Scrubbed& scrubbed) override;
  void announced(const Announced& announced) override;
  void warning(const std::string& fact) override;
  void standby(const Error& held) override;
  void repaired(const std::string& fact) override;
  void stopping(std::string_view why) override;

  // What comes and goes all the time is for the metrics.
  void notified() override {}
  void contacted(std::string_view) override {}
  void tick() override {}
  void task_running(std::string_view, bool) override {}

 private:
  Voice voice_;
  const bool is_of_one_target_;  ///< of several
  Settled settled_;              ///< the last one
  std::set<std::string, std::less<>> lost_;
  std::set<std::string, std::less<>> warned_;
  std::string failure_;  ///< the last error of a pass; empty after one that did what it wanted
  bool failed_now_ = false;
  std::string mode_;
  bool listen_was_verified_ = false;
  bool standby_said_ = false;
  std::string key_role_;  ///< as last said
  std::string key_expires_;
  std::map<std::string, std::string> privileged_;  ///< what → why, as last said
};

}  // namespace bundlesync::report
