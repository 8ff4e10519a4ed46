#pragma once

#include <cstdint>

namespace bundlesync::bundle {

/// How large a bundle may be (settings limits.files, limits.bundle, limits.file).
struct Limits {
  std::uint64_t files_max = 2'000;
  std::uint64_t bundle_bytes_max = 64ULL << 20;
  std::uint64_t file_bytes_max = 16ULL << 20;
};

}  // namespace bundlesync::bundle
