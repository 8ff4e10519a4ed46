#pragma once

#include "base/digest.hpp"
#include "disk/files.hpp"

#include <cstdint>

namespace bundlesync::disk {

struct Hashed {
  Digest sha256;
  std::uint64_t size = 0;
};
/// All of a file, from its beginning; stops with EFBIG when there is more than `bytes_max`.
Sys<Hashed> hash_file(Files& files, int fd, std::uint64_t bytes_max = UINT64_MAX);

}  // namespace bundlesync::disk
