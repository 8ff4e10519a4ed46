#pragma once

#include "base/error.hpp"
#include "bundle/bundle.hpp"
#include "disk/target.hpp"
#include "plan/observed.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::disk {

using plan::TreeId;

/// A finished tree under trees/<template>/, by its .bundle.json (not yet verified against its bytes).
struct TreeInfo {
  TreeId id;
  bundle::Bundle bundle;
  Digest manifest;          ///< recomputed from the files that .bundle.json names
  std::uint64_t bytes = 0;  ///< on disk
};

/// One file on its way into a stage: written piece by piece, counted and hashed while it comes.
/// Every call blocks; one thread at a time, any thread.
class StageFile {
 public:
  virtual ~StageFile() = default;
  /// refused: size_mismatch as soon as one byte more than the manifest's size comes. failed/no_space: the disk.
  virtual Result<void> write(std::string_view bytes) = 0;
  /// Checks size and digest (refused: size_mismatch, digest_mismatch with want and got in the fact), sets 0444, fsyncs.
  /// Only after this does the file count. A failed fsync condemns the file: it is removed, never fsynced again.
  virtual Result<void> finish() = 0;
  /// Of what came, once finish() was called, however it ended.
  virtual Digest digest() const = 0;
};

/// A tree under construction: trees/<template>/.stage-<unique>/. Dropping it removes the stage; files that were
/// finished go to the cache. Calls for different files may run side by side on the pool.
class Stage {
 public:
  virtual ~Stage() = default;
  /// Begins a file that will be streamed. `file` is one of the bundle's.
  virtual Result<std::unique_ptr<StageFile>> create(const bundle::File& file) = 0;
  /// Takes the bytes from this disk where it has them: the cache (by rename), another tree (clone or copy), and
  /// verifies them. false: not here. A copy that turns out changed, or cannot be read, is left out and its source
  /// forgotten, never accepted. Errors: the stage cannot be written, or a shortage (too many open files).
  virtual Result<bool> take_from_disk(const bundle::File& file) = 0;
  /// Copies from a file of the local or fallback directory; false when its digest is not the wanted one.
  virtual Result<bool> take_from(const std::filesystem::path& source, const bundle::File& file) = 0;
  /// Steps 1 and 2 of directory.md "How the agent writes": .bundle.json, fsync of every directory deepest first, one
  /// rename to the final name, fsync of trees/<template>/ (and of each parent just made). Every file of the bundle must
  /// be finished. Afterwards the tree is complete, durable and 0555. The name gets ".2", ".3" … where a condemned tree
  /// holds it; an intact tree with that content is kept and returned instead.
  virtual Result<TreeId> commit() = 0;
};

/// All finished trees, the cache, and what builds new ones. Blocking: run on the pool. list, verify and the stages of
/// different bundles may run side by side.
class Trees {
 public:
  static std::unique_ptr<Trees> make(Target& target);
  virtual ~Trees() = default;

  virtual Result<std::vector<TreeInfo>> list() const = 0;
  /// Re-hashes every file against `manifest` (which comes from state/ or the catalog, never from the tree itself):
  /// damaged with reason tree_missing, manifest_changed, file_missing, file_changed, file_extra, not_a_file, and the
  /// path in the fact. Modes that somebody changed are repaired, never a reason to fail.
  virtual Result<TreeInfo> verify(const TreeId& tree, const Digest& manifest) = 0;
  /// `manifest` is the wanted one; refused: manifest_mismatch when the bundle's files give another.
  virtual Result<std::unique_ptr<Stage>> begin(const bundle::Bundle& bundle, const Digest& manifest) = 0;
  /// Never again taken for this content, by verify, begin, or take_from_disk; removed by tidy once nothing shows it.
  /// Forgotten when the tree is gone, by remove or otherwise, and a commit makes another under its name.
  virtual void condemn(const TreeId& tree) = 0;
  virtual bool condemned(const TreeId& tree) const = 0;
  /// Removes a tree: renamed out of the way first, so that a half-removed tree is never found under its name.
  /// The caller knows that it is not live.
  virtual Result<void> remove(const TreeId& tree) = 0;

  /// Bytes and files of the cache; evicts what was last used longer ago than `ttl` (counted on the steady clock in this
  /// process: a clock jump never deletes), then oldest first down to `bytes_max`.
  struct CacheUse {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
  };
  virtual Result<CacheUse> cache_use() const = 0;
  virtual Result<CacheUse> evict_cache(std::chrono::seconds ttl, std::uint64_t bytes_max) = 0;
  /// Bytes under trees/ and cache/ together, as du would say.
  virtual Result<std::uint64_t> bytes_used() const = 0;
};

}  // namespace bundlesync::disk
