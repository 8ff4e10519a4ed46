#include "crash/scenario.hpp"
#include "fakes/faulty_files.hpp"

#include <gtest/gtest.h>

namespace bundlesync::testing {
namespace {

namespace fs = std::filesystem;

class CrashSweep : public ::testing::TestWithParam<Scenario> {
 protected:
  /// After a crash: an app sees old or new, whole. A damaged view stays as it was until the new one.
  void judge(const fs::path& target, const std::string& when) {
    if (GetParam().damaged && data_link(target) == before_) return;
    ASSERT_EQ(torn(target, allowed(GetParam()), GetParam().before.empty()), "") << when;
  }

  void converges(const fs::path& target, const std::string& when) {
    FaultyFiles files(real_);
    auto acted = act(GetParam(), files, target);
    ASSERT_TRUE(acted) << when << ": " << acted.error().text();
    ASSERT_EQ(torn(target, {GetParam().wanted}, false), "") << when;
    ASSERT_EQ(left_overs(target), std::vector<std::string>()) << when;
    for (const auto& [name, goods] : GetParam().wanted) {
      ASSERT_EQ(fs::read_symlink(target / name).string(), "..data/" + name) << when;
    }
    for (const auto& [name, goods] : GetParam().last()) {
      if (!GetParam().wanted.contains(name)) {
        ASSERT_FALSE(fs::is_symlink(fs::symlink_status(target / name))) << when;
      }
    }
  }

  /// The scenario, dead just before a change. false: it made fewer changes.
  bool crash(const fs::path& target, std::size_t change) {
    ready_.copy_to(target);
    before_ = data_link(target);
    return crash_again(target, change);
  }
  bool crash_again(const fs::path& target, std::size_t change) {
    FaultyFiles files(real_);
    files.die_at_change(change);
    auto acted = act(GetParam(), files, target);
    EXPECT_NE(files.dead(), acted.has_value());
    return files.dead();
  }

  disk::RealFiles real_;
  Ready ready_{GetParam()};
  std::string before_;
};

/// A crash after one call and a crash before the next leave the same disk, and so do two with only reading between
/// them: before each change and after the last are all the states there are.
TEST_P(CrashSweep, ShowsOldOrNewAndConvergesAfterACrashAtEveryCall) {
  std::size_t change = 0;
  for (bool died = true; died;) {
    const std::string when = "before change " + std::to_string(++change);
    QuickDir dir;
    died = crash(dir.path(), change);
    judge(dir.path(), when);
    converges(dir.path(), when);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(change, 12U);
}

/// Recovery may die, too.
TEST_P(CrashSweep, ConvergesWhenTheRecoveryCrashesToo) {
  bool first_died = true;
  for (std::size_t first = 2; first_died; first += 11) {
    bool died = true;
    for (std::size_t second = 1; died; second += 4) {
      const std::string when = "before change " + std::to_string(first) + ", then " + std::to_string(second);
      QuickDir dir;
      first_died = crash(dir.path(), first);
      died = crash_again(dir.path(), second);
      judge(dir.path(), when);
      converges(dir.path(), when);
      if (HasFatalFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Every, CrashSweep, ::testing::ValuesIn(scenarios()),
                         [](const auto& scenario) { return scenario.param.name; });

}  // namespace
}  // namespace bundlesync::testing
