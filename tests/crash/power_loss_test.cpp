#include "crash/disk_model.hpp"
#include "crash/scenario.hpp"
#include "disk/layout.hpp"
#include "disk/state_json.hpp"
#include "live/view_dir.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sys/stat.h>

namespace bundlesync::testing {
namespace {

namespace layout = disk::layout;
using Image = DiskModel::Image;

/// A log of everything that happened to one target, and what was promised in between.
struct History {
  std::vector<FileOp> log;
  ino_t root = 0;
  std::vector<Wanted> wanted;  ///< "wanting 0" is the first
};

/// Replays a history and judges what each loss of power would leave.
class Judge {
 public:
  Judge(const History& history, std::size_t random) : history_(history), model_(history.root), random_(random) {}

  /// The first thing that is wrong, or nothing. States before the operation `from` are not looked at.
  std::string run(std::size_t from) {
    for (std::size_t i = 0; i < history_.log.size() && problem_.empty(); ++i) {
      const FileOp& op = history_.log[i];
      learn(op);
      model_.apply(op);
      if (i < from) continue;
      model_.states(random_, dice_, [&](const Image& image) {
        problem_ = look(image);
        ++states_;
        return problem_.empty();
      });
      if (!problem_.empty()) problem_ += " after operation " + std::to_string(i);
    }
    return problem_;
  }
  std::size_t states() const { return states_; }

 private:
  void learn(const FileOp& op) {
    if (op.kind == FileOp::symlink && op.name.starts_with(layout::temporary_link_prefix)) {
      expected_[layout::parse_data_target(op.bytes).value()] = wanting_;
    }
    if (op.kind != FileOp::mark) return;
    const auto space = op.bytes.find(' ');
    const std::string word = op.bytes.substr(0, space);
    const std::string rest = op.bytes.substr(space + 1);
    if (word == "wanting") wanting_ = std::stoul(rest);
    if (word == "shown") shown_ = std::stoul(rest);
    if (word == "saved") saved_ = std::stoul("0" + rest);
    if (word == "committed") committed_[rest] = wanting_;
    if (word == "removing") committed_.erase(rest);
  }

  std::string look(const Image& image) const {
    for (const auto& [tree, wanted] : committed_) {
      const auto slash = tree.find('/');
      const auto& goods = history_.wanted[wanted].at(tree.substr(0, slash));
      if (auto wrong = look_at_tree(image, tree, goods); !wrong.empty()) return "a committed tree: " + wrong;
    }
    const auto state = state_of(image);
    if (saved_ > 0 && (!state || std::stoul("0" + state->epoch) < saved_)) return "saved state is lost";
    const auto data = image.entry(image.root(), "..data");
    if (!data) return shown_ > 0 ? "..data is lost" : "";
    const auto number = layout::parse_data_target(image.bytes(*data).value_or(""));
    if (!number) return "..data is torn";
    if (*number < shown_) return "an acknowledged view is lost";
    if (!state || state->last_view < *number) return "the state is older than the view";
    return look_at_view(image, *number);
  }

  std::string look_at_view(const Image& image, std::uint64_t number) const {
    const auto& wanted = history_.wanted[expected_.at(number)];
    const auto dir = image.walk(image.root(), layout::data_target(number));
    if (!dir) return "the view's directory is lost";
    if (image.names(*dir).size() != wanted.size() + 1) return "the view has lost an entry";
    const auto text = image.entry(*dir, ".view.json");
    if (!text || !image.bytes(*text) || !live::view_from_json(*image.bytes(*text))) return ".view.json is torn";
    for (const auto& [name, goods] : wanted) {
      const auto link = image.entry(*dir, name);
      const auto tree = link ? layout::parse_tree_target(image.bytes(*link).value_or("")) : std::nullopt;
      if (!tree) return "a view's link is torn";
      if (auto wrong = look_at_tree(image, name + "/" + tree->name, goods); !wrong.empty()) return "shown: " + wrong;
      if (number != shown_) continue;  // a template's link is promised with the view
      const auto in_root = image.entry(image.root(), name);
      if (!in_root || image.bytes(*in_root) != layout::template_target(name)) return "a template's link is lost";
    }
    return "";
  }

  static std::string look_at_tree(const Image& image, const std::string& tree, const Goods& goods) {
    const auto dir = image.walk(image.root(), "..bundlesync/trees/" + tree);
    if (!dir) return tree + " is lost";
    for (const auto& [path, bytes] : goods.bytes) {
      const auto file = image.walk(*dir, path);
      if (!file || image.bytes(*file) != bytes) return tree + "/" + path + " is torn";
    }
    const auto text = image.entry(*dir, ".bundle.json");
    return text && !image.bytes(*text).value_or("").empty() ? "" : tree + "/.bundle.json is torn";
  }

  static std::optional<disk::State> state_of(const Image& image) {
    const auto file = image.walk(image.root(), "..bundlesync/state/state.json");
    if (!file || !image.bytes(*file)) return std::nullopt;
    auto state = disk::state_from_json(*image.bytes(*file));
    return state ? std::optional(*state) : std::nullopt;
  }

  const History& history_;
  DiskModel model_;
  std::size_t random_;
  std::mt19937 dice_{4711};
  std::size_t wanting_ = 0;
  std::uint64_t shown_ = 0;
  std::uint64_t saved_ = 0;
  std::map<std::string, std::size_t> committed_;
  std::map<std::uint64_t, std::size_t> expected_;
  std::string problem_;
  std::size_t states_ = 0;
};

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
