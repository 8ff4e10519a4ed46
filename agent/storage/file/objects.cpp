#include "storage/file/objects.hpp"

#include "storage/file/errors.hpp"
#include "storage/key_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace bundlesync::storage::file {
namespace {

constexpr std::size_t depth_max = 64;
constexpr std::size_t listed_max = 100'000;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

Directory read_directory(Fd descriptor) {
  const int number = ::fcntl(descriptor.number(), F_DUPFD_CLOEXEC, 0);
  if (number < 0) return nullptr;
  Directory directory(::fdopendir(number));
  if (!directory) ::close(number);
  return directory;
}

bool is_dot(std::string_view name) {
  return name == "." || name == "..";
}

Result<Fd> open_root(const std::filesystem::path& root) {
  Fd opened(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened) return opened;
  if (errno == ENOENT || errno == ENOTDIR) return fail(store_away(root, "does not exist"));
  return fail(system_error(errno, "open the store", root));
}

bool is_empty(const Fd& root) {
  const Directory directory = read_directory(Fd(::openat(root.number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
  if (!directory) return false;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (!is_dot(entry->d_name)) return false;
  }
  return true;
}

/// ENOENT below an empty root is an unmounted volume until something is published there; else the object is missing.
Error missing(const Fd& root_fd, const std::filesystem::path& root, std::string_view key) {
  return is_empty(root_fd) ? store_away(root, "is empty") : object_missing(key, root);
}

/// Looks without opening for reading: O_PATH blocks on nothing, neither on a FIFO nor on a lease.
Result<struct stat> look(const Fd& root_fd, const std::filesystem::path& root, const std::string& key) {
  const Fd found = open_beneath(root_fd.number(), key, O_PATH);
  if (!found && (errno == ENOENT || errno == ENOTDIR)) return fail(missing(root_fd, root, key));
  if (!found) return fail(system_error(errno, fmt::format("find {}", quoted_key(key)), root));

  struct stat facts{};
  if (::fstat(found.number(), &facts) != 0) {
    return fail(system_error(errno, fmt::format("look at {}", quoted_key(key)), root));
  }
  if (S_ISDIR(facts.st_mode)) return fail(object_missing(key, root));
  if (!S_ISREG(facts.st_mode)) {
    return fail(Error(ErrorKind::refused,
                      fmt::format("the object {} in file://{} is not a regular file", quoted_key(key), root.string()),
                      "a file store holds regular files only: replace it, or publish under another path")
                    .with_reason("object_not_regular"));
  }
  return facts;
}

std::uint64_t size_of(const struct stat& facts) {
  return static_cast<std::uint64_t>(facts.st_size);
}

/// Adds what lies in one directory; `prefix` ends with '/'.
Result<void> list_into(Fd descriptor, const std::string& prefix, const std::filesystem::path& root, std::size_t depth,
                       std::vector<ObjectInfo>& found) {
  if (depth > depth_max)
    return fail(ErrorKind::refused, fmt::format("{} is nested deeper than {}", quoted_key(prefix), depth_max));
  const int number = descriptor.number();
  const Directory directory = read_directory(Fd(::openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
  if (!directory) return fail(system_error(errno, fmt::format("list {}", quoted_key(prefix)), root));

  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    // What no key can name is no object: our unfinished uploads, and whatever somebody else put there.
    if (is_dot(name) || !check_key(prefix + name)) continue;
    struct stat facts{};
    if (::fstatat(number, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // removed while we looked
      return fail(system_error(errno, fmt::format("look at {}", quoted_key(prefix + name)), root));
    }
    if (S_ISREG(facts.st_mode)) {
      if (found.size() == listed_max)
        return fail(ErrorKind::refused, fmt::format("there are more than {} objects", listed_max));
      found.push_back({.key = prefix + name, .size = size_of(facts)});
    } else if (S_ISDIR(facts.st_mode)) {
      Fd below = open_beneath(number, name, O_RDONLY | O_DIRECTORY);
      if (!below && errno == ENOENT) continue;
      if (!below) return fail(system_error(errno, fmt::format("list {}", quoted_key(prefix + name)), root));
      if (auto done = list_into(std::move(below), prefix + name + "/", root, depth + 1, found); !done) return done;
    }
  }
  return {};
}

}  // namespace

Result<OpenObject> open_object(const std::filesystem::path& root, const std::string& key) {
  auto root_fd = open_root(root);
  if (!root_fd) return fail(std::move(root_fd.error()));
  if (auto facts = look(*root_fd, root, key); !facts) return fail(std::move(facts.error()));

  OpenObject object;
  object.descriptor = open_beneath(root_fd->number(), key, O_RDONLY);
  if (!object.descriptor && errno == ENOENT) return fail(missing(*root_fd, root, key));
  if (!object.descriptor) return fail(system_error(errno, fmt::format("open {}", quoted_key(key)), root));

  struct stat facts{};
  if (::fstat(object.descriptor.number(), &facts) != 0) {
    return fail(system_error(errno, fmt::format("look at {}", quoted_key(key)), root));
  }
  object.size = size_of(facts);
  return object;
}

Result<std::string> read_piece(const Fd& object, std::string_view key) {
  std::string piece(piece_bytes_max, '\0');
  std::size_t filled = 0;
  while (filled < piece.size()) {
    const ssize_t got = ::read(object.number(), piece.data() + filled, piece.size() - filled);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(system_error(errno, fmt::format("read {}", quoted_key(key)), "the store"));
    filled += static_cast<std::size_t>(got);
  }
  piece.resize(filled);
  return piece;
}

Result<ObjectInfo> stat_object(const std::filesystem::path& root, const std::string& key) {
  auto root_fd = open_root(root);
  if (!root_fd) return fail(std::move(root_fd.error()));
  auto facts = look(*root_fd, root, key);
  if (!facts) return fail(std::move(facts.error()));
  return ObjectInfo{.key = key, .size = size_of(*facts)};
}

Result<std::vector<ObjectInfo>> list_objects(const std::filesystem::path& root, const std::string& prefix) {
  auto root_fd = open_root(root);
  if (!root_fd) return fail(std::move(root_fd.error()));

  std::vector<ObjectInfo> found;
  Fd directory = open_beneath(root_fd->number(), prefix, O_RDONLY | O_DIRECTORY);
  if (!directory && (errno == ENOENT || errno == ENOTDIR)) return found;
  if (!directory) return fail(system_error(errno, fmt::format("list {}", quoted_key(prefix)), root));
  if (auto done = list_into(std::move(directory), prefix + "/", root, 1, found); !done)
    return fail(std::move(done.error()));
  std::ranges::sort(found, {}, &ObjectInfo::key);
  return found;
}

Result<void> remove_object(const std::filesystem::path& root, const std::string& key) {
  auto root_fd = open_root(root);
  if (!root_fd) return fail(std::move(root_fd.error()));
  if (is_empty(*root_fd)) return {};
  if (auto facts = look(*root_fd, root, key); !facts) {
    if (facts.error().kind() == ErrorKind::not_found) return {};
    return fail(std::move(facts.error()));
  }

  const std::size_t slash = key.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : key.substr(0, slash);
  const std::string name = slash == std::string::npos ? key : key.substr(slash + 1);
  const Fd directory = open_beneath(root_fd->number(), parent, O_RDONLY | O_DIRECTORY);
  if (!directory) return fail(system_error(errno, fmt::format("remove {}", quoted_key(key)), root));
  const bool gone = ::unlinkat(directory.number(), name.c_str(), 0) == 0 || errno == ENOENT;
  if (!gone || ::fsync(directory.number()) != 0) {
    return fail(system_error(errno, fmt::format("remove {}", quoted_key(key)), root));
  }
  return {};
}

}  // namespace bundlesync::storage::file
