#include "disk/hashing.hpp"

#include <cerrno>
#include <string>

namespace bundlesync::disk {

Sys<Hashed> hash_file(Files& files, int fd, std::uint64_t bytes_max) {
  Sha256 sha;
  Hashed hashed;
  std::string piece(64 << 10, '\0');
  while (true) {
    auto got = files.read(fd, piece.data(), piece.size(), hashed.size);
    if (!got) return std::unexpected(got.error());
    if (*got == 0) break;
    hashed.size += *got;
    if (hashed.size > bytes_max) return std::unexpected(EFBIG);
    sha.update(std::string_view(piece).substr(0, *got));
  }
  hashed.sha256 = sha.finish();
  return hashed;
}

}  // namespace bundlesync::disk
