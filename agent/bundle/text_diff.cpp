#include "bundle/text_diff.hpp"

#include <algorithm>
#include <unordered_map>

namespace bundlesync::bundle {
namespace {

using Ids = std::vector<std::uint32_t>;
using Number = std::ptrdiff_t;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto bytes = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return lines;
}

/// Equal lines get equal numbers, so that comparing two costs the same whatever they hold.
class Numbers {
 public:
  Ids of(const std::vector<std::string_view>& lines) {
    Ids ids;
    ids.reserve(lines.size());
    for (const auto line : lines) ids.push_back(known_.emplace(line, known_.size()).first->second);
    return ids;
  }

 private:
  std::unordered_map<std::string_view, std::uint32_t> known_;
};

/// A part of both texts: lines [left, right) of the first, [top, bottom) of the second.
struct Box {
  Number left;
  Number right;
  Number top;
  Number bottom;
};

/// Where an optimal path through a box can be cut in two.
struct Cut {
  Number left;
  Number top;
};

class Comparison {
 public:
  Comparison(const Ids& before, const Ids& after, std::uint64_t steps_max)
      : before_(before), after_(after), steps_left_(steps_max), removed_(before.size()), added_(after.size()) {
    const auto size = before.size() + after.size() + 3;
    forward_.resize(size);
    backward_.resize(size);
  }

  void run(Box box) {
    while (box.left < box.right && box.top < box.bottom && same(box.left, box.top)) ++box.left, ++box.top;
    while (box.left < box.right && box.top < box.bottom && same(box.right - 1, box.bottom - 1)) {
      --box.right;
      --box.bottom;
    }
    if (box.left == box.right || box.top == box.bottom) return differs(box);
    Cut cut{};
    if (!find_cut(box, cut)) return differs(box);
    run(Box{box.left, cut.left, box.top, cut.top});
    run(Box{cut.left, box.right, cut.top, box.bottom});
  }

  std::vector<Change> changes() const {
    std::vector<Change> found;
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < removed_.size() || j < added_.size()) {
      Change change{i, 0, j, 0};
      while (i < removed_.size() && removed_[i]) ++i;
      while (j < added_.size() && added_[j]) ++j;
      change.removed = i - change.before;
      change.added = j - change.after;
      if (change.removed + change.added > 0) found.push_back(change);
      if (i < removed_.size()) ++i, ++j;
    }
    return found;
  }

 private:
  bool same(Number i, Number j) const {
    return before_[static_cast<std::size_t>(i)] == after_[static_cast<std::size_t>(j)];
  }
  void differs(const Box& box) {
    std::fill(removed_.begin() + box.left, removed_.begin() + box.right, true);
    std::fill(added_.begin() + box.top, added_.begin() + box.bottom, true);
  }

  /// One more edit on every diagonal k (line of the first minus line of the second, both counted from where this
  /// direction begins). False when the steps are used up. True in `met` when the two directions meet: `cut` is there.
  template <bool Forward>
  bool advance(const Box& box, Number edits, bool& met, Cut& cut) {
    const Number width = box.right - box.left;
    const Number height = box.bottom - box.top;
    const Number delta = width - height;
    auto& mine = Forward ? forward_ : backward_;
    const auto& other = Forward ? backward_ : forward_;
    const auto at = [&](Number k) { return static_cast<std::size_t>(k + height + 1); };
    const Number low = -edits + 2 * std::max<Number>(0, edits - height);
    const Number high = edits - 2 * std::max<Number>(0, edits - width);
    for (Number k = low; k <= high; k += 2) {
      // The furthest that was reached here or on a neighbour; -1 where none was, and nothing leaves the box.
      Number x = edits == 0 ? 0 : mine[at(k)];
      const Number down = mine[at(k + 1)];
      const Number right = mine[at(k - 1)];
      if (down >= 0 && down - k <= height) x = std::max(x, down);
      if (right >= 0 && right + 1 <= width) x = std::max(x, right + 1);
      if (x < 0) continue;
      Number y = x - k;
      const Number began = x;
      while (x < width && y < height &&
             (Forward ? same(box.left + x, box.top + y) : same(box.right - 1 - x, box.bottom - 1 - y))) {
        ++x, ++y;
      }
      mine[at(k)] = x;
      const auto steps = static_cast<std::uint64_t>(x - began) + 1;
      if (steps > steps_left_) return false;
      steps_left_ -= steps;
      // The other direction is as many edits on its way as this one, or one fewer: which diagonals it has been on
      // tells whether this meeting can be a shortest path.
      const Number mirror = delta - k;
      const Number its_edits = Forward ? edits - 1 : edits;
      if ((delta % 2 != 0) != Forward || mirror < -its_edits || mirror > its_edits) continue;
      const Number there = other[at(mirror)];
      if (there < 0 || x + there < width) continue;
      met = true;
      cut = Forward ? Cut{box.left + x, box.top + y} : Cut{box.right - x, box.bottom - y};
      return true;
    }
    return true;
  }

  /// False when it would cost too much to know.
  bool find_cut(const Box& box, Cut& cut) {
    const Number width = box.right - box.left;
    const Number height = box.bottom - box.top;
    const auto used = static_cast<std::size_t>(width + height + 3);
    std::fill_n(forward_.begin(), used, -1);
    std::fill_n(backward_.begin(), used, -1);
    bool met = false;
    for (Number edits = 0; edits <= (width + height + 1) / 2; ++edits) {
      if (!advance<true>(box, edits, met, cut)) return false;
      if (met) return true;
      if (!advance<false>(box, edits, met, cut)) return false;
      if (met) return true;
    }
    return false;
  }

  const Ids& before_;
  const Ids& after_;
  std::uint64_t steps_left_;
  std::vector<bool> removed_;
  std::vector<bool> added_;
  std::vector<Number> forward_;
  std::vector<Number> backward_;
};

}  // namespace

std::size_t LineDiff::removed() const {
  std::size_t lines = 0;
  for (const auto& change : changes) lines += change.removed;
  return lines;
}

std::size_t LineDiff::added() const {
  std::size_t lines = 0;
  for (const auto& change : changes) lines += change.added;
  return lines;
}

LineDiff diff_lines(std::string_view before, std::string_view after, const DiffLimits& limits) {
  LineDiff diff;
  diff.before = lines_of(before);
  diff.after = lines_of(after);
  std::size_t front = 0;
  std::size_t back = 0;
  const auto shorter = std::min(diff.before.size(), diff.after.size());
  while (front < shorter && diff.before[front] == diff.after[front]) ++front;
  while (back < shorter - front &&
         diff.before.rbegin()[static_cast<Number>(back)] == diff.after.rbegin()[static_cast<Number>(back)]) {
    ++back;
  }
  const auto removed = diff.before.size() - front - back;
  const auto added = diff.after.size() - front - back;
  if (std::max(removed, added) > limits.lines_max) {
    diff.bounded = true;
    diff.changes.push_back(Change{front, removed, front, added});
    return diff;
  }
  Numbers numbers;
  const Ids first = numbers.of(diff.before);
  const Ids second = numbers.of(diff.after);
  Comparison comparison(first, second, limits.steps_max);
  comparison.run(Box{0, static_cast<Number>(first.size()), 0, static_cast<Number>(second.size())});
  diff.changes = comparison.changes();
  return diff;
}

}  // namespace bundlesync::bundle
