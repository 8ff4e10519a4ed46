#pragma once

#include "sync/audience.hpp"
#include "sync/reconciler.hpp"
#include "sync/world.hpp"

#include <optional>

namespace bundlesync::sync {

/// How `--once` ended.
struct OnceOutcome {
  plan::Readiness readiness;
  bool converged = false;               ///< every wanted template shows what the catalog names
  std::vector<std::string> unfinished;  ///< "NAME: state reason" of each that does not
};

/// Keeps one target: whose it is, what its start mends, what is shown, and its status on disk. It attends while the
/// target is ours, and hears there what the catalog says. Loop thread only.
class Keeper {
 public:
  /// All of them must outlive it.
  Keeper(World world, const Options& options, Audience& audience);

  /// Waits until the target is ours (standby), re-checks what is shown, then follows until it is cancelled. A swap in
  /// progress finishes. A target that cannot be locked, though nobody holds it, is served as it is until it can. An
  /// error means that the target cannot be used at all; it may be called again, but for reason target_replaced: the
  /// world's target is that directory no more.
  Task<Result<void>> follow();

  /// Tries to reach the desired versions within `timeout`, then ends. Errors: held (another agent has the target). A
  /// target that cannot be locked otherwise is only looked at. Once.
  Task<Result<OnceOutcome>> once(async::Duration timeout);

 private:
  Task<disk::TargetLock> standby();
  Task<Result<void>> recover(async::Duration patience);
  Task<Result<void>> reconcile(bool until_settled);
  Task<Result<void>> scrub();
  Task<Result<void>> guard(std::optional<Error>& replaced);
  Task<Result<void>> keep_status();
  Task<> save_status();
  OnceOutcome outcome() const;

  World world_;
  const Options& options_;
  Audience& audience_;
  Reconciler reconciler_;
};

}  // namespace bundlesync::sync
