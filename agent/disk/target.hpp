#pragma once

#include "base/error.hpp"
#include "disk/files.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace bundlesync::disk {

/// The directory that apps read, with the agent's own directory `..bundlesync` in it. Holds a descriptor of each; every
/// name below is reached through them (openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS where the kernel has it), so
/// that a neighbour who swaps a directory for a link cannot lead a write outside. Blocking calls: run on the pool.
class Target {
 public:
  struct Options {
    std::filesystem::path path;
    bool strict = false;        ///< refuse a target that others may write to (target.strict)
    bool allow_network = true;  ///< false: refuse a target on a network file system (target.allow_network_fs)
  };

  /// For the agent: makes `..bundlesync` and its folders (0755; state 0700) where missing, independent of the umask,
  /// checks that they are ours, repairs modes that somebody changed (kubelet's fsGroup walk). An unknown newer state
  /// format is left alone and a new area is begun beside it. Takes no lock and removes nothing: another agent may be at
  /// work here.
  /// Errors: usage (no such directory, target.strict, a network file system), unauthorised, damaged (a file where a
  /// directory of ours belongs), …
  static Result<std::unique_ptr<Target>> open(Files& files, Options options);
  /// For commands that only read: opens what is there, changes nothing. not_found where no agent ever ran.
  static Result<std::unique_ptr<Target>> open_readonly(Files& files, Options options);

  virtual ~Target() = default;
  /// Removes what a crash left: stages, half-removed trees, temporary files and links. Only with the TargetLock in
  /// hand. Then makes durable what a process that died may have renamed and not yet fsynced, so that every tree and
  /// state found afterwards may be relied on. Goes on after a failure and gives the first one. May be repeated.
  virtual Result<void> remove_leftovers() = 0;
  /// Whether the target's path and `..bundlesync` still lead to the directories that are open here. Error: failed,
  /// reason target_replaced, when another directory is there, or none: whatever were written through these descriptors
  /// would be seen by nobody. What cannot be looked at now counts as in place. Changes nothing.
  virtual Result<void> in_place() const = 0;
  virtual Files& files() const = 0;
  virtual const std::filesystem::path& path() const = 0;
  virtual int root() const = 0;  ///< descriptor of the target
  virtual int own() const = 0;   ///< descriptor of `..bundlesync`
  /// The folder in `..bundlesync` that holds the state in the format we know: "state", or "state.<format>" beside one
  /// of a newer format.
  virtual const std::string& state_area() const = 0;
  virtual bool shared() const = 0;  ///< others than us may write to the target's root (metric target_shared)
  virtual std::string file_system() const = 0;  ///< "ext4", "tmpfs", "nfs", … for the start line
};

/// Who writes this target, as the lock file says.
struct LockHolder {
  std::string host;
  long pid = 0;
  std::string since;  ///< RFC 3339
  bool operator==(const LockHolder&) const = default;
};

/// One agent writes a target at a time: an OFD lock on `..bundlesync/lock`. Released by the destructor and by death.
class TargetLock {
 public:
  /// Takes the lock or ends at once with kind held and the holder in the fact ("held by HOST pid N since …").
  static Result<TargetLock> try_take(Target& target);
  /// What the file says, for status; the writer may be gone.
  static std::optional<LockHolder> holder(const Target& target);
  TargetLock(TargetLock&&) noexcept;
  TargetLock& operator=(TargetLock&&) noexcept;
  ~TargetLock();

 private:
  explicit TargetLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace bundlesync::disk
