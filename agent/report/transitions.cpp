#include "report/transitions.hpp"

#include "report/line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

namespace bundlesync::report {
namespace {

using plan::State;
using Level = LogLine::Level;

/// Collects lines; of one event at most same_event_lines_max.
class Lines {
 public:
  void add(Level level, std::string_view event, const Line& line) {
    Count& count = counts_[std::string(event)];
    count.level = level;
    if (++count.lines <= same_event_lines_max) lines_.push_back(LogLine{level, line.text()});
  }
  std::vector<LogLine> take() {
    for (const auto& [event, count] : counts_) {
      if (count.lines <= same_event_lines_max) continue;
      lines_.push_back(LogLine{count.level, Line(event).add("more", count.lines - same_event_lines_max).text()});
    }
    return std::move(lines_);
  }

 private:
  struct Count {
    std::size_t lines = 0;
    Level level = Level::info;
  };
  std::vector<LogLine> lines_;
  std::map<std::string, Count> counts_;
};

/// What a person should hear of. The rest is the course of things: activate lines tell of it.
bool is_noteworthy(const TemplateReport& of) {
  switch (of.state) {
    case State::absent:
      return of.reason != "database_not_reached";  // every first start passes through it: `not_ready` says so once
    case State::retrying:
    case State::blocked:
    case State::refused:
    case State::held:
    case State::orphaned:
    case State::disabled:
      return true;
    case State::current:
    case State::moving:
    case State::fetching:
    case State::validating:
    case State::waiting:
    case State::standalone:
      return false;
  }
  return false;
}

bool same_standing(const TemplateReport& before, const TemplateReport& after) {
  if (before.state != after.state || before.reason != after.reason) return false;
  if (before.desired_version != after.desired_version) return false;
  // A row that was touched is a new refusal; what is retried, or waits for others, only shows its progress in detail.
  const bool final = after.state == State::refused || after.state == State::held;
  return !final || (before.desired_generation == after.desired_generation && before.detail == after.detail);
}

/// The event and its line for a state that is_noteworthy.
std::pair<Level, Line> line_of(const TemplateReport& of) {
  switch (of.state) {
    case State::refused: {
      Line line("refuse");
      line.add("template", of.name).add("version", of.desired_version).add("reason", of.reason).detail(of.detail);
      line.add("next_try", of.next_try.empty() ? "when_the_row_changes" : of.next_try);
      return {Level::warn, line};
    }
    case State::held: {
      const std::uint64_t accepted = std::max(of.accepted_generation, of.generation);
      Line line("hold");
      line.add("template", of.name).add("seen_generation", of.desired_generation).add("accepted", accepted);
      line.add("epoch", "same").prose("hint", "restored database? bundlesync catalog new-epoch");
      return {Level::warn, line};
    }
    case State::blocked:
    case State::retrying: {
      Line line(plan::to_string(of.state));
      line.add("template", of.name).add("version", of.desired_version).add("reason", of.reason).detail(of.detail);
      if (of.state == State::retrying) line.add("next_try", of.next_try);
      return {Level::warn, line};
    }
    default: {
      Line line(plan::to_string(of.state));
      line.add("template", of.name).add("reason", of.reason).detail(of.detail).add("shows", of.shown_version);
      return {of.state == State::absent ? Level::warn : Level::info, line};
    }
  }
}

std::string_view event_of(const Line& line) {
  const std::string_view text = line.text();
  return text.substr(0, text.find(' '));
}

bool falls_back(const TemplateReport& of) {
  return of.source == "local" || of.source == "filesystem";
}

std::string_view fallback_reason(const TemplateReport& of) {
  if (of.state == State::standalone) return "remote_off";
  return of.reason == "database_not_reached" ? "never_reached_database" : std::string_view(of.reason);
}

void compare(const TemplateReport& before, const TemplateReport& after, Lines& lines) {
  if (is_noteworthy(after)) {
    if (!same_standing(before, after)) {
      const auto [level, line] = line_of(after);
      lines.add(level, event_of(line), line);
    }
  } else if (is_noteworthy(before) && (after.state == State::current || after.state == State::standalone)) {
    Line line("cleared");
    line.add("template", after.name).add("was", plan::to_string(before.state)).add("shows", after.shown_version);
    lines.add(Level::info, "cleared", line);
  }
  if (falls_back(after) && before.source != after.source) {
    Line line("fallback");
    line.add("template", after.name).add("source", after.source).add("reason", fallback_reason(after));
    lines.add(Level::warn, "fallback", line);
  }
}

void compare_problems(const Settled& before, const Settled& after, Lines& lines) {
  const auto in = [](const std::vector<std::string>& list, const std::string& fact) {
    return std::ranges::find(list, fact) != list.end();
  };
  for (const auto& fact : after.problems) {
    if (!in(before.problems, fact)) lines.add(Level::warn, "problem", Line("problem").prose("fact", fact));
  }
  for (const auto& fact : before.problems) {
    if (!in(after.problems, fact)) lines.add(Level::info, "problem_gone", Line("problem_gone").prose("fact", fact));
  }
}

}  // namespace

std::vector<LogLine> transitions(const Settled& before, const Settled& after) {
  Lines lines;
  std::map<std::string_view, const TemplateReport*> earlier;
  for (const auto& entry : before.templates) earlier[entry.name] = &entry;
  for (const auto& entry : after.templates) {
    // One that was not there before was current as far as anybody was told.
    TemplateReport unknown;
    unknown.state = State::current;
    const auto found = earlier.find(entry.name);
    compare(found == earlier.end() ? unknown : *found->second, entry, lines);
  }
  compare_problems(before, after, lines);
  if (after.ready && !before.ready) lines.add(Level::info, "ready", Line("ready").add("view", after.view));
  if (!after.ready && before.missing != after.missing) {
    lines.add(Level::info, "not_ready",
              Line("not_ready").add("missing", fmt::format("{}", fmt::join(after.missing, ","))));
  }
  return lines.take();
}

}  // namespace bundlesync::report
