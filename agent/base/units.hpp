#pragma once

#include "base/error.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace bundlesync {

/// A whole number and one unit of ms, s, m, h, d ("250ms", "30s", "30 s", "2d"). Errors (usage): no unit, an unknown
/// one, no number, a sign or fraction, more than 292 years.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The largest of ms, s, m, h that loses nothing ("30s", "90s", "24h", "0s"); parse_duration reads it back.
std::string format_duration(std::chrono::milliseconds duration);

/// A whole number of bytes, or of B, KiB, MiB, GiB, TiB ("512MiB", "16 KiB", "4096"). Errors (usage): an unknown unit
/// (MB and its kin are refused: they read as either), no number, a sign or fraction, more than 2^63-1 bytes.
Result<std::uint64_t> parse_size(std::string_view text);
/// The largest unit that loses nothing ("512MiB", "1000B", "0B"); parse_size reads it back.
std::string format_size(std::uint64_t bytes);

}  // namespace bundlesync
