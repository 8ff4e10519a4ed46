#pragma once

#include "base/error.hpp"
#include "report/reporter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::fakes {

/// Remembers everything it is told: as values where a test looks into them, and as one short line a call, in order.
class RecordingReporter : public report::Reporter {
 public:
  struct Fetch {
    std::string template_name;
    std::string version;
    bool ok = false;
    std::string reason;
    std::uint64_t bytes = 0;
  };

  std::vector<std::string> lines;  ///< every call but settled(), tick() and contacted()
  std::vector<report::Started> starts;
  std::vector<report::Activated> starts_shown;
  std::vector<report::Activated> activations;
  std::vector<report::Settled> settlements;
  std::vector<Error> failures;
  std::vector<Fetch> fetches;
  std::vector<report::Validated> validations;
  std::vector<report::Scrubbed> scrubs;
  std::vector<std::string> warnings;
  std::vector<std::string> repairs;
  std::map<std::string, unsigned, std::less<>> contacts;  ///< by source
  std::map<std::string, unsigned, std::less<>> storage_codes;
  std::map<std::string, bool, std::less<>> tasks;
  unsigned ticks = 0;
  unsigned notifications = 0;

  /// The last word on a template; nullptr when it was never in a settlement.
  const report::TemplateReport* last(std::string_view template_name) const {
    for (auto settled = settlements.rbegin(); settled != settlements.rend(); ++settled) {
      const auto found = std::ranges::find(settled->templates, template_name, &report::TemplateReport::name);
      if (found != settled->templates.end()) return &*found;
    }
    return nullptr;
  }
  bool ready() const { return !settlements.empty() && settlements.back().ready; }
  /// Calls whose line begins so.
  std::size_t count(std::string_view beginning) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(lines, [&](const std::string& line) { return line.starts_with(beginning); }));
  }

  void validated(const report::Validated& validated) override { validations.push_back(validated); }
  void scrubbed(const report::Scrubbed& scrubbed) override { scrubs.push_back(scrubbed); }
  void started(const report::Started& started) override {
    starts.push_back(started);
    lines.push_back("started");
  }
  void shown_at_start(const report::Activated& shown) override {
    starts_shown.push_back(shown);
    lines.push_back("shown_at_start" + moves(shown));
  }
  void activated(const report::Activated& activated) override {
    activations.push_back(activated);
    lines.push_back("activated" + moves(activated));
  }
  void settled(const report::Settled& settled) override { settlements.push_back(settled); }
  void sync_failed(const Error& error) override {
    failures.push_back(error);
    lines.push_back("sync_failed " + error.fact());
  }
  void fetch_ended(const std::string& template_name, const std::string& version, bool ok, const std::string& reason,
                   std::uint64_t bytes, std::chrono::duration<double>) override {
    fetches.push_back(Fetch{template_name, version, ok, reason, bytes});
    lines.push_back(fmt::format("fetch_ended {} {} {}", template_name, version, ok ? "ok" : reason));
  }
  void storage_answered(std::string_view code) override { ++storage_codes[std::string(code)]; }
  void connected(const std::string& host, const std::string& role, std::string_view mode) override {
    lines.push_back(fmt::format("connected {} {} {}", host, role, mode));
  }
  void lost(std::string_view source, const Error& error, std::chrono::duration<double>) override {
    lines.push_back(fmt::format("lost {} {}", source, error.fact()));
  }
  void found(std::string_view source, std::chrono::duration<double>, unsigned attempts) override {
    lines.push_back(fmt::format("found {} attempts={}", source, attempts));
  }
  void mode_changed(std::string_view mode, std::string_view reason, std::string_view) override {
    lines.push_back(fmt::format("mode_changed {} {}", mode, reason));
  }
  void listen_verified(bool verified) override {
    lines.push_back(verified ? "listen_verified" : "listen_not_verified");
  }
  void notified() override { ++notifications; }
  void contacted(std::string_view source) override { ++contacts[std::string(source)]; }
  void warning(const std::string& fact) override {
    warnings.push_back(fact);
    lines.push_back("warning " + fact);
  }
  void standby(const Error& held) override { lines.push_back("standby " + held.fact()); }
  void repaired(const std::string& fact) override {
    repairs.push_back(fact);
    lines.push_back("repaired " + fact);
  }
  void stopping(std::string_view why) override { lines.push_back(fmt::format("stopping {}", why)); }
  void tick() override { ++ticks; }
  void task_running(std::string_view task, bool running) override { tasks[std::string(task)] = running; }

 private:
  /// " section7=1.0.0>1.1.0 intake=>2.0.0"
  static std::string moves(const report::Activated& activated) {
    std::string text;
    for (const auto& entry : activated.templates) {
      text += fmt::format(" {}={}>{}", entry.name, entry.from_version, entry.to_version);
    }
    return text;
  }
};

}  // namespace bundlesync::fakes
