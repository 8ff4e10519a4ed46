#pragma once

#include "report/reporter.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace bundlesync::report {

inline constexpr std::size_t same_event_lines_max = 100;  ///< of one event in one settlement; the rest is counted

struct LogLine {
  enum class Level { info, warn };
  Level level = Level::info;
  std::string text;
  bool operator==(const LogLine&) const = default;
};

/// One line for each thing that is otherwise after a pass than after the one before: refuse, hold, blocked, retrying,
/// orphaned, disabled, absent, cleared, fallback, ready, not_ready, problem, problem_gone. Another try of the same
/// thing is no transition. Pure.
std::vector<LogLine> transitions(const Settled& before, const Settled& after);

}  // namespace bundlesync::report
