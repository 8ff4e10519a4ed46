#include "async/pool.hpp"
#include "sync/reconciler.hpp"

#include <algorithm>
#include <utility>

/// What is kept and what may go. Nothing live, wanted or young is ever removed.
namespace bundlesync::sync {
namespace {
constexpr auto kTidyInterval = std::chrono::seconds(60);
constexpr std::size_t kViewsMin = 3;
constexpr std::size_t kViewsMax = 4096;
}  // namespace

std::set<plan::ContentKey> Reconciler::pinned_contents() const {
  std::set<plan::ContentKey> pinned;
  for (const auto& [name, wanted] : desired_.templates) {
    for (const auto* version : {&wanted.current, &wanted.previous}) {
      if (*version) pinned.insert(plan::ContentKey{name, (*version)->version, (*version)->manifest});
    }
  }
  return pinned;
}

std::vector<plan::KeptTree> Reconciler::kept_trees() const {
  const std::set<plan::ContentKey> pinned = pinned_contents();
  const async::Steady now = world_.clock.now();
  std::set<plan::TreeId> live;
  for (const auto& [name, shown] : view_.templates) live.insert(shown.tree);

  std::vector<plan::KeptTree> kept;
  for (const auto& [id, info] : trees_) {
    plan::KeptTree tree;
    tree.id = id;
    tree.manifest = info.manifest;
    tree.bytes = info.bytes;
    tree.live = live.contains(id);
    tree.pinned = pinned.contains(plan::ContentKey{id.template_name, info.bundle.version, info.manifest});
    tree.condemned = world_.trees.condemned(id);
    const auto since = last_live_.find(id);
    if (since != last_live_.end()) tree.age = std::chrono::duration_cast<std::chrono::seconds>(now - since->second);
    kept.push_back(std::move(tree));
  }
  return kept;
}

Task<> Reconciler::remove_trees(std::vector<plan::TreeId> trees_to_remove) {
  disk::Trees& trees = world_.trees;
  for (const auto& id : trees_to_remove) {
    // Forgotten first: a tree that is half removed must not be taken for complete.
    std::erase_if(complete_, [&](const auto& entry) { return entry.second == id; });
    trees_.erase(id);
    fresh_.erase(id);
    last_live_.erase(id);
    failed_reads_.erase(id);
    state_.trees.erase(id);
    Result<void> removed = co_await async::offload(world_.disk_pool, [&trees, &id] { return trees.remove(id); });
    if (!removed) world_.reporter.sync_failed(removed.error());
  }
}

/// A condemned tree is in no list of ours any more; it goes once nothing shows it.
Task<> Reconciler::remove_condemned() {
  disk::Trees& trees = world_.trees;
  Result<std::vector<disk::TreeInfo>> found =
      co_await async::offload(world_.disk_pool, [&trees] { return trees.list(); });
  if (!found) co_return;
  std::set<plan::TreeId> live;
  for (const auto& [name, shown] : view_.templates) live.insert(shown.tree);
  std::vector<plan::TreeId> gone;
  for (const auto& info : *found) {
    if (trees.condemned(info.id) && !live.contains(info.id)) gone.push_back(info.id);
  }
  co_await remove_trees(std::move(gone));
}

Task<> Reconciler::tidy() {
  tidy_at_ = world_.clock.now() + kTidyInterval;
  const std::vector<plan::TreeId> old = plan::expired(kept_trees(), options_.retention);
  co_await remove_trees(old);
  co_await remove_condemned();
  if (links_missing_) co_await make_missing_links();

  disk::Trees& trees = world_.trees;
  live::LiveView& live = world_.live;
  const std::chrono::seconds ttl = options_.cache_ttl;
  const std::uint64_t bytes_max = options_.retention.bytes_max;
  Result<disk::Trees::CacheUse> cache =
      co_await async::offload(world_.disk_pool, [&trees, ttl, bytes_max] { return trees.evict_cache(ttl, bytes_max); });
  if (!cache) world_.reporter.sync_failed(cache.error());

  const std::size_t keep = views_to_keep();
  Result<void> tidied = co_await async::offload(world_.disk_pool, [&live, keep] { return live.tidy(keep); });
  if (!tidied) world_.reporter.sync_failed(tidied.error());

  co_await measure();
}

/// The name may be free by now. Recovery makes the links that are missing, says what is still in the way, and has
/// nothing to say once all is well.
Task<> Reconciler::make_missing_links() {
  live::LiveView& live = world_.live;
  Result<std::vector<std::string>> made = co_await async::offload(world_.disk_pool, [&live] { return live.recover(); });
  if (!made) co_return;
  links_missing_ = !made->empty();
  for (const auto& fact : *made) world_.reporter.warning(fact);
}

/// A reader may have resolved `..data` to a view a moment ago: views are kept as long as trees are.
std::size_t Reconciler::views_to_keep() {
  const async::Steady oldest = world_.clock.now() - options_.retention.age;
  std::erase_if(views_made_, [&](async::Steady made) { return made < oldest; });
  return std::clamp(views_made_.size(), kViewsMin, kViewsMax);
}

Task<> Reconciler::measure() {
  disk::Trees& trees = world_.trees;
  Result<std::uint64_t> used = co_await async::offload(world_.disk_pool, [&trees] { return trees.bytes_used(); });
  if (used) used_bytes_ = *used;
  Result<disk::Trees::CacheUse> cache =
      co_await async::offload(world_.disk_pool, [&trees] { return trees.cache_use(); });
  if (cache) cache_use_ = *cache;
}

/// After a download, whose stage may have been measured on its way: until now it counted twice.
Task<> Reconciler::count_anew() {
  const std::uint64_t counted = used_bytes_;
  co_await measure();
  if (used_bytes_ < counted) wakeup_.notify();  // for whoever waits for room
}

/// Before a download, for all that are under way and this one: cache first, then the oldest trees, never what is live
/// or wanted. decide() asked for it only because it fits.
Task<> Reconciler::make_room(std::uint64_t bytes) {
  const std::uint64_t bytes_max = options_.retention.bytes_max;
  if (used_bytes_ + bytes <= bytes_max) co_return;

  disk::Trees& trees = world_.trees;
  const std::uint64_t over = used_bytes_ + bytes - bytes_max;
  const std::uint64_t cache_max = cache_use_.bytes - std::min(cache_use_.bytes, over);
  const std::chrono::seconds ttl = options_.cache_ttl;
  Result<disk::Trees::CacheUse> cache =
      co_await async::offload(world_.disk_pool, [&trees, ttl, cache_max] { return trees.evict_cache(ttl, cache_max); });
  if (!cache) world_.reporter.sync_failed(cache.error());
  co_await measure();

  const plan::Reclaim plan = plan::reclaim(kept_trees(), used_bytes_, bytes, options_.retention);
  co_await remove_trees(plan.remove);
  co_await measure();
}

}  // namespace bundlesync::sync
