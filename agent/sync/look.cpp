#include "sync/reconciler.hpp"

/// A target that is not ours to write: what is shown is said as it is found, and an alarm where it is not whole.
namespace bundlesync::sync {

Task<> Reconciler::look() {
  forget_disk();
  Result<void> loaded = co_await load_memory();
  if (!loaded) world_.reporter.sync_failed(loaded.error());
  Result<void> listed = co_await read_trees();
  if (!listed) world_.reporter.sync_failed(listed.error());
  Result<void> checked = co_await check_live_trees(false);
  if (!checked) world_.reporter.sync_failed(checked.error());
  co_await rescan_alternatives();
  co_await measure();
  decide();
  settle();
}

}  // namespace bundlesync::sync
