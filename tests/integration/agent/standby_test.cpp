#include "bed.hpp"

#include <fmt/format.h>

// One agent writes a target at a time, and every one of them ends when it is told to.
namespace bundlesync::tests {
namespace {

constexpr auto npos = std::string::npos;

class Standby : public AgentBed {
 protected:
  Standby() {
    publish("alpha", "1.0.0", true);
    publish("alpha", "1.1.0");
  }
};

TEST_F(Standby, TakesOverWhenTheFirstAgentIsKilled) {
  const auto first = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << first->log();
  const auto second = start();
  const auto line = second->wait_for({"standby "});
  EXPECT_NE(line.find(fmt::format("pid {}", first->pid())), std::string::npos) << line;
  EXPECT_EQ(second->get("/healthz").status, 200);

  first->kill();
  move("alpha", "1.1.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0")) << second->log();
  EXPECT_EQ(second->stop().code, 0);
}

TEST_F(Standby, OnceEndsAtOnceWith7AndNamesTheHolder) {
  const auto first = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << first->log();
  const auto begun = std::chrono::steady_clock::now();
  const Ended once = command({"agent", "--once"}, {{"BUNDLESYNC_HTTP_LISTEN", "off"}});
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(3));
  EXPECT_EQ(once.code, 7) << once.err;
  EXPECT_NE(once.err.find(std::to_string(first->pid())), std::string::npos) << once.err;
}

TEST_F(Standby, SigtermEndsAnAgentWithinASecondWhateverItDoes) {
  const auto following = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << following->log();
  const auto waiting = start();
  waiting->wait_for({"standby "});
  const auto stopped_waiting = waiting->stop();
  EXPECT_EQ(stopped_waiting.code, 0) << waiting->log();
  EXPECT_LT(stopped_waiting.took, one_second);

  const auto stopped = following->stop();
  EXPECT_EQ(stopped.code, 0) << following->log();
  EXPECT_LT(stopped.took, one_second);
  EXPECT_EQ(shown("alpha"), "1.0.0");

  server_.freeze();
  const auto asking = start();
  asking->wait_for({"[PROOF] source=cache template=alpha"});
  const auto stopped_asking = asking->stop();
  server_.thaw();
  EXPECT_EQ(stopped_asking.code, 0) << asking->log();
  EXPECT_LT(stopped_asking.took, one_second);
}

TEST_F(Standby, SigtermEndsAnAgentWithinASecondWhileTheResolverHangs) {
  Environment environment{{"LD_PRELOAD", HANGING_RESOLVER}, {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
  environment["BUNDLESYNC_DATABASE_URL"] = "postgres://agent@db.invalid/postgres";
  const auto database = start(environment);
  EXPECT_TRUE(wait_until(std::chrono::seconds(10), [&] { return database->log().find("hangs: db.invalid") != npos; }))
      << database->log();
  const auto stopped = database->stop();
  EXPECT_EQ(stopped.code, 0) << database->log();
  EXPECT_LT(stopped.took, one_second);

  environment.erase("BUNDLESYNC_DATABASE_URL");
  environment["BUNDLESYNC_STORAGE_URL"] = "supabase+http://storage.invalid/storage/v1";
  environment["BUNDLESYNC_STORAGE_KEY"] = "key";
  const auto storage = start(environment);
  EXPECT_TRUE(wait_until(std::chrono::seconds(10), [&] {
    return storage->log().find("hangs: storage.invalid") != npos;
  })) << storage->log();
  const auto stopped_too = storage->stop();
  EXPECT_EQ(stopped_too.code, 0) << storage->log();
  EXPECT_LT(stopped_too.took, one_second);
}

}  // namespace
}  // namespace bundlesync::tests
