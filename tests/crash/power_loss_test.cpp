#include "crash/power_judge.hpp"
#include "crash/scenario.hpp"
#include "fakes/faulty_files.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sys/stat.h>

namespace bundlesync::testing {
namespace {

class PowerLoss : public ::testing::Test {
 protected:
  PowerLoss() {
    const Goods intake = make_goods("intake", "1.0.0");
    const Goods section1 = make_goods("section7", "1.0.0");
    const Goods section2 = make_goods("section7", "1.1.0");
    history_.wanted = {want({section1}), want({section2, intake}), want({section1, intake}), want({section1})};
    struct stat info{};
    EXPECT_EQ(::stat(dir_.path().c_str(), &info), 0);
    history_.root = info.st_ino;
    files_.record(true);
  }

  /// A life of an agent: one start, then all of `wanted` from `first` to `last`. false: it died.
  bool live(std::size_t first, std::size_t last) {
    files_.mark("starting");
    auto machine = Machine::start(files_, dir_.path());
    if (!machine) return false;
    files_.mark("started");
    (*machine)->promised = [&](const std::string& text) { files_.mark(text); };
    for (std::size_t i = first; i <= last; ++i) {
      files_.mark("wanting " + std::to_string(i));
      if (!(*machine)->converge(history_.wanted[i])) return false;
    }
    return (*machine)->collect().has_value();
  }

  const History& history() {
    history_.log = files_.log();
    return history_;
  }
  std::size_t position(std::size_t fsync_number) {
    std::size_t number = 0;
    for (std::size_t i = 0; i < files_.log().size(); ++i) {
      if (files_.log()[i].kind == FileOp::fsync && ++number == fsync_number) return i;
    }
    return files_.log().size();
  }

  QuickDir dir_;
  disk::RealFiles real_;
  FaultyFiles files_{real_};
  History history_;
};

TEST_F(PowerLoss, NeverTearsWhatShowsNorLosesWhatWasPromised) {
  ASSERT_TRUE(live(0, 3));
  ASSERT_TRUE(live(1, 2));
  Judge judge(history(), 6);
  EXPECT_EQ(judge.run(0), "");
  EXPECT_GT(judge.states(), 5000U);
}

/// Somebody removed ..data; the start that shows the last view again makes it durable before it counts.
TEST_F(PowerLoss, WhatAStartShowsAgainIsDurable) {
  ASSERT_TRUE(live(0, 0));
  {
    auto root = files_.open_path(dir_.path());
    ASSERT_TRUE(root);
    ASSERT_TRUE(files_.unlink(root->get(), "..data"));
    ASSERT_TRUE(files_.fsync(root->get()));
  }
  auto machine = Machine::start(files_, dir_.path());
  ASSERT_TRUE(machine) << machine.error().text();
  auto view = (*machine)->live().read();
  ASSERT_TRUE(view);
  ASSERT_GT(view->number, 0U);
  files_.mark("shown " + std::to_string(view->number));
  Judge judge(history(), 6);
  EXPECT_EQ(judge.run(files_.log().size() - 1), "");
  EXPECT_GT(judge.states(), 0U);
}

/// A process that dies and comes back, then the power: what the first did not fsync is the second's to make durable.
class PowerLossAfterACrash : public PowerLoss {
 public:
  /// Dies at a change of its second life's upgrade, lives again, swallowing the fsync of that number of its third life.
  std::string run(std::size_t change, std::size_t swallowed, std::size_t& fsyncs_at_start) {
    EXPECT_TRUE(live(0, 0));
    files_.die_at_change(files_.changes() + change);
    const bool whole = live(1, 1);
    files_.revive();
    const std::size_t from = files_.log().size();
    const std::size_t before = files_.fsyncs();
    if (swallowed > 0) files_.swallow_fsync(before + swallowed);
    auto machine = Machine::start(files_, dir_.path());
    EXPECT_TRUE(machine) << machine.error().text();
    if (!machine) return "no start";
    fsyncs_at_start = files_.fsyncs() - before;
    // From here the agent reports what shows, and builds on what it found: that is a promise.
    auto view = (*machine)->live().read();
    EXPECT_TRUE(view);
    if (view && view->number > 0) files_.mark("shown " + std::to_string(view->number));
    auto trees = (*machine)->trees().list();
    EXPECT_TRUE(trees);
    files_.mark("wanting 1");
    for (const auto& info : *trees) {
      if (history_.wanted[1].contains(info.id.template_name) &&
          info.manifest == history_.wanted[1].at(info.id.template_name).manifest()) {
        files_.mark("committed " + info.id.template_name + "/" + info.id.name);
      }
    }
    files_.mark("saved " + (*machine)->state().epoch);
    // All of the start now and then; what is promised at its end, always.
    Judge judge(history(), 2);
    const std::string problem = judge.run(swallowed == 0 && change % 8 == 1 ? from : files_.log().size() - 2);
    finished = whole;
    return problem;
  }
  bool finished = false;
  void TestBody() override {}
};

TEST(PowerLossAfterCrash, WhatTheNextStartFoundIsDurableAndEveryFsyncOfItIsNeeded) {
  std::size_t fsyncs = 0;
  std::set<std::size_t> needed;
  std::size_t changes = 0;
  for (bool finished = false; !finished;) {
    PowerLossAfterACrash clean;
    ASSERT_EQ(clean.run(++changes, 0, fsyncs), "") << "died at change " << changes;
    finished = clean.finished;
    for (std::size_t number = 1; number <= fsyncs && !finished; ++number) {
      if (needed.contains(number)) continue;
      PowerLossAfterACrash mutant;
      std::size_t ignored = 0;
      if (!mutant.run(changes, number, ignored).empty()) needed.insert(number);
    }
  }
  EXPECT_GT(changes, 60U);
  EXPECT_GT(needed.size(), 3U);
}

class PowerLossMutant : public PowerLoss {
 public:
  std::size_t fsyncs() const { return files_.fsyncs(); }
  /// The name that what it fsyncs was made with.
  std::string describe(std::size_t number) {
    const std::size_t at = position(number);
    std::string name = "the root";
    for (std::size_t i = 0; i < at; ++i) {
      const FileOp& op = files_.log()[i];
      if (op.kind <= FileOp::symlink && op.object == files_.log()[at].object) name = op.name;
    }
    return name;
  }
  std::size_t fsyncs_before_started() const {
    std::size_t number = 0;
    for (const auto& op : files_.log()) {
      if (op.kind == FileOp::mark && op.bytes == "started") break;
      number += op.kind == FileOp::fsync ? 1 : 0;
    }
    return number;
  }
  std::string run(std::size_t swallowed) {
    files_.swallow_fsync(swallowed);
    EXPECT_TRUE(live(0, 2));
    if (swallowed == 0) return "";
    return Judge(history(), 0).run(position(swallowed));
  }
  void TestBody() override {}
};

TEST(PowerLossMutants, LeavingOutAnyOneFsyncIsFound) {
  PowerLossMutant whole;
  ASSERT_EQ(whole.run(0), "");
  const std::size_t start = whole.fsyncs_before_started();
  ASSERT_GT(whole.fsyncs(), start + 20);
  for (std::size_t number = start + 1; number <= whole.fsyncs(); ++number) {
    PowerLossMutant mutant;
    EXPECT_NE(mutant.run(number), "") << "fsync " << number << " of " << whole.fsyncs() << " can be left out: it is "
                                      << whole.describe(number);
  }
}

}  // namespace
}  // namespace bundlesync::testing
