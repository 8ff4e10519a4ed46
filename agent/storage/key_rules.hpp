#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <string_view>

namespace bundlesync::storage {

inline constexpr std::size_t key_bytes_max = 1024;
inline constexpr std::size_t key_segment_bytes_max = 255;
inline constexpr std::size_t piece_bytes_max = std::size_t{64} << 10;  ///< of one ByteSink::write

/// Judges a key, or a prefix, before any storage is asked. refused, reason key_invalid: empty, longer than 1024 bytes,
/// a segment that is empty, "." or "..", begins with ".bundlesync-" (our unfinished uploads) or is longer than 255
/// bytes, a control byte, or one of \ % : ? # which would make it read as a URL or an escape.
Result<void> check_key(std::string_view key);

/// The key as messages show it: bytes that would break a line of the log are written \xNN, and it is cut at 120 bytes.
std::string quoted_key(std::string_view key);

}  // namespace bundlesync::storage
