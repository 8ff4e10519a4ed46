#include "bed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <unistd.h>

// What the agent gives up, and what it never shows.
namespace bundlesync::tests {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// "CapEff" of /proc/PID/status; "" where there is none.
std::string field(const std::string& status, const std::string& name) {
  const auto at = status.find("\n" + name + ":\t");
  if (at == std::string::npos) return "";
  const auto begin = at + name.size() + 3;
  return status.substr(begin, status.find('\n', begin) - begin);
}

class Privilege : public AgentBed {
 protected:
  fs::path proc(const AgentProcess& agent, const std::string& name) const {
    return fs::path("/proc") / std::to_string(agent.pid()) / name;
  }
};

TEST_F(Privilege, EveryThreadIsConfinedBeforeAnybodyIsTalkedTo) {
  publish("alpha", "1.0.0", true);
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  const std::string start_line = agent->wait_for({"start version="});
  EXPECT_NE(start_line.find("confined=no_core,"), std::string::npos) << start_line;
  EXPECT_NE(start_line.find("seccomp"), std::string::npos) << start_line;
  int threads = 0;
  for (const auto& thread : fs::directory_iterator(proc(*agent, "task"))) {
    const std::string status = content(thread.path() / "status");
    EXPECT_EQ(field(status, "NoNewPrivs"), "1") << status;
    EXPECT_EQ(field(status, "Seccomp"), "2") << status;
    ++threads;
  }
  EXPECT_GT(threads, 3);
}

TEST_F(Privilege, NoDescriptorOutlivesAnExec) {
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: only root may look at the descriptors of a confined agent";
  publish("alpha", "1.0.0", true);
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(proc(*agent, "fdinfo"))) {
    const int number = std::stoi(entry.path().filename());
    if (number <= 2) continue;
    const std::string info = "\n" + content(entry.path());
    if (info == "\n") continue;  // closed meanwhile
    const auto flags = std::stoul(field(info, "flags"), nullptr, 8);
    std::error_code gone;
    EXPECT_NE(flags & 02000000U, 0U) << number << " "
                                     << fs::read_symlink(proc(*agent, "fd") / std::to_string(number), gone);
    ++seen;
  }
  EXPECT_GT(seen, 5);
}

TEST_F(Privilege, NobodyFindsSecretsOnceItRuns) {
  publish("alpha", "1.0.0", true);
  const std::string url = server_.url(database_, "prompts_agent:sentinel-database");
  const auto agent = start({{"BUNDLESYNC_DATABASE_URL", url},
                            {"DATABASE_URL", "postgres://x:sentinel-app@127.0.0.1/x"},
                            {"PGPASSWORD", "sentinel-libpq"},
                            {"BUNDLESYNC_STORAGE_KEY", "sb_secret_sentinel-storage"},
                            {"SUPABASE_SERVICE_ROLE_KEY", "sentinel-service"}});
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  move("alpha", "1.0.0");
  sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'prompts_agent'");
  agent->wait_for({"found source=database"});

  std::string everything = agent->log();
  for (const auto* path : {"/", "/metrics", "/status", "/healthz", "/readyz"}) everything += agent->get(path).body;
  everything += content(proc(*agent, "cmdline"));
  everything += content(proc(*agent, "environ"));
  for (const auto& file : fs::recursive_directory_iterator(target_)) {
    if (file.is_regular_file()) everything += content(file.path());
  }
  EXPECT_EQ(everything.find("sentinel"), std::string::npos)
      << everything.substr(everything.find("sentinel") - 200, 400);
  if (::geteuid() == 0) {
    EXPECT_NE(content(proc(*agent, "environ")).find("BUNDLESYNC_TARGET="), std::string::npos)
        << "or nothing was looked at";
  } else {
    EXPECT_EQ(content(proc(*agent, "environ")), "") << "not even to another process of this user";
  }
}

TEST_F(Privilege, ItLeavesNoCore) {
  publish("alpha", "1.0.0", true);
  AgentLaunch begun = launch();
  begun.before = {"/bin/sh", "-c", "cd \"$0\" && ulimit -c unlimited; exec \"$@\"", home_ / "cores"};
  fs::create_directory(home_ / "cores");
  AgentProcess agent(begun);
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent.log();
  ASSERT_EQ(::kill(agent.pid(), SIGABRT), 0);
  EXPECT_TRUE(wait_until(std::chrono::seconds(5), [&] { return !agent.running(); }));
  EXPECT_TRUE(fs::is_empty(home_ / "cores"));
}

TEST_F(Privilege, AnOrdinaryUserWithNoCapabilityOnAReadOnlyRootIsEnough) {
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: making a root read-only needs root";
  constexpr uid_t nobody = 65534;
  Command mounts;
  mounts.words = {"/usr/bin/unshare", "--mount", "/bin/mount", "-o", "remount,bind,ro", "/"};
  if (const Ended tried = run(mounts); tried.code != 0) {
    GTEST_SKIP() << "SKIPPED: no mounts of its own here (in a chroot, say): " << tried.err;
  }
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  ASSERT_EQ(::chown(target_.c_str(), nobody, nobody), 0);
  AgentLaunch begun = launch();
  begun.before = {"/usr/bin/unshare",
                  "--mount",
                  "/bin/sh",
                  "-c",
                  "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro / && ! touch /usr/written 2>/dev/null && "
                  "exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --inh-caps=-all "
                  "--bounding-set=-all \"$@\"",
                  target_.string()};
  AgentProcess agent(begun);
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent.log();
  move("alpha", "1.1.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0")) << agent.log();
  const std::string status = content(proc(agent, "status"));
  EXPECT_EQ(field(status, "Uid").substr(0, 5), "65534");
  for (const auto* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_EQ(field(status, set), "0000000000000000") << set;
  }
}

TEST_F(Privilege, ConfinementCanBeSwitchedOffForADebugger) {
  publish("alpha", "1.0.0", true);
  const auto agent = start({{"BUNDLESYNC_CONFINE", "false"}});
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  agent->wait_for({"start version=", "confined=off"});
  EXPECT_EQ(field(content(proc(*agent, "status")), "Seccomp"), "0");
}

}  // namespace
}  // namespace bundlesync::tests
