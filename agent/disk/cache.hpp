#pragma once

#include "bundle/bundle.hpp"
#include "disk/hashing.hpp"
#include "disk/target.hpp"
#include "disk/trees.hpp"

#include <chrono>
#include <map>
#include <mutex>

namespace bundlesync::disk {

/// Verified bytes that no tree holds: cache/sha256/9f/2c4be0…, named by their digest. Into it and out of it by rename
/// only. Thread-safe.
class Cache {
 public:
  explicit Cache(Target& target) : target_(target) {}

  /// Moves the file's bytes to `name` in `dir` when they are here and still hash to its digest; changed ones are
  /// removed, and ones that cannot be read. false: not here.
  Result<bool> take(const bundle::File& file, int dir, const std::string& name);
  /// Moves a finished (verified and fsynced) file in. What is here already is replaced by the same bytes.
  Result<void> put(int dir, const std::string& name, const Digest& sha256);
  Result<Trees::CacheUse> use();
  Result<Trees::CacheUse> evict(std::chrono::seconds ttl, std::uint64_t bytes_max);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Held {
    std::string hex;
    std::uint64_t bytes = 0;
    Time used;
  };
  struct Opened {
    Fd fd;
    FileInfo info;
    Hashed content;
  };
  Sys<Opened> open(int dir, const std::string& name) const;  ///< ELOOP when it is no regular file
  std::string where(const std::string& hex) const;
  Result<std::vector<Held>> held();
  Time last_use(const std::string& hex, Time now);
  Result<void> drop(const std::string& hex);

  Target& target_;
  std::mutex mutex_;
  std::map<std::string, Time> used_;  ///< since this process began: a clock jump never makes anything old
};

}  // namespace bundlesync::disk
