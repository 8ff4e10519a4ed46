#pragma once

#include "async/task_group.hpp"
#include "async/wakeup.hpp"
#include "plan/plan.hpp"
#include "sync/permits.hpp"
#include "sync/world.hpp"

#include <map>
#include <optional>
#include <set>

namespace bundlesync::sync {

/// The questions to the validator: one bounded task a version, cancelled when nobody wants it any more. An answer is a
/// wake-up like a notification. Vetoes are remembered by content, across restarts too. Loop thread only.
class Validations {
 public:
  using Known = std::map<plan::ContentKey, plan::Validation>;

  Validations(World world, const Options& options, async::Wakeup& wakeup);

  /// Asks about all of these that are not being asked about, and ends the questions about others.
  void ask(const std::vector<plan::Validate>& wanted);
  /// Cancels all and waits until every one has unwound.
  Task<> stop();

  std::set<plan::ContentKey> running() const;
  Known known(async::Steady now) const;
  /// When one that got no answer may be asked again; Steady::max() where none waits.
  async::Steady next_retry() const;
  std::optional<async::Steady> retry_at(const plan::ContentKey& content) const;
  void forget_all_but(const std::set<plan::ContentKey>& wanted);

  /// Vetoes of an earlier life of the agent.
  void remember(Known vetoes);
  /// All vetoes, when they are others than at the last call.
  std::optional<Known> unsaved_vetoes();

 private:
  class Ended;
  struct Entry {
    plan::Validation value;
    unsigned attempts = 0;
    async::Steady retry_at{};
  };

  Task<Result<void>> put(plan::Validate question);
  void note(const plan::Validate& question, const Result<hooks::Judgement>& judgement,
            std::chrono::duration<double> took);
  Known vetoes() const;

  World world_;
  const Options& options_;
  async::Wakeup& wakeup_;
  Permits permits_;
  std::map<plan::ContentKey, bool> running_;  ///< and whether it was cancelled
  std::map<plan::ContentKey, Entry> known_;
  bool vetoes_changed_ = false;
  async::TaskGroup tasks_;  ///< last: its children refer to all of the above
};

}  // namespace bundlesync::sync
