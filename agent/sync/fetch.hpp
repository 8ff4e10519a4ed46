#pragma once

#include "sync/fetches.hpp"

namespace bundlesync::sync {

/// Brings one version's bytes to this disk: a stage, every file of it verified while it comes (from this disk where it
/// has the bytes, else from storage, several side by side), then a complete tree. Cancellable at any time; the stage is
/// removed then, and what was verified goes to the cache. No retry: the caller decides. Every object takes a permit of
/// `first`, where there is one, and then one of `permits`.
Task<Result<Fetches::Finished>> fetch_version(World world, const Options& options, Permits* first, Permits& permits,
                                              plan::Fetch fetch, LocalBytes local_bytes);

}  // namespace bundlesync::sync
