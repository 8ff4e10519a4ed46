#include "plan/retention.hpp"

#include <algorithm>
#include <map>

namespace bundlesync::plan {
namespace {

bool untouchable(const KeptTree& tree) {
  return tree.live || (tree.pinned && !tree.condemned);
}

std::vector<const KeptTree*> oldest_first(const std::vector<KeptTree>& trees) {
  std::vector<const KeptTree*> order;
  for (const auto& tree : trees) order.push_back(&tree);
  std::ranges::stable_sort(order, [](const KeptTree* a, const KeptTree* b) {
    if (a->condemned != b->condemned) return a->condemned;  // bytes that are no good to anybody go first
    return a->age > b->age;
  });
  return order;
}

}  // namespace

std::vector<TreeId> expired(const std::vector<KeptTree>& trees, const RetentionPolicy& policy) {
  std::vector<TreeId> result;
  std::map<std::string, std::size_t> kept;
  const auto order = oldest_first(trees);
  for (auto entry = order.rbegin(); entry != order.rend(); ++entry) {  // youngest first: they fill the count
    const KeptTree& tree = **entry;
    if (tree.live) {
      ++kept[tree.id.template_name];
      continue;
    }
    if (tree.condemned) {
      result.push_back(tree.id);
      continue;
    }
    const bool within_count = kept[tree.id.template_name] < policy.count;
    if (tree.pinned || within_count || tree.age < policy.age) {
      ++kept[tree.id.template_name];
    } else {
      result.push_back(tree.id);
    }
  }
  return result;
}

Reclaim reclaim(const std::vector<KeptTree>& trees, std::uint64_t used_bytes, std::uint64_t needed_bytes,
                const RetentionPolicy& policy) {
  const auto fits = [&](std::uint64_t used) {
    return used <= policy.bytes_max && needed_bytes <= policy.bytes_max - used;
  };
  Reclaim result;
  result.fits = fits(used_bytes);
  for (const KeptTree* tree : oldest_first(trees)) {
    if (result.fits) break;
    if (untouchable(*tree)) continue;
    result.remove.push_back(tree->id);
    used_bytes -= std::min(used_bytes, tree->bytes);
    result.fits = fits(used_bytes);
  }
  if (!result.fits) result.remove.clear();  // removing them would not help: keep them
  return result;
}

std::uint64_t room(const std::vector<KeptTree>& trees, std::uint64_t used_bytes, std::uint64_t cache_bytes,
                   const RetentionPolicy& policy) {
  used_bytes -= std::min(used_bytes, cache_bytes);
  for (const auto& tree : trees) {
    if (!untouchable(tree)) used_bytes -= std::min(used_bytes, tree.bytes);
  }
  return policy.bytes_max - std::min(policy.bytes_max, used_bytes);
}

}  // namespace bundlesync::plan
