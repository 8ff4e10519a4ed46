#include "sync/fetches.hpp"

#include "async/cancelled.hpp"
#include "base/backoff.hpp"
#include "sync/fetch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bundlesync::sync {

namespace {
std::string task_name(const plan::ContentKey& content) {
  return fmt::format("fetch {} {} {}", content.template_name, content.version, content.manifest.short_hex());
}
}  // namespace

/// Takes a fetch off the list however its coroutine ends, and lets the next pass look.
class Fetches::Ended {
 public:
  Ended(Fetches& owner, plan::ContentKey content) : owner_(owner), content_(std::move(content)) {}
  Ended(const Ended&) = delete;
  Ended& operator=(const Ended&) = delete;
  ~Ended() {
    owner_.running_.erase(content_);
    owner_.wakeup_.notify();
  }

 private:
  Fetches& owner_;
  const plan::ContentKey content_;
};

Fetches::Fetches(World world, const Options& options, async::Wakeup& wakeup)
    : world_(world),
      options_(options),
      wakeup_(wakeup),
      permits_(world.fetch_permits ? *world.fetch_permits
                                   : own_permits_.emplace(world.executor, options.fetch_parallel)),
      tasks_(world.executor) {}

void Fetches::start(const plan::Fetch& fetch, LocalBytes local_bytes) {
  const std::uint64_t bytes = plan::disk_bytes(fetch.bundle, options_.policy);
  if (!running_.try_emplace(fetch.content, fetch.prefetch, bytes).second) return;
  tasks_.spawn(task_name(fetch.content), bring(fetch, std::move(local_bytes)));
}

void Fetches::cancel(const plan::ContentKey& content) {
  const auto found = running_.find(content);
  if (found == running_.end() || std::exchange(found->second.cancelled, true)) return;
  tasks_.cancel(task_name(content));
}

Task<> Fetches::stop() {
  for (auto& [content, running] : running_) running.cancelled = true;
  tasks_.cancel_all();
  Result<void> ended = co_await tasks_.wait();
  (void)ended;  // bring() fails never: what went wrong is in failed_
}

Task<Result<void>> Fetches::bring(plan::Fetch fetch, LocalBytes local_bytes) {
  const Ended ended(*this, fetch.content);
  const async::Steady started = world_.clock.now();
  try {
    Permits* first = fetch.prefetch ? &permits_.prefetches : nullptr;
    Permits& objects = permits_.objects;
    Result<Finished> result = co_await fetch_version(world_, options_, first, objects, fetch, std::move(local_bytes));
    note(fetch, std::move(result), world_.clock.now() - started);
  } catch (const std::exception& error) {
    if (async::is_cancellation(std::current_exception())) throw;
    note(fetch, fail(ErrorKind::failed, error.what()), world_.clock.now() - started);  // a fault of ours: never silent
  }
  co_return Result<void>();
}

void Fetches::note(const plan::Fetch& fetch, Result<Finished> result, std::chrono::duration<double> took) {
  const std::string& name = fetch.content.template_name;
  if (result) {
    failed_.erase(fetch.content);
    world_.reporter.fetch_ended(name, fetch.content.version, true, "", result->downloaded_bytes, took);
    finished_.push_back(std::move(*result));
  } else {
    note_failure(fetch.content, fetch.generation, result.error());
    world_.reporter.fetch_ended(name, fetch.content.version, false, failed_[fetch.content].value.reason, 0, took);
  }
}

void Fetches::note_failure(const plan::ContentKey& content, std::uint64_t generation, const Error& error) {
  Failure& failure = failed_[content];
  failure.value.reason = error.reason();
  if (failure.value.reason.empty()) {
    failure.value.reason = error.kind() == ErrorKind::timed_out      ? "storage_timeout"
                           : error.kind() == ErrorKind::unavailable  ? "storage_unavailable"
                           : error.kind() == ErrorKind::unauthorised ? "storage_unauthorised"
                                                                     : "fetch_failed";
  }
  failure.value.text = error.line();
  // Content that breaks a rule stays broken until the row names other content. Everything else may come right by
  // itself: an object that is missing (a permission too, on some servers), a full disk, a server that is away.
  failure.value.final = error.kind() == ErrorKind::refused;
  failure.value.generation = generation;
  failure.retry_at = world_.clock.now() +
                     std::chrono::duration_cast<async::Duration>(std::max<std::chrono::nanoseconds>(
                         backoff_delay(failure.attempts++, world_.random.next()), std::chrono::milliseconds(100)));
}

std::set<plan::ContentKey> Fetches::running() const {
  std::set<plan::ContentKey> keys;
  for (const auto& [content, entry] : running_) {
    if (!entry.cancelled) keys.insert(content);
  }
  return keys;
}

std::set<plan::ContentKey> Fetches::prefetching() const {
  std::set<plan::ContentKey> keys;
  for (const auto& [content, entry] : running_) {
    if (!entry.cancelled && entry.prefetch) keys.insert(content);
  }
  return keys;
}

std::uint64_t Fetches::reserved_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [content, entry] : running_) {
    if (!entry.cancelled) bytes += entry.bytes;
  }
  return bytes;
}

std::list<Fetches::Finished> Fetches::take_finished() {
  return std::exchange(finished_, {});
}

std::map<plan::ContentKey, plan::FetchFailure> Fetches::failures(async::Steady now) const {
  std::map<plan::ContentKey, plan::FetchFailure> result;
  for (const auto& [content, failure] : failed_) {
    plan::FetchFailure value = failure.value;
    value.due = !value.final && failure.retry_at <= now;
    result.emplace(content, std::move(value));
  }
  return result;
}

async::Steady Fetches::next_retry() const {
  async::Steady due = async::Steady::max();
  for (const auto& [content, failure] : failed_) {
    if (!failure.value.final && !running_.contains(content)) due = std::min(due, failure.retry_at);
  }
  return due;
}

std::optional<async::Steady> Fetches::retry_at(const plan::ContentKey& content) const {
  const auto found = failed_.find(content);
  if (found == failed_.end() || found->second.value.final) return std::nullopt;
  return found->second.retry_at;
}

void Fetches::forget_all_but(const std::set<plan::ContentKey>& wanted) {
  std::erase_if(failed_, [&](const auto& entry) { return !wanted.contains(entry.first); });
}

}  // namespace bundlesync::sync
