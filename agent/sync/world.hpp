#pragma once

#include "async/clock.hpp"
#include "async/pool.hpp"
#include "base/random.hpp"
#include "disk/alternatives.hpp"
#include "disk/state.hpp"
#include "disk/target.hpp"
#include "disk/trees.hpp"
#include "hooks/announcer.hpp"
#include "hooks/validator.hpp"
#include "live/live_view.hpp"
#include "plan/plan.hpp"
#include "plan/retention.hpp"
#include "report/reporter.hpp"
#include "storage/storage.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>

/// The story, in order: watch → reconcile → fetch → activate → tidy.
namespace bundlesync::sync {

struct FetchPermits;

/// The settings that the story needs, as values.
struct Options {
  plan::Policy policy;
  plan::RetentionPolicy retention;
  std::chrono::seconds cache_ttl{std::chrono::hours(24)};
  std::chrono::nanoseconds rescan_interval = std::chrono::seconds(30);  ///< of the local and fallback directories
  std::chrono::nanoseconds prefetch_spread = std::chrono::seconds(60);
  std::chrono::nanoseconds download_deadline = std::chrono::seconds(60);  ///< of one object
  std::size_t fetch_parallel = 8;  ///< objects on their way at once, over all versions
  std::filesystem::path local_dir;
  std::filesystem::path fallback_dir;
  bool remote = false;
  bool accept_without_validator = false;       ///< hooks.validate.on_error: what the validator does not judge is shown
  std::chrono::nanoseconds scrub_interval{0};  ///< every shown tree is hashed again so often; 0: never
  std::uint64_t scrub_bytes_per_second = 16 << 20;  ///< and no faster than this, over all of them
};

/// Everything outside the story, each behind its seam. Owned by cli/wiring (or by a test); outlives everything in
/// sync/.
struct World {
  asio::any_io_executor executor;
  async::Clock& clock;
  async::Pool& disk_pool;
  disk::Target& target;
  disk::Trees& trees;
  disk::StateStore& state;
  live::LiveView& live;
  storage::Storage* storage;  ///< null with remote off
  report::Reporter& reporter;
  Random& random;
  hooks::Validator* validator = nullptr;          ///< there where Policy::validate
  const hooks::Announcers* announcers = nullptr;  ///< who is told what is shown; null: nobody
  FetchPermits* fetch_permits = nullptr;          ///< null: of this target alone
};

}  // namespace bundlesync::sync
