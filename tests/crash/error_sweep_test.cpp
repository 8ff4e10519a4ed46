#include "crash/scenario.hpp"
#include "fakes/faulty_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>

namespace bundlesync::testing {
namespace {

namespace fs = std::filesystem;

class ErrorSweep : public ::testing::TestWithParam<Scenario> {
 protected:
  static std::set<std::string> root_names(const fs::path& target) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(target)) names.insert(entry.path().filename().string());
    names.erase("..bundlesync");
    return names;
  }

  /// Every call failing in turn with `code`. What an app sees changes only as a whole; what failed is not called done;
  /// all is well as soon as the fault is lifted.
  void sweep(int code, bool lasting) {
    const Scenario& scenario = GetParam();
    const Ready ready(scenario);
    std::size_t call = 1;
    for (bool failed = true; failed;) {
      const std::string when = std::string(lasting ? "lasting from " : "once at ") + "call " + std::to_string(call);
      QuickDir dir;
      ready.copy_to(dir.path());
      const std::string link = data_link(dir.path());
      const auto sight = scenario.damaged ? std::nullopt : seen(dir.path());
      const auto names = root_names(dir.path());
      FaultyFiles files(real_);
      files.fail_from(call, code, lasting);
      auto acted = act(scenario, files, dir.path());
      failed = files.failures() > 0;
      call = files.first_failure() + 1;
      // Not converging is no success; converging is, whatever call was lost on the way.
      if (acted) {
        ASSERT_EQ(torn(dir.path(), {scenario.wanted}, false), "") << when;
      } else if (data_link(dir.path()) == link) {
        if (!scenario.damaged) {
          ASSERT_EQ(seen(dir.path()), sight) << when;
        }
        // What failed for good could not take its links back either.
        if (!lasting) {
          ASSERT_EQ(root_names(dir.path()), names) << when;
        }
      } else {
        ASSERT_EQ(torn(dir.path(), {scenario.wanted}, false), "") << when;
      }
      if (!acted) {
        ASSERT_FALSE(acted.error().fact().empty()) << when;
      }
      files.heal();
      auto again = act(scenario, files, dir.path());
      ASSERT_TRUE(again) << when << ": " << again.error().text();
      ASSERT_EQ(torn(dir.path(), {scenario.wanted}, false), "") << when;
      ASSERT_EQ(left_overs(dir.path()), std::vector<std::string>()) << when;
    }
  }

  disk::RealFiles real_;
};

TEST_P(ErrorSweep, OldOrNewAndConvergesWhenACallFailsOnce) {
  for (const int code : {EIO, ENOSPC, EROFS, EMFILE, EACCES}) {
    SCOPED_TRACE(std::generic_category().message(code));
    sweep(code, false);
    if (HasFatalFailure()) return;
  }
}

TEST_P(ErrorSweep, OldOrNewAndConvergesWhenCallsFailLastingly) {
  for (const int code : {EIO, ENOSPC, EROFS, EMFILE, EACCES}) {
    SCOPED_TRACE(std::generic_category().message(code));
    sweep(code, true);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Every, ErrorSweep, ::testing::ValuesIn(scenarios()),
                         [](const auto& scenario) { return scenario.param.name; });

/// A disk that said no to an fsync may hold anything: whatever was to be done is not done.
TEST(FailedFsync, IsNeverCalledDone) {
  disk::RealFiles real;
  for (const auto& scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    const Ready ready(scenario);
    std::size_t number = 0;
    for (bool failed = true; failed;) {
      QuickDir dir;
      ready.copy_to(dir.path());
      FaultyFiles files(real);
      files.fail_fsync(++number);
      auto acted = act(scenario, files, dir.path());
      failed = files.fsyncs() >= number;
      ASSERT_NE(acted.has_value(), failed) << "fsync " << number;
    }
    EXPECT_GT(number, 5U);
  }
}

/// One agent that tries for ever on a disk that fails: nothing piles up.
TEST(ErrorSweep, LeavesAtMostOneStageAfterManyFailedTries) {
  disk::RealFiles real;
  const Goods goods = make_goods("section7", "1.0.0");
  for (const int code : {EIO, ENOSPC, EROFS, EMFILE, EACCES}) {
    SCOPED_TRACE(std::generic_category().message(code));
    for (const std::size_t from : {3U, 12U, 20U, 30U, 40U, 50U, 60U, 70U}) {
      QuickDir dir;
      FaultyFiles files(real);
      auto machine = Machine::start(files, dir.path());
      ASSERT_TRUE(machine) << machine.error().text();
      const std::size_t started = files.calls();
      files.fail_from(started + from, code, true);
      for (int tries = 0; tries < 30; ++tries) ASSERT_FALSE((*machine)->converge(want({goods})));
      ASSERT_LE(left_overs(dir.path()).size(), 3U);
      const auto left = left_overs(dir.path());
      ASSERT_LE(std::ranges::count_if(left, [](const auto& path) { return path.find(".stage-") != path.npos; }), 1);
      files.heal();
      auto shown = (*machine)->converge(want({goods}));
      ASSERT_TRUE(shown) << shown.error().text();
      ASSERT_EQ(torn(dir.path(), {want({goods})}, false), "");
    }
  }
}

}  // namespace
}  // namespace bundlesync::testing
