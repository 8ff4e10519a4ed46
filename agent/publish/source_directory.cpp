#include "publish/source_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace bundlesync::publish {
namespace {

using storage::file::Fd;
using storage::file::Links;
using storage::file::open_beneath;

constexpr std::size_t depth_max = 32;  // ends a loop of links; path rules allow fewer anyway
constexpr std::string_view manifest_name = "manifest.json";

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

Error SourceDirectory::unable(std::string_view verb, const std::string& path, int error) const {
  const std::string what = fmt::format("unable to {} '{}' in {}", verb, path, directory_.string());
  if (error == EXDEV || error == ELOOP) {
    return Error(ErrorKind::refused, what + ": a symbolic link leads out of the directory",
                 "put the file itself there: only what lies in the bundle's directory is published")
        .with_reason("link_leads_out");
  }
  if (error == ENOENT || error == ENOTDIR) {
    return Error(ErrorKind::not_found, what + ": there is no such file").with_reason("file_missing");
  }
  const bool denied = error == EACCES || error == EPERM;
  return Error(denied ? ErrorKind::unauthorised : ErrorKind::failed, what + ": " + std::strerror(error))
      .with_reason("file_unreadable");
}

Result<SourceDirectory> SourceDirectory::open(const std::filesystem::path& directory) {
  Fd descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor) return SourceDirectory(directory, std::move(descriptor));
  return fail(Error(ErrorKind::usage,
                    fmt::format("unable to open the directory '{}': {}", directory.string(), std::strerror(errno)),
                    "name the directory that holds the bundle's files and its manifest.json")
                  .with_reason("directory_missing"));
}

Result<std::optional<std::string>> SourceDirectory::manifest(std::uint64_t bytes_max) const {
  auto text = read(std::string(manifest_name), bytes_max);
  if (text) return std::optional(std::move(*text));
  if (text.error().reason() == "file_missing") return std::nullopt;
  return fail(std::move(text.error()));
}

Result<std::vector<std::string>> SourceDirectory::paths(std::uint64_t files_max) const {
  std::vector<std::string> found;
  if (auto done = add_paths("", 1, files_max, found); !done) return fail(std::move(done.error()));
  std::ranges::sort(found);
  return found;
}

Result<void> SourceDirectory::add_paths(const std::string& prefix, std::size_t depth, std::uint64_t files_max,
                                        std::vector<std::string>& found) const {
  const std::string here = prefix.empty() ? "." : prefix.substr(0, prefix.size() - 1);
  if (depth > depth_max) return fail(unable("list", here, ELOOP));
  const Fd opened = open_beneath(descriptor_.number(), here, O_RDONLY | O_DIRECTORY, 0, Links::inside);
  if (!opened) return fail(unable("list", here, errno));
  const int copy = ::fcntl(opened.number(), F_DUPFD_CLOEXEC, 0);
  const std::unique_ptr<DIR, CloseDirectory> entries(copy < 0 ? nullptr : ::fdopendir(copy));
  if (!entries) return fail(unable("list", here, errno));

  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name.starts_with('.') || (prefix.empty() && name == manifest_name)) continue;
    const Fd seen = open_beneath(descriptor_.number(), prefix + name, O_PATH, 0, Links::inside);
    struct stat facts{};
    if (!seen || ::fstat(seen.number(), &facts) != 0) return fail(unable("look at", prefix + name, errno));
    if (S_ISDIR(facts.st_mode)) {
      if (auto done = add_paths(prefix + name + "/", depth + 1, files_max, found); !done) return done;
      continue;
    }
    if (found.size() == files_max) {
      return fail(Error(ErrorKind::refused, fmt::format("{} holds more than {} files", directory_.string(), files_max),
                        "raise limits.files, or name the files in a manifest.json")
                      .with_reason("too_many_files"));
    }
    found.push_back(prefix + name);
  }
  return {};
}

Result<Fd> SourceDirectory::open_file(const std::string& path, std::uint64_t& size) const {
  // O_NONBLOCK: opening a FIFO without a writer would wait for ever; on a regular file it does nothing.
  Fd file = open_beneath(descriptor_.number(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, Links::inside);
  struct stat facts{};
  if (!file || ::fstat(file.number(), &facts) != 0) return fail(unable("read", path, errno));
  if (!S_ISREG(facts.st_mode)) {
    return fail(Error(ErrorKind::refused, fmt::format("'{}' in {} is not a regular file", path, directory_.string()),
                      "only regular files can be published")
                    .with_reason("not_regular"));
  }
  size = static_cast<std::uint64_t>(facts.st_size);
  return file;
}

Result<std::uint64_t> SourceDirectory::size(const std::string& path) const {
  std::uint64_t bytes = 0;
  if (auto file = open_file(path, bytes); !file) return fail(std::move(file.error()));
  return bytes;
}

Result<std::string> SourceDirectory::read(const std::string& path, std::uint64_t bytes_max) const {
  std::uint64_t size = 0;
  auto file = open_file(path, size);
  if (!file) return fail(std::move(file.error()));

  std::string bytes;
  std::string piece(std::size_t{64} << 10, '\0');
  for (;;) {
    const ssize_t got = ::read(file->number(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(unable("read", path, errno));
    if (got == 0) return bytes;
    if (static_cast<std::uint64_t>(got) > bytes_max - bytes.size()) {
      return fail(Error(ErrorKind::refused,
                        fmt::format("'{}' in {} is larger than {} bytes", path, directory_.string(), bytes_max),
                        "make it smaller, or raise limits.file and limits.bundle here and at the agents")
                      .with_reason("file_too_large"));
    }
    bytes.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace bundlesync::publish
