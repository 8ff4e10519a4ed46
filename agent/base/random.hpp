#pragma once

#include <cstdint>

namespace bundlesync {

/// Where jitter comes from: a small generator held by value (SplitMix64). The same seed gives the same numbers, so
/// tests pass a seed and production passes system_seed(). Not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  /// Uniform over all 64-bit numbers.
  std::uint64_t next();

 private:
  std::uint64_t state_;
};

/// A seed from the kernel: different for every process.
std::uint64_t system_seed();

}  // namespace bundlesync
