#include "bed.hpp"
#include "support/liar_server.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sys/stat.h>

// Whoever wants to hear is told after apps see it, and cannot hold up or undo what they see.
namespace bundlesync::tests {
namespace {

namespace fs = std::filesystem;

class Announced : public AgentBed {
 protected:
  Announced() {
    environment_["BUNDLESYNC_TEMPLATES"] = "alpha";
    publish("alpha", "1.0.0", true);
    publish("alpha", "1.1.0");
    publish("alpha", "1.2.0");
  }
};

TEST_F(Announced, TheWebhookHearsOfEverySwapAfterAppsSeeIt) {
  LiarServer app([this](LiarPeer& peer) {
    const std::string request = peer.read_request();
    if (request.empty()) return;
    const auto body = boost::json::parse(request.substr(request.find("\r\n\r\n") + 4)).as_object();
    const auto& entry = body.at("templates").as_array().at(0).as_object();
    const bool is_seen = shown("alpha") == entry.at("version").as_string();
    peer.send(answer_of("", is_seen ? 204 : 500));
  });
  environment_["BUNDLESYNC_HOOKS_WEBHOOK_URL"] = fmt::format("http://127.0.0.1:{}/hook", app.port());
  environment_["BUNDLESYNC_HOOKS_WEBHOOK_SECRET"] = "sentinel-of-the-webhook";
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  const auto told = [&](int times) {
    return wait_until(std::chrono::seconds(10), [&] {
      return metric(*agent, R"(bundlesync_announcements_total{outcome="told",to="webhook"})") == times;
    });
  };
  EXPECT_TRUE(told(1)) << agent->log();
  move("alpha", "1.1.0");
  EXPECT_TRUE(told(2)) << agent->log();
  ASSERT_EQ(app.requests().size(), 2U);
  EXPECT_NE(app.requests()[1].find(R"("version":"1.1.0","previous_version":"1.0.0")"), std::string::npos);
  EXPECT_NE(app.requests()[1].find("X-Bundlesync-Signature: sha256="), std::string::npos);
  EXPECT_EQ(agent->log().find("sentinel"), std::string::npos);
  EXPECT_EQ(agent->get("/status").body.find("sentinel"), std::string::npos);
  EXPECT_EQ(agent->stop().code, 0);
}

TEST_F(Announced, AWebhookThatHangsHoldsUpNeitherASwapNorTheEnd) {
  LiarServer app([](LiarPeer& peer) {
    (void)peer.read_request();
    std::this_thread::sleep_for(std::chrono::seconds(30));
  });
  environment_["BUNDLESYNC_HOOKS_WEBHOOK_URL"] = fmt::format("http://127.0.0.1:{}/hook", app.port());
  environment_["BUNDLESYNC_HOOKS_TIMEOUT"] = "1m";
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  ASSERT_TRUE(wait_until(std::chrono::seconds(5), [&] { return app.connections() == 1U; }));
  for (const char* version : {"1.1.0", "1.2.0", "1.0.0"}) {
    move("alpha", version);
    EXPECT_TRUE(comes_to_show("alpha", version)) << agent->log();
  }
  EXPECT_EQ(agent->get("/healthz").status, 200);
  const auto stopped = agent->stop();
  EXPECT_EQ(stopped.code, 0) << agent->log();
  EXPECT_LT(stopped.took, one_second);
}

TEST_F(Announced, TheProgramRunsAfterEverySwapAndItsFailureIsSaidOnce) {
  const std::string out = home_ / "out";
  const std::string program = home_ / "hook";
  std::ofstream(program) << "#!/bin/sh\necho \"$BUNDLESYNC_TEMPLATES\" >> " << out << "\n";
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  environment_["BUNDLESYNC_HOOKS_EXEC"] = "[\"" + program + "\"]";
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  move("alpha", "1.1.0");
  const auto lines = [&] {
    std::ifstream in(out);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_TRUE(wait_until(std::chrono::seconds(10), [&] { return lines() == "alpha=1.0.0\nalpha=1.1.0\n"; })) << lines();
  EXPECT_NE(agent->log().find("confined=no_core"), std::string::npos) << agent->log();
  EXPECT_EQ(agent->log().find("landlock"), std::string::npos) << "the program may have to write";
}

}  // namespace
}  // namespace bundlesync::tests
