#include "disk/tree_store.hpp"

namespace bundlesync::disk {

/// Which tree has which bytes, by what .bundle.json says: only a place to look, whoever takes them hashes them.
std::vector<TreeStore::Place> TreeStore::places(const Digest& sha256) {
  bool indexed = false;
  {
    const std::scoped_lock lock(mutex_);
    indexed = std::exchange(indexed_, true);
  }
  if (!indexed) {
    // Not being able to list costs a download, no more.
    if (auto all = list()) {
      for (const auto& info : *all) {
        if (!condemned(info.id)) index(info.id, info.bundle);
      }
    } else {
      const std::scoped_lock lock(mutex_);
      indexed_ = false;
    }
  }
  const std::scoped_lock lock(mutex_);
  std::vector<Place> places;
  const auto [first, last] = index_.equal_range(sha256);
  for (auto one = first; one != last; ++one) places.push_back(one->second);
  return places;
}

void TreeStore::index(const TreeId& tree, const bundle::Bundle& bundle) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(index_, [&](const auto& one) { return one.second.tree == tree; });
  for (const auto& file : bundle.files) index_.emplace(file.sha256, Place{tree, file.path});
}

void TreeStore::drop_from_index(const TreeId& tree) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(index_, [&](const auto& one) { return one.second.tree == tree; });
}

void TreeStore::forget(const Digest& sha256, const Place& place) {
  const std::scoped_lock lock(mutex_);
  const auto [first, last] = index_.equal_range(sha256);
  for (auto one = first; one != last; ++one) {
    if (one->second != place) continue;
    index_.erase(one);
    return;
  }
}

}  // namespace bundlesync::disk
