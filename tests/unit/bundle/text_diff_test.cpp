#include "bundle/text_diff.hpp"

#include "base/random.hpp"
#include "bundle/unified.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace bundlesync::bundle {
namespace {

std::string lines(std::string_view letters) {
  std::string text;
  for (const char c : letters) text += std::string(1, c) + "\n";
  return text;
}

/// The second text, made from the first and the changes.
std::string applied(const LineDiff& diff) {
  std::string text;
  std::size_t at = 0;
  for (const auto& change : diff.changes) {
    for (; at < change.before; ++at) text += diff.before[at];
    at += change.removed;
    for (std::size_t j = 0; j < change.added; ++j) text += diff.after[change.after + j];
  }
  for (; at < diff.before.size(); ++at) text += diff.before[at];
  return text;
}

/// Lines of a longest common subsequence, by the textbook's table.
std::size_t common_lines(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1, 0));
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1 : std::max(table[i - 1][j], table[i][j - 1]);
    }
  }
  return table[a.size()][b.size()];
}

std::string random_letters(Random& random, std::size_t length, std::uint64_t letters) {
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text += static_cast<char>('a' + static_cast<char>(random.next() % letters));
  return text;
}

void expect_in_order(const LineDiff& diff) {
  for (std::size_t i = 1; i < diff.changes.size(); ++i) {
    const auto& last = diff.changes[i - 1];
    EXPECT_GT(diff.changes[i].before, last.before + last.removed);
    EXPECT_GT(diff.changes[i].after, last.after + last.added);
  }
}

TEST(DiffLines, FindsTheFewestLinesWhateverTheTexts) {
  Random random(20261123);
  for (int round = 0; round < 3000; ++round) {
    const auto a = random_letters(random, (random.next() % 20), 1 + (random.next() % 4));
    const auto b = random_letters(random, (random.next() % 20), 1 + (random.next() % 4));
    const auto before = lines(a);
    const auto after = lines(b);
    const auto diff = diff_lines(before, after);
    ASSERT_EQ(applied(diff), after) << a << " → " << b;
    const auto common = common_lines(a, b);
    ASSERT_EQ(diff.removed(), a.size() - common) << a << " → " << b;
    ASSERT_EQ(diff.added(), b.size() - common) << a << " → " << b;
    expect_in_order(diff);
  }
}

TEST(DiffLines, IsRightWhenItMayNotWorkLong) {
  Random random(7);
  for (std::uint64_t steps = 0; steps < 400; ++steps) {
    const auto before = lines(random_letters(random, 60, 5));
    const auto after = lines(random_letters(random, 60, 5));
    DiffLimits limits;
    limits.steps_max = steps;
    const auto diff = diff_lines(before, after, limits);
    ASSERT_EQ(applied(diff), after) << steps;
    expect_in_order(diff);
  }
}

TEST(DiffLines, EndsSoonWhateverIsCompared) {
  Random random(3);
  const auto before = lines(random_letters(random, 60'000, 26));
  const auto after = lines(random_letters(random, 60'000, 26));
  DiffLimits limits;
  limits.steps_max = 1'000'000;
  const auto diff = diff_lines(before, after, limits);
  EXPECT_EQ(applied(diff), after);
  EXPECT_FALSE(diff.bounded);
}

TEST(DiffLines, ComparesTooManyLinesAsAWhole) {
  DiffLimits limits;
  limits.lines_max = 3;
  const auto before = lines("xabcdy");
  const auto after = lines("xdcbay");
  const auto diff = diff_lines(before, after, limits);
  EXPECT_TRUE(diff.bounded);
  EXPECT_EQ(diff.changes, (std::vector<Change>{{1, 4, 1, 4}}));
  EXPECT_EQ(applied(diff), after);
  // What both have at their ends is not counted.
  EXPECT_FALSE(diff_lines(lines("xabcy"), lines("xcbay"), limits).bounded);
}

TEST(DiffLines, FindsNothingBetweenEqualTexts) {
  EXPECT_TRUE(diff_lines("", "").changes.empty());
  EXPECT_TRUE(diff_lines("a\nb", "a\nb").changes.empty());
}

std::string unified_of(const std::string& before, const std::string& after) {
  return unified(diff_lines(before, after), "1.0.0/a.md", "1.1.0/a.md");
}

TEST(Unified, ShowsAChangeBetweenThreeLinesOnEitherSide) {
  EXPECT_EQ(unified_of(lines("abcdefghi"), lines("abcdXfghi")),
            "--- 1.0.0/a.md\n+++ 1.1.0/a.md\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+X\n f\n g\n h\n");
}

TEST(Unified, JoinsNeighboursAndPartsWhatIsFarApart) {
  EXPECT_EQ(unified_of(lines("abcdefgh"), lines("Xbcdefgh") + "Y\n"),
            "--- 1.0.0/a.md\n+++ 1.1.0/a.md\n@@ -1,4 +1,4 @@\n-a\n+X\n b\n c\n d\n@@ -6,3 +6,4 @@\n f\n g\n h\n+Y\n");
  EXPECT_EQ(unified_of(lines("abcdefg"), lines("Xbcdefg") + "Y\n"),
            "--- 1.0.0/a.md\n+++ 1.1.0/a.md\n@@ -1,7 +1,8 @@\n-a\n+X\n b\n c\n d\n e\n f\n g\n+Y\n");
}

TEST(Unified, SaysWhereALineHasNoEnd) {
  EXPECT_EQ(unified_of("a", "a\n"),
            "--- 1.0.0/a.md\n+++ 1.1.0/a.md\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
  EXPECT_EQ(unified_of("a\nb", "X\nb"),
            "--- 1.0.0/a.md\n+++ 1.1.0/a.md\n@@ -1,2 +1,2 @@\n-a\n+X\n b\n\\ No newline at end of file\n");
}

TEST(Unified, CountsTheLinesOfWhatIsNotThereAsNone) {
  EXPECT_EQ(unified(diff_lines("", "a\nb\n"), "/dev/null", "1.1.0/a.md"),
            "--- /dev/null\n+++ 1.1.0/a.md\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  EXPECT_EQ(unified(diff_lines("a\n", ""), "1.0.0/a.md", "/dev/null"),
            "--- 1.0.0/a.md\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
  EXPECT_EQ(unified_of("a\n", "a\n"), "");
}

}  // namespace
}  // namespace bundlesync::bundle
