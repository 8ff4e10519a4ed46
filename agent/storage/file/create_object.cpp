#include "storage/file/errors.hpp"
#include "storage/file/objects.hpp"
#include "storage/key_rules.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif

namespace bundlesync::storage::file {
namespace {

constexpr std::string_view unfinished_prefix = ".bundlesync-upload-";

/// Never the same name twice, not even by two machines on one network volume.
std::string unfinished_name() {
  std::uint64_t random[2] = {0, 0};
  if (::getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random))
    random[0] = static_cast<std::uint64_t>(::getpid());
  return fmt::format("{}{:016x}{:016x}", unfinished_prefix, random[0], random[1]);
}

/// Makes the store's own directory with its parents; each new entry is durable when this returns.
Result<Fd> make_root(const std::filesystem::path& root) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    Fd opened(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened) return opened;
    if (errno != ENOENT) break;
    const auto parent = root.parent_path();
    if (parent.empty() || parent == root) break;
    auto parent_fd = make_root(parent);
    if (!parent_fd) return parent_fd;
    if (::mkdir(root.c_str(), 0777) != 0 && errno != EEXIST) break;
    if (::fsync(parent_fd->number()) != 0) break;
  }
  return fail(system_error(errno, "create the store's directory", root));
}

/// The directory that the key's last segment goes to, made where missing.
Result<Fd> make_parents(Fd here, const std::filesystem::path& root, const std::string& key) {
  for (std::size_t begin = 0, slash = key.find('/'); slash != std::string::npos;
       begin = slash + 1, slash = key.find('/', begin)) {
    const std::string segment = key.substr(begin, slash - begin);
    const bool made = ::mkdirat(here.number(), segment.c_str(), 0777) == 0;
    if (!made && errno != EEXIST) return fail(system_error(errno, fmt::format("create {}", quoted_key(key)), root));
    if (made && ::fsync(here.number()) != 0)
      return fail(system_error(errno, fmt::format("create {}", quoted_key(key)), root));
    Fd below = open_beneath(here.number(), segment, O_RDONLY | O_DIRECTORY);
    if (!below && errno == ENOTDIR) {
      return fail(Error(ErrorKind::refused,
                        fmt::format("{} cannot be created: '{}' is an object, not a directory", quoted_key(key),
                                    key.substr(0, slash)),
                        "a file store cannot hold 'a' beside 'a/b': rename one of them")
                      .with_reason("key_under_object"));
    }
    if (!below) return fail(system_error(errno, fmt::format("create {}", quoted_key(key)), root));
    here = std::move(below);
  }
  return here;
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Gives the finished file its name unless the name is taken (EEXIST). Some file systems lack one of the two ways.
bool name_it(int directory, const std::string& unfinished, const std::string& name) {
  if (::syscall(SYS_renameat2, directory, unfinished.c_str(), directory, name.c_str(), RENAME_NOREPLACE) == 0)
    return true;
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP && errno != EPERM) return false;
  return ::linkat(directory, unfinished.c_str(), directory, name.c_str(), 0) == 0;
}

/// Removes what uploads that died over an hour ago left here. Ages are taken on the volume's own clock: `young` was
/// made just now. Failing to tidy is no failure of the upload.
void remove_stale(int directory, const struct stat& young) {
  const int number = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = number < 0 ? nullptr : ::fdopendir(number);
  if (entries == nullptr) {
    if (number >= 0) ::close(number);
    return;
  }
  while (const dirent* entry = ::readdir(entries)) {
    struct stat facts{};
    if (!std::string_view(entry->d_name).starts_with(unfinished_prefix)) continue;
    if (::fstatat(directory, entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (facts.st_mtim.tv_sec + 3600 < young.st_mtim.tv_sec) ::unlinkat(directory, entry->d_name, 0);
  }
  ::closedir(entries);
}

Error object_exists(const std::string& key, const std::filesystem::path& root) {
  return Error(ErrorKind::conflict,
               fmt::format("the object {} exists already in file://{}", quoted_key(key), root.string()))
      .with_reason("object_exists");
}

}  // namespace

Result<void> create_object(const std::filesystem::path& root, const std::string& key, std::string_view bytes) {
  auto root_fd = make_root(root);
  if (!root_fd) return fail(std::move(root_fd.error()));
  auto directory = make_parents(std::move(*root_fd), root, key);
  if (!directory) return fail(std::move(directory.error()));
  const std::string name = key.substr(key.rfind('/') + 1);  // npos + 1 is 0

  const std::string unfinished = unfinished_name();
  const Fd file(
      ::openat(directory->number(), unfinished.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!file) return fail(system_error(errno, fmt::format("create {}", quoted_key(key)), root));
  struct stat facts{};
  const bool written =
      write_all(file.number(), bytes) && ::fsync(file.number()) == 0 && ::fstat(file.number(), &facts) == 0;
  const bool named = written && name_it(directory->number(), unfinished, name);
  const int error = errno;

  ::unlinkat(directory->number(), unfinished.c_str(), 0);  // ENOENT after a rename
  if (!named && error == EEXIST) return fail(object_exists(key, root));
  if (!named) return fail(system_error(error, fmt::format("create {}", quoted_key(key)), root));
  if (::fsync(directory->number()) != 0)
    return fail(system_error(errno, fmt::format("create {}", quoted_key(key)), root));
  remove_stale(directory->number(), facts);
  return {};
}

}  // namespace bundlesync::storage::file
