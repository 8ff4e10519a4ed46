#pragma once

#include "report/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace bundlesync::report {

/// A log whose lines a test can read, as "level text".
class CapturedLog {
 public:
  explicit CapturedLog(LogFormat format = LogFormat::text, LogLevel level = LogLevel::info, Colour colour = Colour::no)
      : log_(make_log(std::make_shared<spdlog::sinks::ostream_sink_st>(out_), format, level, colour)) {}

  const std::shared_ptr<spdlog::logger>& log() const { return log_; }
  std::string raw() const { return out_.str(); }
  /// What was written since the last call, a line an entry, without the time.
  std::vector<std::string> take() {
    std::vector<std::string> lines;
    std::istringstream in(out_.str());
    for (std::string line; std::getline(in, line);) lines.push_back(line.substr(line.find(' ') + 1));
    out_.str("");
    return lines;
  }

 private:
  std::ostringstream out_;
  std::shared_ptr<spdlog::logger> log_;
};

}  // namespace bundlesync::report
