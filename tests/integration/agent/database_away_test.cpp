#include "bed.hpp"

#include <fmt/format.h>

// With the database away what is shown stays, says its age, and converges when the database is back.
namespace bundlesync::tests {
namespace {

class DatabaseAway : public AgentBed {
 protected:
  DatabaseAway() {
    publish("alpha", "1.0.0", true);
    publish("alpha", "1.1.0");
  }
  ~DatabaseAway() override {
    server_.thaw();
    if (server_.pid() < 0) server_.start();
  }
  void run_until_shown() {
    const auto agent = start();
    ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
    ASSERT_EQ(agent->stop().code, 0);
  }
  static void expect_healthy_throughout(HealthWatch& health) {
    const auto seen = health.stop();
    EXPECT_GT(seen.asked, 5);
    EXPECT_TRUE(seen.not_ok.empty()) << "healthz answered " << seen.not_ok.front();
  }
};

constexpr const char* database_age = R"(bundlesync_source_contact_age_seconds{source="database"})";

TEST_F(DatabaseAway, AStartWithALastGoodVersionIsReadyAtOnceAndConvergesLater) {
  run_until_shown();
  server_.stop();
  const auto agent = start();
  agent->wait_for({"ready "}, std::chrono::seconds(2));
  EXPECT_TRUE(comes_to_answer(*agent, "/readyz", 200));
  EXPECT_EQ(shown("alpha"), "1.0.0");
  agent->wait_for({"[PROOF] source=cache template=alpha version=1.0.0", "bytes=0"});
  agent->wait_for({"lost source=database"});
  const double age = metric(*agent, database_age);
  EXPECT_GE(age, 0) << agent->get("/metrics").body;
  EXPECT_TRUE(wait_until(std::chrono::seconds(5), [&] { return metric(*agent, database_age) > age; }));
  EXPECT_TRUE(comes_to_say(*agent, "alpha", "waiting"));

  server_.start();
  move("alpha", "1.1.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0", std::chrono::seconds(20))) << agent->log();
  agent->wait_for({"found source=database"});
  EXPECT_EQ(agent->messages_with({"lost source=database"}).size(), 1U) << agent->log();
}

TEST_F(DatabaseAway, WithNothingOnDiskAndAStarItIsNotReady) {
  server_.stop();
  const Ended once = command({"agent", "--once", "--timeout", "2s"}, {{"BUNDLESYNC_HTTP_LISTEN", "off"}});
  EXPECT_EQ(once.code, 1) << once.err;
  EXPECT_EQ(view_link(target_), "");

  const auto agent = start();
  agent->wait_for({"lost source=database"});
  EXPECT_EQ(agent->get("/readyz").status, 503);
  EXPECT_EQ(agent->get("/healthz").status, 200);
  server_.start();
  EXPECT_TRUE(comes_to_show("alpha", "1.0.0", std::chrono::seconds(20))) << agent->log();
  EXPECT_TRUE(comes_to_answer(*agent, "/readyz", 200));
}

TEST_F(DatabaseAway, OnceEndsByWhatIsShown) {
  const Environment quiet{{"BUNDLESYNC_HTTP_LISTEN", "off"}};
  const Ended first = command({"agent", "--once"}, quiet);
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(shown("alpha"), "1.0.0");
  EXPECT_EQ(command({"agent", "--once", "--strict"}, quiet).code, 0);

  store_.take_away();
  move("alpha", "1.1.0");
  const Ended strict = command({"agent", "--once", "--strict", "--timeout", "1s"}, quiet);
  EXPECT_EQ(strict.code, 6) << strict.err;
  EXPECT_EQ(command({"agent", "--once", "--timeout", "1s"}, quiet).code, 0) << "the last good version is shown";
  EXPECT_EQ(shown("alpha"), "1.0.0");
}

TEST_F(DatabaseAway, AChangeMadeDuringARestartIsThereAfterTheReconnect) {
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  server_.stop();
  agent->wait_for({"lost source=database"});
  agent->freeze();  // the move below is made while the agent cannot even listen
  server_.start();
  move("alpha", "1.1.0");
  agent->thaw();
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0", std::chrono::seconds(20))) << agent->log();
  agent->wait_for({"found source=database"});
}

TEST_F(DatabaseAway, ARestartLeavesHealthzAlone) {
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  HealthWatch health(agent->http_port());
  server_.restart();
  move("alpha", "1.1.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0", std::chrono::seconds(20))) << agent->log();
  server_.restart(StopMode::immediate);
  move("alpha", "1.0.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.0.0", std::chrono::seconds(20))) << agent->log();
  expect_healthy_throughout(health);
  EXPECT_TRUE(comes_to_answer(*agent, "/readyz", 200));
}

TEST_F(DatabaseAway, ATerminatedBackendIsReplaced) {
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  HealthWatch health(agent->http_port());
  // In one go, so that the notification finds nobody.
  sql("begin; select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'prompts_agent'; "
      "update templates set default_version_id = (select id from template_versions where semver = '1.1.0'); commit");
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0", std::chrono::seconds(20))) << agent->log();
  agent->wait_for({"lost source=database"});
  agent->wait_for({"found source=database"});
  expect_healthy_throughout(health);
}

TEST_F(DatabaseAway, AFrozenServerIsFoundWithin30SecondsAndFollowedAgain) {
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  HealthWatch health(agent->http_port());
  server_.freeze();
  agent->wait_for({"lost source=database"}, std::chrono::seconds(30));
  EXPECT_EQ(shown("alpha"), "1.0.0");
  server_.thaw();
  move("alpha", "1.1.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0", std::chrono::seconds(30))) << agent->log();
  expect_healthy_throughout(health);
}

TEST_F(DatabaseAway, BehindATransactionPoolerItPollsAndSaysHowToDoBetter) {
  const PgBouncer bouncer(server_, "transaction", {"postgres", "prompts_agent"});
  const auto agent = start(
      {{"BUNDLESYNC_DATABASE_URL", bouncer.url(database_, "prompts_agent")}, {"BUNDLESYNC_POLL_INTERVAL", "300ms"}});
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  const auto line = agent->wait_for({"mode mode=poll reason=probe_failed"}, std::chrono::seconds(20));
  EXPECT_NE(line.find("use the direct or session-mode port"), std::string::npos) << line;
  EXPECT_EQ(metric(*agent, "bundlesync_listen_verified"), 0);
  move("alpha", "1.1.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0", std::chrono::seconds(5))) << agent->log();
}

TEST_F(DatabaseAway, ADirectConnectionIsProvenToListen) {
  const auto agent = start({{"BUNDLESYNC_POLL_INTERVAL", "1h"}});
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  ASSERT_TRUE(wait_until(std::chrono::seconds(10), [&] { return metric(*agent, "bundlesync_listen_verified") == 1; }))
      << agent->log();
  // No poll comes within the hour: only the notification can bring this.
  move("alpha", "1.1.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0", one_second)) << agent->log();
}

}  // namespace
}  // namespace bundlesync::tests
