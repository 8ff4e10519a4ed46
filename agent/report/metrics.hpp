#pragma once

#include "report/ages.hpp"
#include "report/reporter.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace bundlesync::report {

/// What /metrics serves. Labels carry template names, versions and codes of ours, never a path; the series of a version
/// or a template go when it goes. Loop thread only.
class Metrics {
 public:
  explicit Metrics(const Ages& ages);
  ~Metrics();

  void started(const Started& started);
  void activated(const Activated& activated);
  void settled(const Settled& settled);
  void sync_failed();
  void fetch_ended(bool ok, std::uint64_t bytes, std::chrono::duration<double> took);
  void storage_answered(std::string_view code);
  void lost(std::string_view source, const Error& error);
  void found(std::string_view source);
  void mode(std::string_view mode);
  void listen_verified(bool verified);
  void notified();
  void credential(const Credential& credential);
  void privileged(std::string_view what, bool is);
  void validated(std::string_view answer, std::chrono::duration<double> took);
  void scrubbed(std::string_view outcome);

  /// Prometheus text format 0.0.4, families and series sorted by name, ages as of now.
  std::string text();

 private:
  struct Families;
  const Ages& ages_;
  std::unique_ptr<Families> families_;
};

}  // namespace bundlesync::report
