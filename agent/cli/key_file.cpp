#include "cli/key_file.hpp"

#include "cli/small_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace bundlesync::cli {
namespace {

void note_readers(const Streams& streams, const std::string& file) {
  struct stat about{};
  if (stat(file.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return;
  const auto mode = about.st_mode & 0777U;
  if ((mode & 0077U) == 0) return;
  print_note(streams,
             fmt::format("others may read the private key '{}' (mode {:04o}): chmod 600 {}", file, mode, file));
}

Error cannot_write(const std::string& file, int code) {
  return Error(ErrorKind::failed, fmt::format("cannot write '{}': {}", file, std::strerror(code)));
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<bundle::SigningKey> read_signing_key(const Streams& streams, const std::string& file) {
  const std::string path = file == "-" ? "/dev/stdin" : file;
  auto text = read_small_file(path);
  if (!text && text.error().kind() == ErrorKind::not_found) {
    return fail(ErrorKind::usage, fmt::format("there is no private key '{}'", file),
                "bundlesync key generate FILE makes one");
  }
  if (!text) return fail(std::move(text.error()));
  note_readers(streams, path);
  const Secret pem(std::move(*text));
  return bundle::SigningKey::parse(pem, file == "-" ? "standard input" : file);
}

Result<void> write_signing_key(const std::string& file, const bundle::SigningKey& key) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0 && errno == EEXIST) {
    return fail(ErrorKind::conflict, fmt::format("'{}' is there already", file),
                "a key is never overwritten: give another name, or move that file away");
  }
  if (descriptor < 0) return fail(cannot_write(file, errno));
  const Secret pem = key.pem();
  const bool written = write_all(descriptor, pem.reveal()) && fsync(descriptor) == 0;
  const int code = errno;
  const bool closed = close(descriptor) == 0;
  if (written && closed) return {};
  unlink(file.c_str());
  return fail(cannot_write(file, written ? errno : code));
}

}  // namespace bundlesync::cli
