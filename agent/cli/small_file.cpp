#include "cli/small_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace bundlesync::cli {
namespace {
constexpr std::size_t kFileBytesMax = 1 << 20;
}  // namespace

Result<std::string> read_small_file(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::string text(kFileBytesMax + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.eof()) {
    const int code = errno;
    if (in.gcount() > 0) return fail(ErrorKind::usage, fmt::format("'{}' is larger than 1 MiB", path));
    const ErrorKind kind = code == ENOENT ? ErrorKind::not_found : ErrorKind::usage;
    return fail(kind, fmt::format("cannot read '{}': {}", path, code == 0 ? "no file" : std::strerror(code)));
  }
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace bundlesync::cli
