#include "report/log.hpp"

#include "base/time.hpp"
#include "report/line.hpp"

#include <boost/json.hpp>
#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdlib>
#include <string>
#include <unistd.h>
#include <utility>

namespace bundlesync::report {
namespace {

std::string_view level_name(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warn";
    default:
      return "error";
  }
}

spdlog::level::level_enum least(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string time_of(const spdlog::details::log_msg& message) {
  return format_time(std::chrono::time_point_cast<std::chrono::system_clock::duration>(message.time));
}

/// Whoever logs builds lines with Line; this is the last door, so it looks again: no message breaks its line.
std::string message_of(const spdlog::details::log_msg& message) {
  return escaped(std::string_view(message.payload.data(), message.payload.size()), line_bytes_max);
}

void append(spdlog::memory_buf_t& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

class TextFormatter final : public spdlog::formatter {
 public:
  explicit TextFormatter(Colour colour) : colour_(colour) {}
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string_view level = level_name(message.level);
    const std::string_view colour = colour_ == Colour::no                  ? ""
                                    : message.level >= spdlog::level::err  ? "\x1b[31m"
                                    : message.level == spdlog::level::warn ? "\x1b[33m"
                                                                           : "";
    append(out, time_of(message));
    append(out, " ");
    append(out, colour);
    append(out, level);
    if (!colour.empty()) append(out, "\x1b[0m");
    append(out, level.size() < 5 ? "  " : " ");
    append(out, message_of(message));
    append(out, "\n");
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<TextFormatter>(colour_); }

 private:
  Colour colour_;
};

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    boost::json::object line;
    line["time"] = time_of(message);
    line["level"] = level_name(message.level);
    line["message"] = message_of(message);
    append(out, boost::json::serialize(line));
    append(out, "\n");
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

}  // namespace

std::shared_ptr<spdlog::logger> make_log(std::shared_ptr<spdlog::sinks::sink> sink, LogFormat format, LogLevel level,
                                         Colour colour) {
  auto log = std::make_shared<spdlog::logger>("bundlesync", std::move(sink));
  if (format == LogFormat::json) {
    log->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    log->set_formatter(std::make_unique<TextFormatter>(colour));
  }
  log->set_level(least(level));
  log->flush_on(spdlog::level::debug);
  return log;
}

std::shared_ptr<spdlog::logger> make_log(LogFormat format, LogLevel level) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  if (format == LogFormat::automatic) format = terminal ? LogFormat::text : LogFormat::json;
  const char* no_colour = std::getenv("NO_COLOR");
  const bool colour = terminal && (no_colour == nullptr || *no_colour == '\0');
  return make_log(std::make_shared<spdlog::sinks::stderr_sink_st>(), format, level, colour ? Colour::yes : Colour::no);
}

}  // namespace bundlesync::report
