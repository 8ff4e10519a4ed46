#pragma once

#include <chrono>
#include <cstdint>

/// How long to wait between tries. Pure: the random number comes from the caller (Random::next()).
namespace bundlesync {

struct BackoffPolicy {
  std::chrono::nanoseconds base = std::chrono::milliseconds(200);
  std::chrono::nanoseconds cap = std::chrono::seconds(30);
};

/// The longest wait before try number `attempt` (0 is the first retry): base · 2^attempt, at most cap. Total: any
/// attempt number gives an answer.
std::chrono::nanoseconds backoff_bound(std::uint64_t attempt, const BackoffPolicy& policy = {});

/// Full jitter: uniform in [0, backoff_bound(attempt)], so that a fleet that lost one server does not come back at
/// once.
std::chrono::nanoseconds backoff_delay(std::uint64_t attempt, std::uint64_t random, const BackoffPolicy& policy = {});

/// `duration` moved by up to ± fraction of itself, uniformly; fraction is in [0, 1] and clamped to it.
std::chrono::nanoseconds jittered(std::chrono::nanoseconds duration, double fraction, std::uint64_t random);

}  // namespace bundlesync
