#pragma once

#include "catalog/feed.hpp"
#include "catalog/watch_plan.hpp"
#include "sync/audience.hpp"
#include "sync/world.hpp"

namespace bundlesync::sync {

using WatchOptions = catalog::WatchOptions;

/// Keeps one session to the catalog and hands every answer to the audience, once it has gathered: listen first, then
/// ask; ask again at every notification, at the poll, and in full after a reconnect. Decides nothing:
/// catalog::WatchPlan does. Ends only by cancellation.
Task<Result<void>> watch(World world, catalog::Feed& feed, Audience& audience, WatchOptions options);

}  // namespace bundlesync::sync
