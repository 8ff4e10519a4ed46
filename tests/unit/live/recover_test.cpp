#include "crash/world.hpp"
#include "fakes/unreadable_files.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sys/stat.h>

namespace bundlesync::live {
namespace {

namespace fs = std::filesystem;
using namespace bundlesync::testing;

class RecoverTest : public ::testing::Test {
 protected:
  RecoverTest() {
    auto machine = start();
    EXPECT_TRUE(machine->converge(want({one_, intake_})));
    EXPECT_TRUE(machine->converge(want({two_, intake_})));
  }
  std::unique_ptr<Machine> start() {
    auto machine = Machine::start(files_, dir_.path());
    EXPECT_TRUE(machine) << machine.error().text();
    return std::move(*machine);
  }
  std::string place(const std::string& name) const { return (dir_.path() / name).string(); }

  TempDir dir_;
  fakes::UnreadableFiles files_;
  Goods intake_ = make_goods("intake", "1.0.0");
  Goods one_ = make_goods("section7", "1.0.0");
  Goods two_ = make_goods("section7", "1.1.0");
};

TEST_F(RecoverTest, FindsNothingToDoWhenAllIsWell) {
  const auto before = fingerprint(dir_.path() / "..bundlesync/views");
  EXPECT_EQ(start()->recovered, std::vector<std::string>());
  EXPECT_EQ(fingerprint(dir_.path() / "..bundlesync/views"), before);
}

TEST_F(RecoverTest, MakesAMissingLinkAgainAndRemovesAStaleOne) {
  fs::remove(dir_.path() / "intake");
  fs::create_symlink("..data/gone", dir_.path() / "gone");
  fs::create_symlink("elsewhere", dir_.path() / "foreign");
  EXPECT_EQ(start()->recovered, (std::vector<std::string>{"made the missing link " + place("intake"),
                                                          "removed the stale link " + place("gone")}));
  EXPECT_EQ(fs::read_symlink(dir_.path() / "intake"), "..data/intake");
  EXPECT_TRUE(fs::is_symlink(dir_.path() / "foreign"));
}

TEST_F(RecoverTest, SaysWhatAHumanMustMove) {
  fs::remove(dir_.path() / "intake");
  write_text(dir_.path() / "intake/x", "x");
  const auto done = start()->recovered;
  ASSERT_EQ(done.size(), 1U);
  EXPECT_TRUE(done[0].starts_with(place("intake") + " is a directory, not a link of the agent's")) << done[0];
  EXPECT_EQ(read_text(dir_.path() / "intake/x"), "x");
}

TEST_F(RecoverTest, ShowsTheLastViewAgainWhenTheLinkIsGone) {
  fs::remove(dir_.path() / "..data");
  EXPECT_EQ(start()->recovered,
            std::vector<std::string>{place("..data") + " was missing: shows the view 00000002 again"});
  EXPECT_EQ(torn(dir_.path(), {want({two_, intake_})}, false), "");
}

TEST_F(RecoverTest, ShowsAnOlderViewWhenTheLastIsGone) {
  fs::permissions(dir_.path() / "..bundlesync/views/00000002", fs::perms::owner_all);
  fs::remove_all(dir_.path() / "..bundlesync/views/00000002");
  EXPECT_EQ(start()->recovered,
            std::vector<std::string>{place("..data") + " was dangling: shows the view 00000001 again"});
  EXPECT_EQ(torn(dir_.path(), {want({one_, intake_})}, false), "");
}

/// What cannot be verified is not shown again, however complete it looks.
TEST_F(RecoverTest, ShowsNoDamagedTreeAgain) {
  const fs::path file = fs::canonical(dir_.path() / "section7/master.md");
  fs::permissions(file, fs::perms::owner_all);
  write_text(file, "edited");
  fs::remove(dir_.path() / "..data");
  EXPECT_EQ(start()->recovered,
            (std::vector<std::string>{place("..data") + " was missing: shows the view 00000001 again",
                                      "removed the view 00000002, which is newer than what shows"}));
}

/// Too many open files now: the last view may be whole, and an older one must not take its place.
TEST_F(RecoverTest, ShowsNoOlderViewBecauseTheLastCannotBeReadNow) {
  const std::string tree = fs::canonical(dir_.path() / "section7").filename().string();
  const auto before = fingerprint(dir_.path() / "..bundlesync/views");
  fs::remove(dir_.path() / "..data");
  files_.refuse_to_open(tree, EMFILE);
  auto machine = Machine::start(files_, dir_.path());
  ASSERT_FALSE(machine);
  EXPECT_EQ(machine.error().fact(), "cannot open the directory of tree section7/" + tree + ": too many open files");
  EXPECT_EQ(fingerprint(dir_.path() / "..bundlesync/views"), before);
  EXPECT_FALSE(fs::is_symlink(dir_.path() / "..data"));
  files_.heal();
  EXPECT_EQ(start()->recovered,
            std::vector<std::string>{place("..data") + " was missing: shows the view 00000002 again"});
}

TEST_F(RecoverTest, LeavesAHumansDirectoryAlone) {
  fs::remove(dir_.path() / "..data");
  write_text(dir_.path() / "..data/x", "x");
  auto machine = Machine::start(files_, dir_.path());
  ASSERT_FALSE(machine);
  EXPECT_EQ(machine.error().reason(), "name_taken");
  EXPECT_EQ(read_text(dir_.path() / "..data/x"), "x");
}

TEST_F(RecoverTest, RemovesUnfinishedViews) {
  fs::create_directory(dir_.path() / "..bundlesync/views/00000003");
  EXPECT_EQ(start()->recovered, std::vector<std::string>{"removed the view 00000003, which is newer than what shows"});
  EXPECT_FALSE(fs::exists(dir_.path() / "..bundlesync/views/00000003"));
}

/// kubelet does it to every volume with an fsGroup, at every mount.
TEST_F(RecoverTest, RebuildsNothingAfterAChangeOfModes) {
  const auto inodes = [&] {
    std::set<std::pair<std::string, ino_t>> all;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.path() / "..bundlesync/trees")) {
      struct stat info{};
      EXPECT_EQ(::lstat(entry.path().c_str(), &info), 0);
      all.emplace(entry.path().string(), info.st_ino);
    }
    return all;
  };
  const auto before = inodes();
  for (const auto& entry : fs::recursive_directory_iterator(dir_.path())) {
    if (!entry.is_symlink()) fs::permissions(entry.path(), fs::perms::group_write, fs::perm_options::add);
  }
  auto machine = start();
  EXPECT_EQ(machine->recovered, std::vector<std::string>());
  const auto view = machine->live().read().value();
  ASSERT_TRUE(machine->converge(want({two_, intake_})));
  EXPECT_EQ(machine->live().read().value(), view);
  EXPECT_EQ(inodes(), before);
  const fs::path tree = fs::canonical(dir_.path() / "section7");
  EXPECT_EQ(static_cast<unsigned>(fs::status(tree).permissions()), 0555U);
  EXPECT_EQ(static_cast<unsigned>(fs::status(tree / "master.md").permissions()), 0444U);
  EXPECT_EQ(static_cast<unsigned>(fs::status(dir_.path() / "..data").permissions()), 0555U);
}

}  // namespace
}  // namespace bundlesync::live
