#include "support/temp_dir.hpp"

#include <cerrno>
#include <cstdlib>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace bundlesync::tests {
namespace fs = std::filesystem;

void remove_tree(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
  if (!fs::exists(fs::symlink_status(path, ignored))) return;
  // An ordinary user cannot empty a directory of mode 0555. Top-down, so that each is opened before it is listed.
  fs::permissions(path, fs::perms::owner_all, fs::perm_options::add | fs::perm_options::nofollow, ignored);
  for (auto entry = fs::recursive_directory_iterator(path, ignored); entry != fs::recursive_directory_iterator();
       entry.increment(ignored)) {
    if (!entry->is_directory(ignored) || entry->is_symlink(ignored)) continue;
    fs::permissions(entry->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
  }
  fs::remove_all(path, ignored);
}

namespace {
fs::path usual_place() {
  const char* base = std::getenv("TMPDIR");
  return base != nullptr && *base != '\0' ? base : "/tmp";
}
}  // namespace

TempDir::TempDir() : TempDir(usual_place()) {}

TempDir::TempDir(const fs::path& parent) : owner_pid_(getpid()) {
  std::string pattern = (parent / "bundlesync-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::system_error(errno, std::generic_category(), pattern);
  path_ = pattern;
  if (chmod(pattern.c_str(), 0755) != 0) throw std::system_error(errno, std::generic_category(), pattern);
}

TempDir::~TempDir() {
  if (getpid() == owner_pid_) remove_tree(path_);
}

}  // namespace bundlesync::tests
