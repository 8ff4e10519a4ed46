#pragma once

#include "async/task_group.hpp"
#include "async/wakeup.hpp"
#include "plan/plan.hpp"
#include "sync/permits.hpp"
#include "sync/world.hpp"

#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace bundlesync::sync {

/// Where on this machine a digest's bytes are, outside our own directory (local and fallback files).
using LocalBytes = std::map<Digest, std::filesystem::path>;

/// The fetches under way: one bounded task a version, cancelled when nobody wants it any more. A finished fetch is a
/// wake-up like a notification; what it brought is found by the next pass. Loop thread only.
class Fetches {
 public:
  /// What a finished fetch left behind.
  struct Finished {
    plan::ContentKey content;
    plan::TreeId tree;
    bundle::Bundle bundle;
    std::uint64_t downloaded_bytes = 0;
  };

  Fetches(World world, const Options& options, async::Wakeup& wakeup);

  /// Begins to bring a version's bytes. One that is under way already goes on.
  void start(const plan::Fetch& fetch, LocalBytes local_bytes);
  /// Ends it soon; what it had verified goes to the cache. Unknown keys are fine.
  void cancel(const plan::ContentKey& content);
  /// Cancels all and waits until every one has unwound.
  Task<> stop();

  std::set<plan::ContentKey> running() const;
  std::set<plan::ContentKey> prefetching() const;  ///< those of running() that began as a prefetch
  std::uint64_t reserved_bytes() const;            ///< of this disk, for all of running()
  /// Takes what has finished well since the last call.
  std::list<Finished> take_finished();
  /// What failed and has not succeeded since, judged at `now`.
  std::map<plan::ContentKey, plan::FetchFailure> failures(async::Steady now) const;
  /// When the next failed one may be tried again; Steady::max() where none waits.
  async::Steady next_retry() const;
  /// Forgets failures of versions that nobody wants: the table stays as small as the catalog.
  void forget_all_but(const std::set<plan::ContentKey>& wanted);
  /// For people: when a failed one is tried again, on the wall clock. Empty where it is not waiting.
  std::optional<async::Steady> retry_at(const plan::ContentKey& content) const;

 private:
  struct Running {
    Running(bool is_prefetch, std::uint64_t disk_bytes) : prefetch(is_prefetch), bytes(disk_bytes) {}
    bool prefetch;
    std::uint64_t bytes;  ///< that it takes of this disk
    bool cancelled = false;
  };
  class Ended;
  struct Failure {
    plan::FetchFailure value;
    unsigned attempts = 0;
    async::Steady retry_at{};
  };

  Task<Result<void>> bring(plan::Fetch fetch, LocalBytes local_bytes);
  void note(const plan::Fetch& fetch, Result<Finished> result, std::chrono::duration<double> took);
  void note_failure(const plan::ContentKey& content, std::uint64_t generation, const Error& error);

  World world_;
  const Options& options_;
  async::Wakeup& wakeup_;
  std::optional<FetchPermits> own_permits_;
  FetchPermits& permits_;
  std::map<plan::ContentKey, Running> running_;
  std::map<plan::ContentKey, Failure> failed_;
  std::list<Finished> finished_;
  async::TaskGroup tasks_;  ///< last: its children refer to all of the above
};

}  // namespace bundlesync::sync
