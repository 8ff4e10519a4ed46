#include "storage/retrying.hpp"

#include "async/timeout.hpp"
#include "storage/key_rules.hpp"
#include "storage/sinks.hpp"

#include <utility>

namespace bundlesync::storage {
namespace {

std::string name_of(std::string_view verb, const std::string& key) {
  return std::string(verb) + " of " + quoted_key(key);
}

/// Hands everything on and remembers whether there was anything.
class WatchingSink final : public ByteSink {
 public:
  explicit WatchingSink(ByteSink& below) : below_(below) {}
  Task<Result<void>> write(std::string_view bytes) override {
    touched_ = true;
    return below_.write(bytes);
  }
  bool touched() const { return touched_; }

 private:
  ByteSink& below_;
  bool touched_ = false;
};

}  // namespace

std::unique_ptr<Storage> RetryingStorage::around(std::unique_ptr<Storage> below, async::Clock& clock,
                                                 RetryPolicy policy, std::uint64_t seed) {
  if (dynamic_cast<RetryingStorage*>(below.get()) != nullptr) return below;
  return std::unique_ptr<Storage>(new RetryingStorage(std::move(below), clock, policy, seed));
}

RetryingStorage::RetryingStorage(std::unique_ptr<Storage> below, async::Clock& clock, RetryPolicy policy,
                                 std::uint64_t seed)
    : below_(std::move(below)), clock_(clock), policy_(policy), random_(seed) {}

bool RetryingStorage::worth_another(std::uint64_t failed, const Error& error) const {
  return error.may_pass() && failed + 1 < policy_.attempts_max;
}

Task<> RetryingStorage::pause(std::uint64_t failed) {
  const auto wait = backoff_delay(failed, random_.next(), policy_.backoff);
  const auto until = clock_.now() + std::chrono::duration_cast<async::Duration>(wait);
  co_await clock_.sleep_until(until);
}

Task<Result<ObjectInfo>> RetryingStorage::download(std::string key, std::uint64_t bytes_max, ByteSink& sink) {
  WatchingSink watched(sink);
  for (std::uint64_t attempt = 0;; ++attempt) {
    auto call = below_->download(key, bytes_max, watched);
    auto done = co_await async::with_timeout(std::move(call), clock_, policy_.download_limit, name_of("download", key));
    if (done || watched.touched() || !worth_another(attempt, done.error())) co_return done;
    co_await pause(attempt);
  }
}

Task<Result<void>> RetryingStorage::upload(std::string key, std::string bytes, std::string content_type) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    auto call = below_->upload(key, bytes, content_type);
    auto done = co_await async::with_timeout(std::move(call), clock_, policy_.attempt_limit, name_of("upload", key));
    if (done) co_return done;
    if (attempt > 0 && done.error().reason() == "object_exists") {
      auto compared = co_await compare(std::move(key), std::move(bytes), std::move(done.error()));
      co_return compared;
    }
    if (!worth_another(attempt, done.error())) co_return done;
    co_await pause(attempt);
  }
}

Task<Result<void>> RetryingStorage::compare(std::string key, std::string bytes, Error conflict) {
  DigestSink sink;
  auto read = co_await download(std::move(key), bytes.size(), sink);
  const bool too_large = !read && read.error().reason() == "object_too_large";
  if (!read && !too_large) co_return fail(std::move(read.error()));
  if (too_large || sink.finish() != Digest::of(bytes)) co_return fail(std::move(conflict));
  co_return Result<void>();
}

Task<Result<ObjectInfo>> RetryingStorage::stat(std::string key) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    auto call = below_->stat(key);
    auto done = co_await async::with_timeout(std::move(call), clock_, policy_.attempt_limit, name_of("stat", key));
    if (done || !worth_another(attempt, done.error())) co_return done;
    co_await pause(attempt);
  }
}

Task<Result<std::vector<ObjectInfo>>> RetryingStorage::list(std::string prefix) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    auto call = below_->list(prefix);
    auto done = co_await async::with_timeout(std::move(call), clock_, policy_.attempt_limit, name_of("list", prefix));
    if (done || !worth_another(attempt, done.error())) co_return done;
    co_await pause(attempt);
  }
}

Task<Result<void>> RetryingStorage::remove(std::string key) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    auto call = below_->remove(key);
    auto done = co_await async::with_timeout(std::move(call), clock_, policy_.attempt_limit, name_of("remove", key));
    if (done || !worth_another(attempt, done.error())) co_return done;
    co_await pause(attempt);
  }
}

}  // namespace bundlesync::storage
