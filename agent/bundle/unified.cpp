#include "bundle/unified.hpp"

#include <algorithm>

namespace bundlesync::bundle {
namespace {

constexpr std::size_t context_lines = 3;

void add_line(std::string& out, char sign, std::string_view line) {
  out += sign;
  out += line;
  if (!line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
}

/// "12,3"; one line is "12", and none is said to stand behind the line before it.
std::string range(std::size_t first, std::size_t count) {
  if (count == 1) return std::to_string(first + 1);
  return std::to_string(count == 0 ? first : first + 1) + "," + std::to_string(count);
}

/// Changes [begin, end) with the lines between and around them.
void add_hunk(std::string& out, const LineDiff& diff, std::size_t begin, std::size_t end) {
  const auto& first = diff.changes[begin];
  const auto& last = diff.changes[end - 1];
  const auto lead = std::min(context_lines, first.before);
  const auto trail = std::min(context_lines, diff.before.size() - last.before - last.removed);
  const auto from = first.before - lead;
  const auto to = last.before + last.removed + trail;
  const auto new_from = first.after - lead;
  const auto new_to = last.after + last.added + trail;
  out += "@@ -" + range(from, to - from) + " +" + range(new_from, new_to - new_from) + " @@\n";
  std::size_t at = from;
  for (std::size_t i = begin; i < end; ++i) {
    const auto& change = diff.changes[i];
    for (; at < change.before; ++at) add_line(out, ' ', diff.before[at]);
    for (; at < change.before + change.removed; ++at) add_line(out, '-', diff.before[at]);
    for (std::size_t j = change.after; j < change.after + change.added; ++j) add_line(out, '+', diff.after[j]);
  }
  for (; at < to; ++at) add_line(out, ' ', diff.before[at]);
}

}  // namespace

std::string unified(const LineDiff& diff, std::string_view before_name, std::string_view after_name) {
  std::string out;
  if (diff.changes.empty()) return out;
  out += "--- " + std::string(before_name) + "\n+++ " + std::string(after_name) + "\n";
  std::size_t begin = 0;
  for (std::size_t end = 1; end <= diff.changes.size(); ++end) {
    const auto& last = diff.changes[end - 1];
    if (end < diff.changes.size() && diff.changes[end].before - last.before - last.removed <= 2 * context_lines) {
      continue;
    }
    add_hunk(out, diff, begin, end);
    begin = end;
  }
  return out;
}

}  // namespace bundlesync::bundle
