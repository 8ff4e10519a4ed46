#include "support/reader.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace bundlesync::tests {
namespace fs = std::filesystem;
namespace {

/// A file that was there a moment ago is not: start again.
struct Gone {};

[[noreturn]] void fail_with_errno(const std::string& what) {
  if (errno == ENOENT || errno == ESTALE) throw Gone();
  throw std::system_error(errno, std::generic_category(), what);
}

class Fd {
 public:
  Fd(int directory, const std::string& path, int flags)
      : number_(::openat(directory, path.c_str(), flags | O_CLOEXEC)) {
    if (number_ < 0) fail_with_errno(path);
  }
  ~Fd() { ::close(number_); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

std::string read_file(int directory, const std::string& name) {
  const Fd file(directory, name, O_RDONLY);
  std::string bytes;
  std::array<char, 65536> piece{};
  for (;;) {
    const ssize_t count = ::read(file.number(), piece.data(), piece.size());
    if (count < 0) fail_with_errno(name);
    if (count == 0) return bytes;
    bytes.append(piece.data(), static_cast<std::size_t>(count));
  }
}

/// Every regular file below a directory handle, dot files apart: they are the agent's own.
void read_below(int directory, const std::string& prefix, Files& files) {
  const int again = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) fail_with_errno(prefix);
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(again), &::closedir);
  while (const dirent* entry = ::readdir(list.get())) {
    const std::string name(entry->d_name);
    if (name.front() == '.') continue;
    if (entry->d_type == DT_DIR) {
      const Fd below(directory, name, O_RDONLY | O_DIRECTORY);
      read_below(below.number(), prefix + name + "/", files);
    } else {
      files[prefix + name] = read_file(directory, name);
    }
  }
}

Look look_below(int directory, const std::string& path, const std::string& template_name, const Oracle& oracle) {
  const Fd pinned(directory, path, O_RDONLY | O_DIRECTORY);
  Files files;
  read_below(pinned.number(), "", files);
  const auto version = oracle.version_of(template_name, files);
  return Look{version.value_or(""), !version};
}

bool is_there(const fs::path& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0;
}

constexpr int starts_max = 100;

}  // namespace

void Oracle::add(const std::string& template_name, const std::string& version, Files files) {
  versions_[template_name][version] = std::move(files);
}

const Files& Oracle::files(const std::string& template_name, const std::string& version) const {
  return versions_.at(template_name).at(version);
}

std::optional<std::string> Oracle::version_of(const std::string& template_name, const Files& seen) const {
  const auto found = versions_.find(template_name);
  if (found == versions_.end()) return std::nullopt;
  for (const auto& [version, files] : found->second) {
    if (files == seen) return version;
  }
  return std::nullopt;
}

Look Reader::look(const std::string& template_name) {
  for (int start = 0; start < starts_max; ++start) {
    if (!is_there(target_ / template_name)) return Look();
    try {
      return look_below(AT_FDCWD, target_ / template_name, template_name, *oracle_);
    } catch (const Gone&) {
      ++restarts_;
    }
  }
  throw std::runtime_error(template_name + " could not be read in " + std::to_string(starts_max) + " starts");
}

std::map<std::string, Look> Reader::look_at_view(const std::vector<std::string>& template_names) {
  for (int start = 0; start < starts_max; ++start) {
    try {
      const Fd view(AT_FDCWD, target_ / "..data", O_RDONLY | O_DIRECTORY);
      std::map<std::string, Look> looks;
      for (const auto& name : template_names) looks[name] = look_below(view.number(), name, name, *oracle_);
      return looks;
    } catch (const Gone&) {
      ++restarts_;
    }
  }
  throw std::runtime_error("no view could be read in " + std::to_string(starts_max) + " starts");
}

std::string view_link(const fs::path& target) {
  std::error_code none;
  return fs::read_symlink(target / "..data", none).string();
}

std::map<std::string, std::string> fingerprint(const fs::path& directory) {
  std::map<std::string, std::string> result;
  const auto add = [&](const fs::path& path) {
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) throw std::system_error(errno, std::generic_category(), path.string());
    std::string content;
    if (S_ISLNK(found.st_mode)) content = fs::read_symlink(path).string();
    if (S_ISREG(found.st_mode)) {
      std::ifstream file(path, std::ios::binary);
      content.assign(std::istreambuf_iterator<char>(file), {});
    }
    result[path.string()] =
        fmt::format("{:o} {}:{} {} {}.{} {} {}", found.st_mode, found.st_uid, found.st_gid, found.st_ino,
                    found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_size, content);
  };
  add(directory);
  for (const auto& entry : fs::recursive_directory_iterator(directory)) add(entry.path());
  return result;
}

}  // namespace bundlesync::tests
