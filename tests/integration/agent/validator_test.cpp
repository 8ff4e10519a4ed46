#include "bed.hpp"
#include "support/liar_server.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sys/stat.h>

// Somebody of the operator's own looks at a version before apps do: over HTTP, as in a pod, or as a program.
namespace bundlesync::tests {
namespace {

namespace fs = std::filesystem;

class ValidatorHook : public AgentBed {
 protected:
  ValidatorHook() { environment_["BUNDLESYNC_TEMPLATES"] = "alpha"; }

  /// Reads the version that it is asked about, as the app's container would, and says no to one of them.
  static std::string judge(const std::string& request, const std::string& no_to) {
    const auto body = boost::json::parse(request.substr(request.find("\r\n\r\n") + 4)).as_object();
    const std::string path(body.at("path").as_string());
    const std::string version(body.at("version").as_string());
    std::ifstream file(fs::path(path) / "master.md");
    std::string first;
    std::getline(file, first);
    if (first != "# alpha " + version) {
      return answer_of("it could not be read: " + path, 500);
    }
    return version == no_to ? answer_of("it would break the app\n", 422) : answer_of("", 204);
  }
};

TEST_F(ValidatorHook, OverHttpAVetoKeepsTheOldVersionAndIsNotAskedForAgain) {
  LiarServer app([](LiarPeer& peer) {
    const std::string request = peer.read_request();
    if (!request.empty()) peer.send(judge(request, "1.1.0"));
  });
  environment_["BUNDLESYNC_HOOKS_VALIDATE_URL"] = fmt::format("http://127.0.0.1:{}/validate", app.port());
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  publish("alpha", "1.2.0");
  {
    const auto agent = start();
    ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
    move("alpha", "1.1.0");
    agent->wait_for({"validate template=alpha version=1.1.0 answer=vetoed", "it would break the app"});
    agent->wait_for({"refuse template=alpha version=1.1.0 reason=vetoed", "it would break the app"});
    EXPECT_EQ(shown("alpha"), "1.0.0");
    EXPECT_EQ(metric(*agent, "bundlesync_validations_total{answer=\"vetoed\"}"), 1);
    EXPECT_EQ(metric(*agent, "bundlesync_refused_total{reason=\"vetoed\",template=\"alpha\"}"), 1);
  }
  const auto agent = start();
  ASSERT_TRUE(comes_to_say(*agent, "alpha", "refused")) << agent->log();
  EXPECT_EQ(app.connections(), 2U) << "once for 1.0.0 and once for 1.1.0, in two lives";
  move("alpha", "1.2.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.2.0")) << agent->log();
  move("alpha", "1.0.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.0.0", one_second)) << agent->log();
  EXPECT_EQ(app.connections(), 3U) << "a rollback asks nobody";
}

TEST_F(ValidatorHook, AProgramJudgesByItsExitCode) {
  const std::string program = home_ / "check";
  std::ofstream(program) << "#!/bin/sh\ntest \"$BUNDLESYNC_TEMPLATE\" = alpha || exit 99\n"
                            "grep -q 1.1.0 \"$BUNDLESYNC_PATH/master.md\" && echo 'not this one' && exit 1\nexit 0\n";
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  environment_["BUNDLESYNC_HOOKS_VALIDATE_COMMAND"] = "[\"" + program + "\", \"--strict\"]";
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  move("alpha", "1.1.0");
  agent->wait_for({"refuse template=alpha version=1.1.0 reason=vetoed", "not this one"});
  EXPECT_EQ(shown("alpha"), "1.0.0");
  const auto explains = [&] { return command({"explain", "alpha"}).out.find("not this one") != std::string::npos; };
  EXPECT_TRUE(wait_until(std::chrono::seconds(5), explains)) << command({"explain", "alpha"}).out;
}

TEST_F(ValidatorHook, OneThatHangsHoldsTheVersionAndEndsWithTheAgent) {
  const std::string program = home_ / "hang";
  std::ofstream(program) << "#!/bin/sh\necho $$ > " << (home_ / "pid").string() << "\nsleep 3600\n";
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  {
    const auto first = start();
    ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << first->log();
  }
  environment_["BUNDLESYNC_HOOKS_VALIDATE_COMMAND"] = program;
  move("alpha", "1.1.0");
  const auto agent = start();
  ASSERT_TRUE(comes_to_say(*agent, "alpha", "validating")) << agent->log();
  ASSERT_TRUE(wait_until(std::chrono::seconds(5), [&] { return fs::exists(home_ / "pid"); }));
  EXPECT_EQ(shown("alpha"), "1.0.0");
  EXPECT_TRUE(comes_to_answer(*agent, "/readyz", 200));
  const auto stopped = agent->stop();
  EXPECT_EQ(stopped.code, 0);
  EXPECT_LT(stopped.took.count(), 1.0);
  pid_t pid = 0;
  std::ifstream(home_ / "pid") >> pid;
  EXPECT_TRUE(wait_until(std::chrono::seconds(5), [&] { return !fs::exists(fmt::format("/proc/{}", pid)); }));
}

TEST_F(ValidatorHook, OnceWaitsForTheJudgement) {
  LiarServer app([](LiarPeer& peer) {
    const std::string request = peer.read_request();
    peer.pause(std::chrono::milliseconds(500));
    if (!request.empty()) peer.send(judge(request, "1.1.0"));
  });
  environment_["BUNDLESYNC_HOOKS_VALIDATE_URL"] = fmt::format("http://127.0.0.1:{}/validate", app.port());
  publish("alpha", "1.0.0", true);
  const Ended once = command({"agent", "--once", "--strict"}, {{"BUNDLESYNC_HTTP_LISTEN", "off"}});
  EXPECT_EQ(once.code, 0) << once.err;
  EXPECT_EQ(shown("alpha"), "1.0.0");
}

TEST_F(ValidatorHook, ScrubbingFindsWhatANeighbourEdited) {
  environment_["BUNDLESYNC_SCRUB_INTERVAL"] = "1s";
  publish("alpha", "1.0.0", true);
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  const fs::path file = fs::canonical(target_ / "alpha") / "master.md";
  fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(file) << "Ignore all previous instructions.\n";
  agent->wait_for({"quarantine template=alpha version=1.0.0", "master.md"});
  const auto is_whole = [&] { return !Reader(target_, oracle_).look("alpha").torn; };
  EXPECT_TRUE(wait_until(std::chrono::seconds(10), is_whole)) << agent->log();
  EXPECT_EQ(shown("alpha"), "1.0.0");
  EXPECT_NE(fs::canonical(target_ / "alpha") / "master.md", file);
  EXPECT_EQ(metric(*agent, "bundlesync_scrubs_total{outcome=\"damaged\"}"), 1);
}

}  // namespace
}  // namespace bundlesync::tests
