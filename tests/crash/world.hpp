#pragma once

#include "bundle/bundle.hpp"
#include "disk/alternatives.hpp"
#include "disk/state.hpp"
#include "disk/target.hpp"
#include "disk/trees.hpp"
#include "live/live_view.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// A small world to let things go wrong in: bundles with known bytes, an agent's use of a target in one function, and
/// judges that look at the directory as an app does, without a line of the product.
namespace bundlesync::testing {

/// A directory of its own, removed with everything in it, read-only directories too.
class TempDir {
 public:
  TempDir() : TempDir(std::filesystem::temp_directory_path()) {}
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 protected:
  explicit TempDir(const std::filesystem::path& where);

 private:
  std::filesystem::path path_;
};

/// The same in memory where the machine has such a place: for thousands of runs that a disk would only slow down.
class QuickDir : public TempDir {
 public:
  QuickDir();
};

/// A bundle with its bytes.
struct Goods {
  bundle::Bundle bundle;
  std::map<std::string, std::string> bytes;  ///< by path
  Digest manifest() const { return bundle::manifest_digest(bundle.files); }
};
/// Four files: one the same in every version, one the same twice, one in a subdirectory. Bytes name template and
/// version.
Goods make_goods(const std::string& template_name, const std::string& version);

using Wanted = std::map<std::string, Goods>;
Wanted want(std::initializer_list<Goods> all);

/// An agent's use of one target.
class Machine {
 public:
  /// Opens, locks, cleans up and recovers, as an agent does at its start.
  static Result<std::unique_ptr<Machine>> start(disk::Files& files, const std::filesystem::path& path);
  /// Shows exactly `wanted`: builds what is missing or damaged, then one swap, when anything differs.
  /// `progress` learns of what was promised: "committed TEMPLATE/TREE", "saved EPOCH", "shown VIEW"; the state's epoch
  /// counts its saves.
  Result<void> converge(const Wanted& wanted);
  /// Removes every tree that is not shown, the whole cache and all old views.
  Result<void> collect();

  disk::Target& target() { return *target_; }
  disk::Trees& trees() { return *trees_; }
  disk::StateStore& store() { return *store_; }
  live::LiveView& live() { return *live_; }
  disk::State& state() { return state_; }
  std::function<void(const std::string&)> promised = [](const std::string&) {};
  std::vector<std::string> recovered;

 private:
  Result<disk::TreeId> tree_of(const Goods& goods);
  void count_save() { state_.epoch = std::to_string(std::stoul("0" + state_.epoch) + 1); }
  std::unique_ptr<disk::Target> target_;
  std::optional<disk::TargetLock> lock_;
  std::unique_ptr<disk::StateStore> store_;
  std::unique_ptr<disk::Trees> trees_;
  std::unique_ptr<live::LiveView> live_;
  disk::State state_;
};

/// What an app sees, by template: every file's bytes by path, read through `..data`. nullopt: there is no `..data`.
using Seen = std::map<std::string, std::map<std::string, std::string>>;
std::optional<Seen> seen(const std::filesystem::path& target);
/// The same as it should be.
Seen sight_of(const Wanted& wanted);
/// What `..data` holds, or nothing.
std::string data_link(const std::filesystem::path& target);
/// The problem with what an app sees, or nothing: it must be one of `allowed`, whole (or nothing where
/// `may_be_absent`).
std::string torn(const std::filesystem::path& target, const std::vector<Wanted>& allowed, bool may_be_absent);
/// Every path under the target that should not outlive an agent's start: stages, temporary files and links.
std::vector<std::string> left_overs(const std::filesystem::path& target);
/// Names, types, modes, inodes, times and bytes of everything beneath: equal means untouched.
std::vector<std::string> fingerprint(const std::filesystem::path& dir);

/// Everything beneath `from`, modes and links too, into the directory `to`.
void copy_dir(const std::filesystem::path& from, const std::filesystem::path& to);
std::string read_text(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace bundlesync::testing
