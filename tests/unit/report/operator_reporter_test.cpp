#include "report/operator_reporter.hpp"

#include "captured_log.hpp"
#include "datagrams.hpp"
#include "fakes/manual_clock.hpp"
#include "reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bundlesync::report {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class OperatorReporterTest : public testing::Test {
 protected:
  Page page(std::string_view path) { return reporter_.page(path).value_or(Page{404, "", ""}); }

  Datagrams manager_;
  asio::io_context io_;
  fakes::ManualClock clock_{io_};
  CapturedLog log_;
  OperatorReporter reporter_{clock_, log_.log(), ServiceManager(clock_, manager_.path(), 20s)};
};

TEST_F(OperatorReporterTest, ServesFivePagesAndNoOther) {
  EXPECT_EQ(page("/healthz").status, 200U);
  EXPECT_EQ(page("/healthz").body, "ok\n");
  EXPECT_EQ(page("/readyz").status, 503U);
  EXPECT_EQ(page("/readyz").body, "starting\n");
  EXPECT_EQ(page("/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(page("/metrics").body, HasSubstr("bundlesync_ready 0\n"));
  EXPECT_EQ(page("/status").content_type, "application/json");
  EXPECT_EQ(page("/status").body, reporter_.status_json());
  EXPECT_EQ(page("/").content_type, "text/html; charset=utf-8");
  EXPECT_FALSE(reporter_.page("/status/"));
}

TEST_F(OperatorReporterTest, IsReadyForTheServiceManagerBeforeAnythingIsShown) {
  reporter_.started(Started{});
  EXPECT_THAT(manager_.take(), ElementsAre());
  Settled unready = settled({});
  unready.ready = false;
  reporter_.settled(unready);
  EXPECT_THAT(manager_.take(), ElementsAre("READY=1\nSTATUS=shows nothing yet"));
  EXPECT_EQ(page("/readyz").status, 503U);
}

TEST_F(OperatorReporterTest, TellsTheServiceManagerWhatIsShownWheneverThatChanges) {
  reporter_.settled(settled({shows("section7")}));
  reporter_.settled(settled({shows("section7")}));
  EXPECT_THAT(manager_.take(), ElementsAre("READY=1\nSTATUS=shows 1 of 1 templates, view 7"));
  EXPECT_EQ(page("/readyz").status, 200U);
  reporter_.settled(settled({shows("intake"), wants("section7", plan::State::refused, "digest_mismatch")}));
  EXPECT_THAT(manager_.take(),
              ElementsAre("STATUS=shows 2 of 2 templates, view 7; section7 is refused (digest_mismatch)"));
  reporter_.stopping("SIGTERM");
  EXPECT_THAT(manager_.take(), ElementsAre("STOPPING=1"));
}

TEST_F(OperatorReporterTest, RunsForTheServiceManagerWhileAnotherAgentHoldsTheTarget) {
  reporter_.standby(Error(ErrorKind::held, "the target is held by pid 7"));
  reporter_.standby(Error(ErrorKind::held, "the target is held by pid 7"));
  EXPECT_THAT(manager_.take(), ElementsAre("READY=1\nSTATUS=standby: the target is held by pid 7"));
  EXPECT_EQ(page("/readyz").status, 503U);
  reporter_.settled(settled({shows("section7")}));
  EXPECT_THAT(manager_.take(), ElementsAre("STATUS=shows 1 of 1 templates, view 7"));
}

TEST_F(OperatorReporterTest, ExpectsNoContactOfAStandby) {
  Started started;
  started.remote = true;
  started.mode = "auto";
  reporter_.started(started);
  reporter_.standby(Error(ErrorKind::held, "the target is held by pid 7"));
  clock_.advance(700s);
  EXPECT_THAT(page("/metrics").body, HasSubstr("\nbundlesync_standby 1\n"));
  EXPECT_THAT(page("/metrics").body, Not(HasSubstr("bundlesync_source_contact_age_seconds{")));
  EXPECT_THAT(page("/").body, HasSubstr("A standby asks neither database nor storage."));
  reporter_.settled(settled({shows("section7")}));
  EXPECT_THAT(page("/metrics").body, HasSubstr("\nbundlesync_standby 0\n"));
  EXPECT_THAT(page("/metrics").body, HasSubstr("bundlesync_source_contact_age_seconds{source=\"database\"} 0\n"));
}

TEST_F(OperatorReporterTest, NamesTheModeInEffectOnceConnected) {
  Started started;
  started.remote = true;
  started.mode = "auto";
  reporter_.started(started);
  EXPECT_THAT(page("/metrics").body, HasSubstr("bundlesync_mode{mode=\"auto\"} 1\n"));
  reporter_.connected("db/app", "agent", "listen");
  EXPECT_THAT(page("/metrics").body, HasSubstr("bundlesync_mode{mode=\"listen\"} 1\n"));
  EXPECT_THAT(page("/metrics").body, Not(HasSubstr("bundlesync_mode{mode=\"auto\"}")));
}

TEST_F(OperatorReporterTest, LetsTheWatchdogBiteWhenATaskHasEnded) {
  reporter_.task_running("watch", true);
  reporter_.tick();
  EXPECT_THAT(manager_.take(), ElementsAre("WATCHDOG=1"));
  reporter_.task_running("watch", false);
  clock_.advance(10s);
  reporter_.tick();
  EXPECT_THAT(manager_.take(), ElementsAre());
  EXPECT_EQ(page("/healthz").status, 503U);
  EXPECT_EQ(page("/healthz").body, "task watch has ended\n");
}

TEST_F(OperatorReporterTest, StaysAliveAndReadyWhileTheDatabaseIsAway) {
  Started started;
  started.remote = true;
  started.mode = "auto";
  reporter_.started(started);
  reporter_.settled(settled({shows("section7")}));
  reporter_.lost("database", Error(ErrorKind::unavailable, "connection refused"), 0.4s);
  for (int i = 0; i < 60; ++i) {
    clock_.advance(1s);
    reporter_.tick();
  }
  EXPECT_EQ(page("/healthz").status, 200U);
  EXPECT_EQ(page("/readyz").status, 200U);
  EXPECT_THAT(page("/metrics").body, HasSubstr("bundlesync_source_contact_age_seconds{source=\"database\"} 60\n"));
  EXPECT_THAT(page("/status").body, HasSubstr("\"error\": \"connection refused\""));
  reporter_.found("database", 60s, 9);
  EXPECT_THAT(page("/metrics").body, HasSubstr("bundlesync_source_contact_age_seconds{source=\"database\"} 0\n"));
  EXPECT_THAT(page("/metrics").body, HasSubstr("bundlesync_reconnects_total{reason=\"unavailable\"} 1\n"));
}

TEST_F(OperatorReporterTest, GivesTheStatusToKeepOnlyWhenItSaysSomethingNew) {
  EXPECT_FALSE(reporter_.unsaved_status());
  reporter_.settled(settled({shows("section7")}));
  EXPECT_EQ(reporter_.unsaved_status(), reporter_.status_json());
  reporter_.tick();
  reporter_.notified();
  reporter_.contacted("database");
  EXPECT_FALSE(reporter_.unsaved_status());
}

}  // namespace
}  // namespace bundlesync::report
