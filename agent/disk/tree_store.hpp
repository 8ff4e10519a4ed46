#pragma once

#include "disk/cache.hpp"
#include "disk/trees.hpp"

#include <map>
#include <mutex>
#include <set>

namespace bundlesync::disk {

/// The Trees of one target, with what its stages need of it.
class TreeStore final : public Trees {
 public:
  explicit TreeStore(Target& target) : target_(target), cache_(target) {}

  Result<std::vector<TreeInfo>> list() const override;
  Result<TreeInfo> verify(const TreeId& tree, const Digest& manifest) override;
  Result<std::unique_ptr<Stage>> begin(const bundle::Bundle& bundle, const Digest& manifest) override;
  void condemn(const TreeId& tree) override;
  bool condemned(const TreeId& tree) const override;
  Result<void> remove(const TreeId& tree) override;
  Result<CacheUse> cache_use() const override { return cache_.use(); }
  Result<CacheUse> evict_cache(std::chrono::seconds ttl, std::uint64_t bytes_max) override {
    return cache_.evict(ttl, bytes_max);
  }
  Result<std::uint64_t> bytes_used() const override;

  // For stages only.
  Files& files() const { return target_.files(); }
  Target& target() const { return target_; }
  Cache& cache() { return cache_; }

  /// A file of a finished tree that should have these bytes.
  struct Place {
    TreeId tree;
    std::string path;
    bool operator==(const Place&) const = default;
  };
  std::vector<Place> places(const Digest& sha256);
  void forget(const Digest& sha256, const Place& place);

  /// Gives a sealed stage its final name, durably: steps 1 and 2 of README.md, "How the agent writes", from the rename
  /// on. renamed is false when an intact tree of this content was there already; the stage is the caller's to remove
  /// then, and after an error too.
  struct Published {
    TreeId tree;
    bool renamed = false;
  };
  Result<Published> publish(const bundle::Bundle& bundle, const Digest& manifest, int folder, const std::string& stage);
  /// A stage that could not be removed; the next begin tries again before it makes another, so there is never a second.
  void left_over(const std::string& template_name, const std::string& stage);

  std::string where(const TreeId& tree) const;
  std::string folder_where(const std::string& template_name) const;

 private:
  Result<TreeInfo> read_info(int folder, const TreeId& tree) const;
  Result<void> check(const bundle::Bundle& bundle, const Digest& manifest) const;
  Result<Fd> open_folder(const std::string& template_name) const;
  Result<Fd> make_template_folder(const std::string& template_name);
  Result<void> remove_left_over();
  Result<void> make_durable(const std::string& template_name, int folder);
  Result<std::string> free_name(const bundle::Bundle& bundle, const Digest& manifest, bool& intact);
  void index(const TreeId& tree, const bundle::Bundle& bundle);
  void drop_from_index(const TreeId& tree);

  Target& target_;
  mutable Cache cache_;
  std::mutex publishing_;  ///< one at a time chooses a name and takes it
  mutable std::mutex mutex_;
  std::set<TreeId> condemned_;
  bool indexed_ = false;
  std::multimap<Digest, Place> index_;
  std::set<std::string> folders_made_;  ///< trees/<template>/ whose entry in trees/ was not fsynced yet
  std::set<std::pair<std::string, std::string>> left_over_;
};

/// A stage, made by TreeStore::begin: `folder` is trees/<template>/, `dir` the stage in it.
std::unique_ptr<Stage> make_stage(TreeStore& store, const bundle::Bundle& bundle, const Digest& manifest, Fd folder,
                                  Fd dir, std::string name);

}  // namespace bundlesync::disk
