#pragma once

#include "async/clock.hpp"

#include <memory>
#include <string_view>

namespace spdlog {
class logger;
namespace sinks {
class sink;
}
}  // namespace spdlog

namespace bundlesync::report {

/// How a line of the log looks. `automatic`: text on a terminal, JSON elsewhere (setting log.format).
enum class LogFormat { automatic, text, json };

/// The least severe lines that are written (setting log.level).
enum class LogLevel { debug, info, warn, error };

/// The process's log, on stderr. Text: "2026-03-01T09:30:00.250Z info  activate …"; levels are coloured on a terminal
/// unless NO_COLOR is set. JSON: {"time":…,"level":…,"message":…}, the message being the same text.
std::shared_ptr<spdlog::logger> make_log(LogFormat format, LogLevel level);

/// The same over any sink, for tests and for other destinations.
enum class Colour { no, yes };
std::shared_ptr<spdlog::logger> make_log(std::shared_ptr<spdlog::sinks::sink> sink, LogFormat format, LogLevel level,
                                         Colour colour);

}  // namespace bundlesync::report
