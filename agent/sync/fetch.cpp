#include "sync/fetch.hpp"

#include "async/pool.hpp"
#include "async/task_group.hpp"
#include "async/timeout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace bundlesync::sync {
namespace {

/// Hands the bytes of a download to a file of the stage, on the pool.
class StageSink : public storage::ByteSink {
 public:
  StageSink(async::Pool& pool, disk::StageFile& file) : pool_(pool), file_(file) {}
  Task<Result<void>> write(std::string_view bytes) override {
    disk::StageFile& file = file_;
    Result<void> written = co_await async::offload(pool_, [&file, bytes] { return file.write(bytes); });
    if (written) written_ += bytes.size();
    co_return written;
  }
  std::uint64_t written() const { return written_; }

 private:
  async::Pool& pool_;
  disk::StageFile& file_;
  std::uint64_t written_ = 0;
};

/// A stage that is dropped on the pool: removing what was staged takes system calls, whoever cancels.
class HeldStage {
 public:
  HeldStage(async::Pool& pool, std::unique_ptr<disk::Stage> stage) : pool_(pool), stage_(std::move(stage)) {}
  HeldStage(const HeldStage&) = delete;
  HeldStage& operator=(const HeldStage&) = delete;
  ~HeldStage() {
    pool_.post([stage = std::move(stage_)] {});
  }
  disk::Stage& operator*() const { return *stage_; }

 private:
  async::Pool& pool_;
  std::unique_ptr<disk::Stage> stage_;
};

/// One version on its way. Lives in the frame of fetch_version, which outlives its workers.
struct Work {
  World world;
  const Options& options;
  Permits* first;  ///< taken before `permits`; may be null
  Permits& permits;
  const plan::Fetch& fetch;
  disk::Stage& stage;
  std::vector<bundle::File> missing;  ///< not on this disk: to be downloaded
  std::size_t next = 0;               ///< into missing
  std::uint64_t downloaded_bytes = 0;
  std::optional<Error> failure;  ///< of the first file that failed
};

/// Everything that this disk already has, in one go on the pool; what it has not is returned.
Result<std::vector<bundle::File>> take_what_is_here(disk::Stage& stage, const bundle::Bundle& bundle,
                                                    const LocalBytes& local_bytes) {
  std::vector<bundle::File> missing;
  for (const auto& file : bundle.files) {
    Result<bool> taken = stage.take_from_disk(file);
    if (!taken) return fail(taken.error());
    if (!*taken) {
      const auto local = local_bytes.find(file.sha256);
      // A local copy that cannot be read is no reason to stop: storage has the bytes too.
      if (local != local_bytes.end()) taken = stage.take_from(local->second, file).value_or(false);
    }
    if (!*taken) missing.push_back(file);
  }
  return missing;
}

std::string answer_code(const Error& error) {
  if (!error.reason().empty()) return error.reason();
  return error.kind() == ErrorKind::timed_out ? "timeout" : "error";
}

/// Bytes that are not what was published are told in pairs, as the refuse line has them; every other error in its own
/// words.
Error in_pairs(const Error& error, const bundle::File& file, std::uint64_t bytes, const disk::StageFile& got) {
  if (error.reason() == "digest_mismatch") {
    return Error(ErrorKind::refused, fmt::format("path={} want={} got={} bytes={}", file.path, file.sha256.hex(),
                                                 got.digest().hex(), bytes))
        .with_reason(error.reason());
  }
  const bool size_is_wrong = error.reason() == "size_mismatch" || error.reason() == "object_too_large";
  if (size_is_wrong && file.size) {
    // A longer object is left as soon as it is known to be longer: how much more there is, nobody asked.
    const std::string seen = bytes < *file.size ? fmt::format("{}", bytes) : "more";
    return Error(ErrorKind::refused, fmt::format("path={} want={} got={} bytes={}", file.path, *file.size, seen, bytes))
        .with_reason("size_mismatch");
  }
  return error;
}

Task<Result<void>> download(Work& work, const bundle::File& file) {
  disk::Stage& stage = work.stage;
  async::Pool& pool = work.world.disk_pool;
  Result<std::unique_ptr<disk::StageFile>> created =
      co_await async::offload(pool, [&stage, &file] { return stage.create(file); });
  if (!created) co_return fail(created.error());
  disk::StageFile& target = **created;
  StageSink sink(pool, target);

  const std::uint64_t bytes_max = file.size.value_or(work.options.policy.file_bytes_max);
  const std::string name = "download of " + file.storage_path;
  Task<Result<storage::ObjectInfo>> transfer = work.world.storage->download(file.storage_path, bytes_max, sink);
  const auto deadline = std::chrono::duration_cast<async::Duration>(work.options.download_deadline);
  Result<storage::ObjectInfo> object =
      co_await async::with_timeout(std::move(transfer), work.world.clock, deadline, name);
  work.downloaded_bytes += sink.written();
  work.world.reporter.storage_answered(object ? "ok" : answer_code(object.error()));
  if (!object) co_return fail(in_pairs(object.error(), file, sink.written(), target));
  work.world.reporter.contacted("storage");

  Result<void> finished = co_await async::offload(pool, [&target] { return target.finish(); });
  if (!finished) co_return fail(in_pairs(finished.error(), file, sink.written(), target));
  co_return finished;
}

/// Takes files off the list until it is empty or one fails. Several run side by side.
Task<Result<void>> worker(Work& work) {
  while (work.next < work.missing.size()) {
    const bundle::File file = work.missing[work.next++];
    std::optional<Permits::Permit> first;
    if (work.first) {
      Permits::Permit taken = co_await work.first->take();
      first.emplace(std::move(taken));
    }
    Permits::Permit permit = co_await work.permits.take();
    Result<void> done = co_await download(work, file);
    if (!done) {
      work.next = work.missing.size();
      if (!work.failure) work.failure = done.error();
      co_return done;
    }
  }
  co_return Result<void>();
}

Task<Result<void>> download_missing(Work& work) {
  if (work.missing.empty()) co_return Result<void>();
  if (!work.world.storage) {
    co_return fail(ErrorKind::unavailable, "no storage is configured");
  }
  async::TaskGroup group(work.world.executor);
  // Half of the permits at most: one version whose objects hang must not keep every other waiting. A prefetch is in no
  // hurry.
  const std::size_t share = work.fetch.prefetch ? 1 : std::max<std::size_t>(1, work.options.fetch_parallel / 2);
  const std::size_t workers = std::min(work.missing.size(), share);
  for (std::size_t i = 0; i < workers; ++i) group.spawn("download", worker(work));
  Result<void> all = co_await group.wait();
  if (work.failure) co_return fail(*work.failure);
  co_return all;
}

}  // namespace

Task<Result<Fetches::Finished>> fetch_version(World world, const Options& options, Permits* first, Permits& permits,
                                              plan::Fetch fetch, LocalBytes local_bytes) {
  disk::Trees& trees = world.trees;
  const plan::Fetch& wanted = fetch;
  auto begun = co_await async::offload(
      world.disk_pool, [&trees, &wanted] { return trees.begin(wanted.bundle, wanted.content.manifest); });
  if (!begun) co_return fail(begun.error());
  const HeldStage held(world.disk_pool, std::move(*begun));
  disk::Stage& stage = *held;

  auto missing = co_await async::offload(world.disk_pool, [&stage, &wanted, &local_bytes] {
    return take_what_is_here(stage, wanted.bundle, local_bytes);
  });
  if (!missing) co_return fail(missing.error());

  Work work{world, options, first, permits, fetch, stage, std::move(*missing), 0, 0, std::nullopt};
  Result<void> downloaded = co_await download_missing(work);
  if (!downloaded) co_return fail(downloaded.error());

  Result<plan::TreeId> tree = co_await async::offload(world.disk_pool, [&stage] { return stage.commit(); });
  if (!tree) co_return fail(tree.error());
  Fetches::Finished finished;
  finished.content = fetch.content;
  finished.tree = std::move(*tree);
  finished.bundle = std::move(fetch.bundle);
  finished.downloaded_bytes = work.downloaded_bytes;
  co_return finished;
}

}  // namespace bundlesync::sync
