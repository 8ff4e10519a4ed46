#include "base/backoff.hpp"

#include <algorithm>

namespace bundlesync {
namespace {

/// [0, 1], from the upper 53 bits: as many as a double holds.
double unit(std::uint64_t random) {
  return static_cast<double>(random >> 11) / static_cast<double>((std::uint64_t{1} << 53) - 1);
}

}  // namespace

std::chrono::nanoseconds backoff_bound(std::uint64_t attempt, const BackoffPolicy& policy) {
  // Doubles towards the cap and stops there, so nothing can overflow; at most 63 rounds.
  auto bound = std::min(policy.base, policy.cap);
  for (std::uint64_t i = 0; i < attempt && bound.count() > 0 && bound < policy.cap; ++i) {
    bound = bound > policy.cap / 2 ? policy.cap : bound * 2;
  }
  return bound;
}

std::chrono::nanoseconds backoff_delay(std::uint64_t attempt, std::uint64_t random, const BackoffPolicy& policy) {
  const auto bound = backoff_bound(attempt, policy);
  const auto delay = static_cast<std::int64_t>(static_cast<double>(bound.count()) * unit(random));
  return std::clamp(std::chrono::nanoseconds(delay), std::chrono::nanoseconds(0), bound);
}

std::chrono::nanoseconds jittered(std::chrono::nanoseconds duration, double fraction, std::uint64_t random) {
  const double part = std::clamp(fraction, 0.0, 1.0) * (2.0 * unit(random) - 1.0);
  return duration + std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(duration.count()) * part));
}

}  // namespace bundlesync
