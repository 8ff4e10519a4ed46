#pragma once

#include "plan/observed.hpp"

#include <chrono>
#include <cstdint>
#include <set>
#include <vector>

/// Which trees may go. Pure. Source of the rules: README.md, "What is kept".
namespace bundlesync::plan {

struct KeptTree {
  TreeId id;
  Digest manifest;
  std::uint64_t bytes = 0;
  bool live = false;       ///< the view shows it
  bool pinned = false;     ///< the previous default, or wanted now: always kept
  bool condemned = false;  ///< its bytes are not good: goes as soon as nothing shows it
  /// How long ago it was last live (or first seen), on the steady clock of this process: a restart makes it younger,
  /// never older, and a jump of the wall clock does nothing.
  std::chrono::seconds age{0};
};

struct RetentionPolicy {
  std::chrono::seconds age{3600};
  std::size_t count = 3;  ///< of each template, the youngest
  std::uint64_t bytes_max = 512ULL << 20;
};

/// Trees that no rule keeps: not live, not pinned, older than `age`, not among the youngest `count` of their template.
std::vector<TreeId> expired(const std::vector<KeptTree>& trees, const RetentionPolicy& policy);

/// Trees to remove, oldest first, so that `needed_bytes` more fit beside `used_bytes` within bytes_max; live and pinned
/// trees are never among them. Empty when it fits already, and when it would not fit even then (see `fits`).
struct Reclaim {
  bool fits = false;
  std::vector<TreeId> remove;
};
Reclaim reclaim(const std::vector<KeptTree>& trees, std::uint64_t used_bytes, std::uint64_t needed_bytes,
                const RetentionPolicy& policy);

/// What may still be downloaded, counting everything that could be reclaimed.
std::uint64_t room(const std::vector<KeptTree>& trees, std::uint64_t used_bytes, std::uint64_t cache_bytes,
                   const RetentionPolicy& policy);

}  // namespace bundlesync::plan
