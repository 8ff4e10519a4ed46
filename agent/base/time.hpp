#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bundlesync {

/// RFC 3339 in UTC with milliseconds: "2026-03-01T09:30:00.250Z".
std::string format_time(std::chrono::system_clock::time_point when);

/// RFC 3339 with any offset and any number of fractional digits ("2026-03-01T10:30:00.25+01:00"), as PostgreSQL writes
/// timestamptz into JSON. Nothing for anything else.
std::optional<std::chrono::system_clock::time_point> parse_time(std::string_view text);

}  // namespace bundlesync
