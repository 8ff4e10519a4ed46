#include "storage/file/directory.hpp"

#include "storage/file/beneath.hpp"
#include "storage/file/errors.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <vector>

namespace bundlesync::storage::file {
namespace {

struct FileSystem {
  std::uint32_t magic;
  std::string_view name;
  bool is_network;
};

/// statfs(2); the kernel's numbers are no secret and never change.
constexpr std::array<FileSystem, 16> file_systems = {{
    {0xEF53, "ext4", false},
    {0x58465342, "xfs", false},
    {0x9123683E, "btrfs", false},
    {0x01021994, "tmpfs", false},
    {0x794C7630, "overlay", false},
    {0x2FC12FC1, "zfs", false},
    {0x858458F6, "ramfs", false},
    {0x6969, "nfs", true},
    {0xFF534D42, "cifs", true},
    {0xFE534D42, "smb", true},
    {0x517B, "smb", true},
    {0x00C36400, "ceph", true},
    {0x65735546, "fuse", true},
    {0x01021997, "9p", true},
    {0x0BD00BD0, "lustre", true},
    {0x47504653, "gpfs", true},
}};

std::string user_name(uid_t id) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  const bool known = ::getpwuid_r(id, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return known ? std::string(entry.pw_name) : std::to_string(id);
}

std::string group_name(gid_t id) {
  std::vector<char> buffer(64 << 10);
  group entry{};
  group* found = nullptr;
  const bool known = ::getgrgid_r(id, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return known ? std::string(entry.gr_name) : std::to_string(id);
}

}  // namespace

Result<std::optional<DirectoryFacts>> look_at_directory(const std::filesystem::path& root) {
  constexpr std::string_view doing = "look at the store's directory";
  struct stat status{};
  if (::stat(root.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::optional<DirectoryFacts>();
    return fail(system_error(errno, doing, root));
  }
  if (!S_ISDIR(status.st_mode)) {
    return fail(ErrorKind::refused, fmt::format("{} is no directory", root.string()), "is storage.url right?");
  }
  struct statfs medium{};
  if (::statfs(root.c_str(), &medium) != 0) return fail(system_error(errno, doing, root));
  DirectoryFacts facts;
  facts.mode = status.st_mode & 07777U;
  facts.owner = user_name(status.st_uid);
  facts.group = group_name(status.st_gid);
  facts.readable = ::faccessat(AT_FDCWD, root.c_str(), R_OK | X_OK, AT_EACCESS) == 0;
  facts.writable = ::faccessat(AT_FDCWD, root.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
  const auto magic = static_cast<std::uint32_t>(medium.f_type);
  facts.file_system = fmt::format("a file system of type {:#x}", magic);
  for (const auto& known : file_systems) {
    if (known.magic != magic) continue;
    facts.file_system = known.name;
    facts.is_network = known.is_network;
  }
  return std::optional<DirectoryFacts>(std::move(facts));
}

Result<std::string> read_any_object(const std::filesystem::path& root) {
  constexpr std::string_view doing = "read an object of the store";
  std::error_code problem;
  std::filesystem::recursive_directory_iterator entry(root, problem);
  for (; !problem && entry != std::filesystem::recursive_directory_iterator(); entry.increment(problem)) {
    std::error_code unknown;
    if (!entry->is_regular_file(unknown) || entry->is_symlink(unknown)) continue;
    const Fd file(::open(entry->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    char byte = 0;
    if (!file || ::read(file.number(), &byte, 1) < 0) return fail(system_error(errno, doing, entry->path()));
    return entry->path().lexically_relative(root).string();
  }
  if (problem) return fail(system_error(problem.value(), doing, root));
  return std::string();
}

Result<void> make_directory(const std::filesystem::path& root) {
  std::error_code problem;
  std::filesystem::create_directories(root.parent_path(), problem);
  if (problem) return fail(system_error(problem.value(), "create the store's directory", root));
  if (::mkdir(root.c_str(), 0755) == 0) {
    // Whatever the umask took: who runs the agent is another user, as a rule.
    if (::chmod(root.c_str(), 0755) != 0) return fail(system_error(errno, "create the store's directory", root));
    return {};
  }
  return errno == EEXIST ? Result<void>() : fail(system_error(errno, "create the store's directory", root));
}

Result<void> close_directory(const std::filesystem::path& root) {
  constexpr std::string_view doing = "change the mode of the store's directory";
  const Fd directory(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status{};
  if (!directory || ::fstat(directory.number(), &status) != 0) return fail(system_error(errno, doing, root));
  const mode_t mode = status.st_mode & 07775U;
  if (::fchmod(directory.number(), mode) != 0) return fail(system_error(errno, doing, root));
  return {};
}

}  // namespace bundlesync::storage::file
