#pragma once

#include "report/ages.hpp"
#include "report/reporter.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
struct MetricFamily;
}

namespace bundlesync::report {

/// What one target shows and does, as series. With a name every series carries it as `target`.
class TargetMetrics {
 public:
  TargetMetrics(const Ages& ages, std::string name);
  ~TargetMetrics();

  void started(const Started& started);
  void activated(const Activated& activated);
  void standby();
  void settled(const Settled& settled);
  void sync_failed();
  void fetch_ended(bool ok, std::uint64_t bytes, std::chrono::duration<double> took);
  void validated(std::string_view answer, std::chrono::duration<double> took);
  void scrubbed(std::string_view outcome);

 private:
  friend class Metrics;
  struct Families;
  void collect(std::map<std::string, prometheus::MetricFamily>& into);

  const Ages& ages_;
  const std::string name_;
  std::unique_ptr<Families> families_;
};

/// What /metrics serves: what all targets share, and each target's own. Labels carry template names, versions and codes
/// of ours, never a path; the series of a version or a template go when it goes. Loop thread only.
class Metrics {
 public:
  explicit Metrics(const Ages& contacts);
  ~Metrics();
  /// What it says is served, too, from now on.
  void add(TargetMetrics& target);

  void started(const Started& started);
  void storage_answered(std::string_view code);
  void lost(std::string_view source, const Error& error);
  void found(std::string_view source);
  void mode(std::string_view mode);
  void listen_verified(bool verified);
  void notified();
  void credential(const Credential& credential);
  void privileged(std::string_view what, bool is);
  void announced(const Announced& announced);

  /// Prometheus text format 0.0.4, families and series sorted by name, ages as of now.
  std::string text();

 private:
  struct Families;
  const Ages& contacts_;
  std::unique_ptr<Families> families_;
  std::vector<TargetMetrics*> targets_;
};

}  // namespace bundlesync::report
