#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace bundlesync::bundle {

/// How much work a comparison may be.
struct DiffLimits {
  std::size_t lines_max = 200'000;       ///< of one text, what both have at the beginning and the end not counted
  std::uint64_t steps_max = 50'000'000;  ///< comparisons of two lines; beyond, the rest is said to differ as a whole
};

/// Lines [before, before + removed) of the one text stand where [after, after + added) of the other do.
struct Change {
  std::size_t before = 0;
  std::size_t removed = 0;
  std::size_t after = 0;
  std::size_t added = 0;
  bool operator==(const Change&) const = default;
};

struct LineDiff {
  std::vector<std::string_view> before;  ///< lines with their ends; views of what was compared
  std::vector<std::string_view> after;
  std::vector<Change> changes;  ///< in order, with lines that are the same between any two
  bool bounded = false;         ///< too large to compare line by line: one change from the first to the last difference
  std::size_t removed() const;
  std::size_t added() const;
};

/// Compares line by line: the fewest lines removed and added (Myers 1986, in linear space), as far as the limits let
/// it; right in any case. A last line without its end differs from the same line with one. Pure; the texts must outlive
/// the result.
LineDiff diff_lines(std::string_view before, std::string_view after, const DiffLimits& limits = {});

}  // namespace bundlesync::bundle
