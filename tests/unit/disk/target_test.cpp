#include "disk/target.hpp"

#include "crash/world.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bundlesync::disk {
namespace {

namespace fs = std::filesystem;
using testing::fingerprint;
using testing::read_text;
using testing::TempDir;
using testing::write_text;

class TargetTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Target>> open(bool strict = false) {
    Target::Options options;
    options.path = dir_.path();
    options.strict = strict;
    return Target::open(files_, options);
  }
  fs::path own(const std::string& name) const { return dir_.path() / "..bundlesync" / name; }
  static unsigned mode(const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()); }
  TempDir dir_;
  RealFiles files_;
};

TEST_F(TargetTest, MakesItsFoldersWhateverTheUmask) {
  const mode_t before = ::umask(0077);
  auto target = open();
  ::umask(before);
  ASSERT_TRUE(target) << target.error().text();
  for (const auto* name : {"", "views", "trees", "cache", "cache/sha256"}) EXPECT_EQ(mode(own(name)), 0755U) << name;
  EXPECT_EQ(mode(own("state")), 0700U);
  EXPECT_EQ(read_text(own("state/format")), "1\n");
  EXPECT_FALSE((*target)->shared());
}

TEST_F(TargetTest, RepairsModesThatSomebodyChanged) {
  ASSERT_TRUE(open());
  fs::create_directory(own("trees/section7"));
  for (const auto* name : {"", "views", "trees", "trees/section7", "cache", "state"}) {
    fs::permissions(own(name), fs::perms::group_write | fs::perms::set_gid, fs::perm_options::add);
  }
  ASSERT_TRUE(open());
  for (const auto* name : {"", "views", "trees", "trees/section7", "cache"}) EXPECT_EQ(mode(own(name)), 0755U) << name;
  EXPECT_EQ(mode(own("state")), 0700U);
}

TEST_F(TargetTest, IsInPlaceAsLongAsItsPathLeadsThere) {
  auto target = open();
  ASSERT_TRUE(target);
  EXPECT_TRUE((*target)->in_place());
  fs::permissions(own(""), fs::perms::group_write, fs::perm_options::add);
  write_text(dir_.path() / "of-a-neighbour", "x");
  EXPECT_TRUE((*target)->in_place());
  ASSERT_TRUE(open()) << "another agent's start changes nothing";
  EXPECT_TRUE((*target)->in_place());
}

TEST_F(TargetTest, IsNotInPlaceOnceItWasReplaced) {
  auto target = open();
  ASSERT_TRUE(target);
  const auto fact = [&] {
    auto there = (*target)->in_place();
    return there ? std::string("in place") : there.error().reason() + ": " + there.error().fact();
  };
  const std::string path = dir_.path().string();
  const std::string text = " is not the directory that this agent opened any more";
  fs::rename(own(""), path + "/aside");
  EXPECT_EQ(fact(), "target_replaced: " + path + "/..bundlesync" + text);
  fs::create_directory(path + "/..bundlesync");
  EXPECT_EQ(fact(), "target_replaced: " + path + "/..bundlesync" + text);
  fs::remove(path + "/..bundlesync");
  fs::rename(path + "/aside", path + "/..bundlesync");
  EXPECT_EQ(fact(), "in place");

  fs::rename(path, path + ".moved");
  EXPECT_EQ(fact(), "target_replaced: the target " + path + text);
  write_text(path, "a file");
  EXPECT_EQ(fact(), "target_replaced: the target " + path + text);
  fs::remove(path);
  fs::create_directory(path);
  EXPECT_EQ(fact(), "target_replaced: the target " + path + text);
  fs::remove(path);
  fs::rename(path + ".moved", path);
  EXPECT_EQ(fact(), "in place");
}

/// A volume that says what it is.
class VolumeOf final : public RealFiles {
 public:
  explicit VolumeOf(std::string name) : name_(std::move(name)) {}
  Sys<std::string> file_system(int) override { return name_; }

 private:
  const std::string name_;
};

TEST_F(TargetTest, RefusesANetworkFileSystemUnlessItIsAllowed) {
  Target::Options options;
  options.path = dir_.path();
  options.allow_network = false;
  for (const char* name : {"nfs", "cifs", "smb2", "ceph", "9p", "lustre", "fuse"}) {
    VolumeOf files(name);
    const auto refused = Target::open(files, options);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().kind(), ErrorKind::usage);
    EXPECT_EQ(refused.error().text(),
              "the target " + dir_.path().string() + " is on a network file system, " + name +
                  "\nhint: give the agent a local volume: an emptyDir, a tmpfs, a disk of this machine"
                  "\nhint: or set target.allow_network_fs to true: README.md says what readers lose");
    EXPECT_FALSE(fs::exists(own(""))) << "nothing was written";
  }
  for (const char* name : {"ext4", "xfs", "tmpfs", "overlay", "0x1234"}) {
    VolumeOf files(name);
    EXPECT_TRUE(Target::open(files, options)) << name;
  }
  options.allow_network = true;
  VolumeOf nfs("nfs");
  EXPECT_TRUE(Target::open(nfs, options));
}

TEST_F(TargetTest, ChangesNothingTheSecondTime) {
  ASSERT_TRUE(open());
  const auto before = fingerprint(dir_.path());
  ASSERT_TRUE(open());
  EXPECT_EQ(fingerprint(dir_.path()), before);
}

TEST_F(TargetTest, NamesAMissingTarget) {
  Target::Options options;
  options.path = dir_.path() / "none";
  auto target = Target::open(files_, options);
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().kind(), ErrorKind::usage);
  EXPECT_EQ(target.error().text(), "the target " + options.path.string() +
                                       " does not exist\nhint: make the directory, or mount the volume there");
}

TEST_F(TargetTest, RefusesASharedTargetOnlyWhenStrict) {
  fs::permissions(dir_.path(), fs::perms::all);
  auto strict = open(true);
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().reason(), "target_shared");
  EXPECT_FALSE(fs::exists(own("")));
  auto target = open();
  ASSERT_TRUE(target);
  EXPECT_TRUE((*target)->shared());
}

TEST_F(TargetTest, ReportsAFileInTheWayAndLeavesIt) {
  ASSERT_TRUE(open());
  fs::remove(own("views"));
  write_text(own("views"), "a human's");
  auto target = open();
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().kind(), ErrorKind::damaged);
  EXPECT_EQ(target.error().fact(), own("views").string() + " is not a directory");
  EXPECT_EQ(read_text(own("views")), "a human's");
}

TEST_F(TargetTest, FollowsNoLinkInPlaceOfItsFolders) {
  TempDir elsewhere;
  fs::create_directory_symlink(elsewhere.path(), dir_.path() / "..bundlesync");
  auto target = open();
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().reason(), "name_taken");
  EXPECT_TRUE(fs::is_empty(elsewhere.path()));
}

TEST_F(TargetTest, BeginsBesideANewerState) {
  ASSERT_TRUE(open());
  write_text(own("state/format"), "7\n");
  write_text(own("state/new-and-unknown"), "x");
  const auto before = fingerprint(own("state"));
  auto target = open();
  ASSERT_TRUE(target) << target.error().text();
  EXPECT_EQ((*target)->state_area(), "state.1");
  EXPECT_EQ(fingerprint(own("state")), before);
  EXPECT_EQ(read_text(own("state.1/format")), "1\n");
  Target::Options options;
  options.path = dir_.path();
  EXPECT_EQ((*Target::open_readonly(files_, options))->state_area(), "state.1");
}

TEST_F(TargetTest, WritesAGarbledFormatAnew) {
  ASSERT_TRUE(open());
  write_text(own("state/format"), "");
  auto target = open();
  ASSERT_TRUE(target) << target.error().text();
  EXPECT_EQ((*target)->state_area(), "state");
  EXPECT_EQ(read_text(own("state/format")), "1\n");
}

TEST_F(TargetTest, ReadsOnlyWhereAnAgentWas) {
  Target::Options options;
  options.path = dir_.path();
  auto none = Target::open_readonly(files_, options);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind(), ErrorKind::not_found);
  EXPECT_TRUE(fs::is_empty(dir_.path()));
  ASSERT_TRUE(open());
  const auto before = fingerprint(dir_.path());
  EXPECT_TRUE(Target::open_readonly(files_, options));
  EXPECT_EQ(fingerprint(dir_.path()), before);
}

TEST_F(TargetTest, RemovesWhatACrashLeftAndNothingElse) {
  auto target = open();
  ASSERT_TRUE(target);
  const std::vector<fs::path> left = {
      own("trees/section7/.stage-0123456789abcdef/a/b"), own("trees/section7/.gone-0123456789abcdef/a"),
      own("views/.gone-0123456789abcdef/.view.json"), own("state/.tmp-0123456789abcdef")};
  for (const auto& path : left) write_text(path, "x");
  fs::permissions(own("trees/section7/.stage-0123456789abcdef/a"), fs::perms::owner_read | fs::perms::owner_exec);
  fs::create_symlink("..bundlesync/views/00000009", dir_.path() / "..data-0123456789abcdef");
  const std::vector<fs::path> kept = {dir_.path() / "..data-by-a-human", own("trees/section7/.stage-of-a-human/x"),
                                      own("state/notes"), dir_.path() / "readme"};
  for (const auto& path : kept) write_text(path, "x");
  ASSERT_TRUE((*target)->remove_leftovers());
  for (const auto& path : left) EXPECT_FALSE(fs::exists(path)) << path;
  EXPECT_FALSE(fs::is_symlink(dir_.path() / "..data-0123456789abcdef"));
  for (const auto& path : kept) EXPECT_TRUE(fs::exists(path)) << path;
}

TEST_F(TargetTest, IsHeldByOneAtATimeAndSaysByWhom) {
  auto target = open();
  auto other = open();
  ASSERT_TRUE(target && other);
  EXPECT_EQ(TargetLock::holder(**target), std::nullopt);
  std::optional<TargetLock> lock;
  auto taken = TargetLock::try_take(**target);
  ASSERT_TRUE(taken);
  lock.emplace(std::move(*taken));
  const auto holder = TargetLock::holder(**other);
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->pid, ::getpid());
  auto second = TargetLock::try_take(**other);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind(), ErrorKind::held);
  EXPECT_EQ(second.error().fact(), "the target " + dir_.path().string() + " is held by " + holder->host + " pid " +
                                       std::to_string(::getpid()) + " since " + holder->since);
  EXPECT_EQ(mode(own("lock")), 0644U);
  lock.reset();
  EXPECT_TRUE(TargetLock::try_take(**other));
}

/// kill -9 gives the lock back.
TEST_F(TargetTest, IsFreeWhenItsHolderDied) {
  auto target = open();
  ASSERT_TRUE(target);
  int ready[2] = {-1, -1};
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto mine = open();
    auto lock = mine ? TargetLock::try_take(**mine) : fail(std::move(mine.error()));
    const char told = lock ? 'y' : 'n';
    if (::write(ready[1], &told, 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char told = 0;
  ASSERT_EQ(::read(ready[0], &told, 1), 1);
  ASSERT_EQ(told, 'y');
  EXPECT_FALSE(TargetLock::try_take(**target));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(TargetLock::try_take(**target));
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace bundlesync::disk
