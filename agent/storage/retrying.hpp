#pragma once

#include "async/clock.hpp"
#include "base/backoff.hpp"
#include "base/random.hpp"
#include "storage/storage.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

namespace bundlesync::storage {

struct RetryPolicy {
  std::uint64_t attempts_max = 4;  ///< calls of the storage below, the first included; 0 counts as 1
  BackoffPolicy backoff;           ///< waits between them: full jitter
  async::Duration attempt_limit = std::chrono::seconds(30);    ///< of one call; then it is cancelled and timed_out
  async::Duration download_limit = std::chrono::seconds(120);  ///< the same of one download, whatever its size
};

/// Gives every call a deadline, and repeats those that failed with an error that may pass, waiting in between;
/// everything else is the storage's own answer.
/// - A download is repeated only while its sink has seen nothing: a sink cannot be rewound, its owner starts anew.
/// - An upload that is repeated and then finds the object there compares it with its own bytes: what the failed attempt
///   left is success, anything else conflict.
class RetryingStorage final : public Storage {
 public:
  /// Puts retries around a storage; around one that has them already it puts nothing, so attempts never multiply.
  static std::unique_ptr<Storage> around(std::unique_ptr<Storage> below, async::Clock& clock, RetryPolicy policy,
                                         std::uint64_t seed);

  Task<Result<ObjectInfo>> download(std::string key, std::uint64_t bytes_max, ByteSink& sink) override;
  Task<Result<void>> upload(std::string key, std::string bytes, std::string content_type) override;
  Task<Result<ObjectInfo>> stat(std::string key) override;
  Task<Result<std::vector<ObjectInfo>>> list(std::string prefix) override;
  Task<Result<void>> remove(std::string key) override;
  std::string describe() const override { return below_->describe(); }

 private:
  RetryingStorage(std::unique_ptr<Storage> below, async::Clock& clock, RetryPolicy policy, std::uint64_t seed);
  /// True when attempt number `failed` (0 is the first) was not the last one and its error may pass.
  bool worth_another(std::uint64_t failed, const Error& error) const;
  Task<> pause(std::uint64_t failed);
  Task<Result<void>> compare(std::string key, std::string bytes, Error conflict);

  std::unique_ptr<Storage> below_;
  async::Clock& clock_;
  RetryPolicy policy_;
  Random random_;
};

}  // namespace bundlesync::storage
