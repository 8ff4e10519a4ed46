#include "bed.hpp"

#include <sys/stat.h>
#include <unistd.h>

// Volumes as Kubernetes makes them: somebody else's root directory, uids without names, modes that are changed under
// us.
namespace bundlesync::tests {
namespace {

namespace fs = std::filesystem;

constexpr uid_t agent_user = 65532;
constexpr uid_t app_user = 65533;

class Volume : public AgentBed {
 protected:
  Volume() {
    publish("alpha", "1.0.0", true);
    publish("alpha", "1.1.0");
  }
  /// What another user reads.
  static Ended read_as(uid_t user, const fs::path& file) {
    Command command;
    command.words = {"/bin/cat", file.string()};
    command.user = user;
    return run(command);
  }
};

#define SKIP_UNLESS_ROOT() \
  if (::getuid() != 0) GTEST_SKIP() << "only root can start programs as other users"

TEST_F(Volume, OfRootWithMode0777IsServedByUid65532ToAnAppWithAnotherUid) {
  SKIP_UNLESS_ROOT();
  ASSERT_EQ(::chmod(target_.c_str(), 0777), 0);
  AgentLaunch as_nobody = launch();
  as_nobody.user = agent_user;
  as_nobody.umask = 0077;
  ASSERT_FALSE(as_nobody.environment.contains("HOME"));
  AgentProcess agent(as_nobody);
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent.log();
  agent.wait_for({"target_shared target=" + target_.string()});
  EXPECT_EQ(metric(agent, "bundlesync_target_shared"), 1);
  for (const auto& [path, bytes] : oracle_.files("alpha", "1.0.0")) {
    const Ended read = read_as(app_user, target_ / "alpha" / path);
    EXPECT_EQ(read.code, 0) << read.err;
    EXPECT_EQ(read.out, bytes);
  }
  move("alpha", "1.1.0");
  ASSERT_TRUE(comes_to_show("alpha", "1.1.0")) << agent.log();
  EXPECT_EQ(read_as(app_user, target_ / "alpha/master.md").out, oracle_.files("alpha", "1.1.0").at("master.md"));
  EXPECT_NE(read_as(app_user, target_ / "..bundlesync/state/state.json").code, 0) << "the state is the agent's own";
  struct stat own{};
  ASSERT_EQ(::stat((target_ / "..bundlesync").c_str(), &own), 0);
  EXPECT_EQ(own.st_uid, agent_user);
  EXPECT_EQ(own.st_mode & 07777, 0755U);
  EXPECT_EQ(agent.stop().code, 0);
}

/// Everything that an app may come across: the agent's own state apart.
void expect_access(const fs::path& target, gid_t group, mode_t file_mode, mode_t dir_mode) {
  for (const char* area : {"trees", "views"}) {
    for (const auto& entry : fs::recursive_directory_iterator(target / "..bundlesync" / area)) {
      struct stat found{};
      if (entry.is_symlink() || ::stat(entry.path().c_str(), &found) != 0) continue;
      EXPECT_EQ(found.st_gid, group) << entry.path();
      const mode_t mode = found.st_mode & 07777;
      const bool is_folder = fs::is_directory(entry.path()) && mode == (dir_mode | 0200);
      if (!is_folder) {
        EXPECT_EQ(mode, fs::is_directory(entry.path()) ? dir_mode : file_mode) << entry.path();
      }
    }
  }
}

TEST_F(Volume, IsReadByTheWantedGroupAloneFromTheFirstMoment) {
  SKIP_UNLESS_ROOT();
  AgentLaunch launched = launch({{"BUNDLESYNC_TARGET_FILE_MODE", "0440"},
                                 {"BUNDLESYNC_TARGET_DIR_MODE", "0550"},
                                 {"BUNDLESYNC_TARGET_GID", std::to_string(app_user)}});
  launched.umask = 0;
  AgentProcess agent(launched);
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent.log();
  expect_access(target_, app_user, 0440, 0550);
  EXPECT_EQ(read_as(app_user, target_ / "alpha/master.md").out, oracle_.files("alpha", "1.0.0").at("master.md"));
  EXPECT_NE(read_as(agent_user, target_ / "alpha/master.md").code, 0) << "somebody of no such group";
  move("alpha", "1.1.0");
  ASSERT_TRUE(comes_to_show("alpha", "1.1.0")) << agent.log();
  expect_access(target_, app_user, 0440, 0550);
  EXPECT_EQ(agent.stop().code, 0);

  // Somebody changes a mode; the next start sets it back and builds nothing anew.
  const fs::path file = fs::canonical(target_ / "alpha/master.md");
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  AgentProcess again(launched);
  ASSERT_TRUE(comes_to_answer(again, "/readyz", 200));
  EXPECT_TRUE(wait_until(std::chrono::seconds(5), [&] { return fs::status(file).permissions() == fs::perms(0440); }));
  EXPECT_EQ(fs::canonical(target_ / "alpha/master.md"), file);
}

TEST_F(Volume, TighterModesHoldForWhatIsThereAlready) {
  {
    const auto open = start();
    ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << open->log();
    ASSERT_EQ(open->stop().code, 0);
  }
  const fs::path file = fs::canonical(target_ / "alpha/master.md");
  const auto before = fs::last_write_time(file);
  const auto tight = start({{"BUNDLESYNC_TARGET_FILE_MODE", "0400"}, {"BUNDLESYNC_TARGET_DIR_MODE", "0500"}});
  ASSERT_TRUE(comes_to_say(*tight, "alpha", "current")) << tight->log();
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0400));
  EXPECT_EQ(fs::status(file.parent_path()).permissions(), fs::perms(0500));
  EXPECT_EQ(fs::status(target_ / "..bundlesync").permissions(), fs::perms(0700));
  EXPECT_EQ(fs::status(target_ / "..bundlesync/trees").permissions(), fs::perms(0700));
  EXPECT_EQ(fs::status(fs::canonical(target_ / "..data")).permissions(), fs::perms(0500));
  EXPECT_EQ(fs::last_write_time(file), before) << "it was built anew";
}

TEST_F(Volume, AGroupThatTheAgentIsNotInIsRefusedAtTheStart) {
  SKIP_UNLESS_ROOT();
  ASSERT_EQ(::chmod(target_.c_str(), 0777), 0);
  Command once;
  once.words = {BUNDLESYNC_PROGRAM, "agent", "--once"};
  once.environment = launch({{"BUNDLESYNC_TARGET_GID", "3000"}}).environment;
  once.user = agent_user;
  const Ended refused = run(once);
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(
      refused.err,
      "error: target.gid is 3000, and the agent is not in that group\nhint: run it with that group beside its own: "
      "supplementalGroups of a pod, SupplementaryGroups= of a unit\n");
  EXPECT_TRUE(fs::is_empty(target_));
}

/// Files only: path to inode and mtime, which a rebuild would change and a chmod does not.
std::map<std::string, std::pair<ino_t, std::int64_t>> identities(const fs::path& directory) {
  std::map<std::string, std::pair<ino_t, std::int64_t>> result;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    struct stat found{};
    if (!entry.is_regular_file() || ::stat(entry.path().c_str(), &found) != 0) continue;
    result[entry.path().string()] = {found.st_ino, found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec};
  }
  return result;
}

TEST_F(Volume, WhoseModesWereChangedBetweenTwoStartsIsMendedAndNotRebuilt) {
  {
    const auto first = start();
    ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << first->log();
    move("alpha", "1.1.0");
    ASSERT_TRUE(comes_to_show("alpha", "1.1.0")) << first->log();
    ASSERT_EQ(first->stop().code, 0);
  }
  const auto before = identities(target_ / "..bundlesync/trees");
  ASSERT_EQ(before.size(), 8U);
  Command walk;  // what kubelet does for fsGroup at every mount
  walk.words = {"/bin/chmod", "-R", "g+w", target_.string()};
  ASSERT_EQ(run(walk).code, 0);

  store_.take_away();
  const auto second = start();
  ASSERT_TRUE(comes_to_say(*second, "alpha", "current")) << second->log();
  EXPECT_EQ(identities(target_ / "..bundlesync/trees"), before);
  EXPECT_TRUE(second->messages_with({"damaged"}).empty()) << second->log();
  EXPECT_TRUE(second->messages_with({"fetched"}).empty()) << second->log();
  EXPECT_EQ(shown("alpha"), "1.1.0");
  struct stat file{};
  ASSERT_EQ(::stat((target_ / "alpha/master.md").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0444U);
}

}  // namespace
}  // namespace bundlesync::tests
