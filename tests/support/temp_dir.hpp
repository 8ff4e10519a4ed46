#pragma once

#include <filesystem>
#include <string>

namespace bundlesync::tests {

/// A directory of its own below $TMPDIR or /tmp, mode 0755 so that other users of a test can look in. Its destructor
/// removes it with all that is in it, read-only directories too; only in the process that made it (a forked child that
/// ends takes nothing with it).
class TempDir {
 public:
  TempDir();
  explicit TempDir(const std::filesystem::path& parent);  ///< below this directory instead
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
  int owner_pid_;
};

/// Removes a tree whatever the modes of its directories; does nothing when there is none.
void remove_tree(const std::filesystem::path& path);

}  // namespace bundlesync::tests
