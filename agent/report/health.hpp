#pragma once

#include "async/clock.hpp"

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::report {

/// Alive and ready, as probes ask. Neither is a function of a remote: a database that restarts must not make an
/// orchestrator kill every pod.
class Health {
 public:
  /// Longer than that without a tick, and the loop hangs.
  static constexpr std::chrono::seconds tick_age_max{10};

  struct Verdict {
    bool ok = false;
    std::string text;  ///< one line for people: "ok", or what is wrong
  };

  explicit Health(async::Clock& clock) : clock_(clock), ticked_(clock.now()) {}

  void tick() { ticked_ = clock_.now(); }
  /// A task that was ever running must go on running until stopping().
  void task_running(std::string_view task, bool running) { tasks_[std::string(task)] = running; }
  /// Once ready, always ready: no source, refusal or new template can take a pod out of service.
  void settled(bool ready, const std::vector<std::string>& missing);
  void standby(std::string_view why) { standby_ = why; }
  void stopping() { stopping_ = true; }

  /// The loop ticked lately and every task runs.
  Verdict alive() const;
  Verdict ready() const;

 private:
  async::Clock& clock_;
  async::Steady ticked_;
  std::map<std::string, bool> tasks_;
  bool ready_ = false;
  bool settled_ = false;
  bool stopping_ = false;
  std::vector<std::string> missing_;
  std::string standby_;
};

}  // namespace bundlesync::report
