#include "bed.hpp"

#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>

// The flag is off by default, loudly; and off means off.
namespace bundlesync::tests {
namespace {

namespace fs = std::filesystem;

class FlagOff : public AgentBed {
 protected:
  FlagOff() {
    publish("alpha", "1.0.0", true);
    environment_.erase("FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE");
    environment_["BUNDLESYNC_FALLBACK_DIR"] = home_ / "fallback";
    fs::create_directories(home_ / "fallback/alpha");
    std::ofstream(home_ / "fallback/alpha/master.md") << "the fallback\n";
    oracle_.add("alpha", "filesystem", {{"master.md", "the fallback\n"}});
  }
  std::string tracer_found() const {
    for (const auto* path : {"/usr/bin/strace", "/bin/strace"}) {
      if (fs::exists(path)) return path;
    }
    return "";
  }
  static std::string content(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// The C library asks a daemon on this machine who we are, where there is one; that is nobody's database.
  static std::string without_name_service(const std::string& calls) {
    std::istringstream lines(calls);
    std::string rest;
    for (std::string line; std::getline(lines, line);) {
      if (line.find("/nscd/socket") == std::string::npos) rest += line + "\n";
    }
    return rest;
  }
  /// The program that a tracer has started; -1 when it has none yet.
  static pid_t traced_by(pid_t tracer) {
    const std::string id = std::to_string(tracer);
    std::istringstream children(content("/proc/" + id + "/task/" + id + "/children"));
    pid_t child = -1;
    children >> child;
    return child;
  }
};

TEST_F(FlagOff, ShowsLocalFilesAndSaysLoudlyThatItFollowsNobody) {
  server_.exec("postgres", "alter system set log_connections = on");
  server_.exec("postgres", "select pg_reload_conf()");
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "filesystem")) << agent->log();
  const auto line = agent->wait_for({"remote_off"});
  EXPECT_NE(line.find("FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE=true"), std::string::npos) << line;
  EXPECT_NE(agent->log().find(R"("level":"warn","message":"remote_off)"), std::string::npos) << agent->log();
  agent->wait_for({"[PROOF] source=filesystem template=alpha version=filesystem"});
  EXPECT_EQ(metric(*agent, "bundlesync_remote_enabled"), 0);
  EXPECT_TRUE(comes_to_answer(*agent, "/readyz", 200));
  EXPECT_EQ(agent->stop().code, 0);
  EXPECT_EQ(content(server_.log()).find("user=prompts_agent"), std::string::npos) << "the database was contacted";
}

TEST_F(FlagOff, KeepsTheLastGoodVersionWhereThereAreNoLocalFiles) {
  environment_.erase("BUNDLESYNC_FALLBACK_DIR");
  {
    const auto on = start({{"FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE", "true"}});
    ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << on->log();
  }
  const auto off = start();
  off->wait_for({"[PROOF] source=cache template=alpha version=1.0.0", "bytes=0"});
  EXPECT_EQ(shown("alpha"), "1.0.0");
  EXPECT_TRUE(comes_to_say(*off, "alpha", "standalone")) << off->log();
  EXPECT_EQ(text_of(off->status_of("alpha"), "reason"), "remote_off");
}

TEST_F(FlagOff, OpensNotOneConnection) {
  const std::string tracer = tracer_found();
  if (tracer.empty()) GTEST_SKIP() << "strace is not installed";
  const fs::path trace = home_ / "trace";
  AgentLaunch traced = launch({{"ASAN_OPTIONS", "detect_leaks=0"}});  // the leak checker cannot run under a tracer
  traced.before = {tracer, "-f", "-qq", "-e", "trace=network", "-o", trace.string()};
  AgentProcess agent(traced);
  if (!wait_until(std::chrono::seconds(20), [&] { return shown("alpha") == "filesystem"; })) {
    if (!fs::exists(trace) || agent.log().find("ptrace") != std::string::npos) {
      GTEST_SKIP() << "strace cannot trace here: " << agent.log();
    }
    FAIL() << agent.log();
  }
  EXPECT_TRUE(comes_to_answer(agent, "/readyz", 200));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));  // a first try to connect would be made by now
  const pid_t child = traced_by(agent.pid());
  ASSERT_GT(child, 0);
  ::kill(child, SIGTERM);
  ASSERT_TRUE(wait_until(std::chrono::seconds(10), [&] { return !agent.running(); }));

  const std::string calls = without_name_service(content(trace));
  EXPECT_NE(calls.find("listen("), std::string::npos) << "the trace has not even the health listener:\n" << calls;
  EXPECT_EQ(calls.find("connect("), std::string::npos) << calls;
  EXPECT_EQ(calls.find("sendto("), std::string::npos) << calls;
  EXPECT_EQ(calls.find("SOCK_DGRAM"), std::string::npos) << "a resolver's socket:\n" << calls;
}

}  // namespace
}  // namespace bundlesync::tests
