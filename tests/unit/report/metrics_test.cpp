#include "report/metrics.hpp"

#include "fakes/manual_clock.hpp"
#include "reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace bundlesync::report {
namespace {

using namespace std::chrono_literals;
using plan::State;
using testing::ElementsAre;
using testing::IsEmpty;

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() { metrics_.add(target_); }
  void settle(const Settled& settled) {
    ages_.settled(settled);
    target_.settled(settled);
  }
  /// The series of one family, as served, without the prefix of all names.
  std::vector<std::string> series(const std::string& family) {
    std::vector<std::string> lines;
    std::istringstream in(metrics_.text());
    const std::string name = "bundlesync_" + family;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with(name + '{') || line.starts_with(name + ' ')) lines.push_back(line.substr(11));
    }
    return lines;
  }

  asio::io_context io_;
  fakes::ManualClock clock_{io_};
  Ages ages_{clock_};
  TargetMetrics target_{ages_, ""};
  Metrics metrics_{ages_};
};

TEST_F(MetricsTest, ServesTextWithHelpAndTypeSortedByName) {
  Started started;
  started.version = "0.1.0";
  started.remote = true;
  started.mode = "listen";
  metrics_.started(started);
  target_.started(started);
  const std::string text = metrics_.text();
  EXPECT_TRUE(
      text.starts_with("# HELP bundlesync_activation_seconds From the commit to what apps see.\n"
                       "# TYPE bundlesync_activation_seconds histogram\n"
                       "bundlesync_activation_seconds_count 0\n"
                       "bundlesync_activation_seconds_sum 0\n"))
      << text;
  EXPECT_NE(text.find("# HELP bundlesync_build_info 1, with the version of the agent.\n"
                      "# TYPE bundlesync_build_info gauge\n"
                      "bundlesync_build_info{version=\"0.1.0\"} 1\n"
                      "# HELP bundlesync_download_bytes_total Bytes taken from storage.\n"
                      "# TYPE bundlesync_download_bytes_total counter\n"
                      "bundlesync_download_bytes_total 0\n"),
            std::string::npos)
      << text;
  EXPECT_THAT(series("remote_enabled"), ElementsAre("remote_enabled 1"));
  EXPECT_THAT(series("target_shared"), ElementsAre("target_shared 0"));
  EXPECT_THAT(series("mode"), ElementsAre("mode{mode=\"listen\"} 1"));
  metrics_.mode("poll");
  EXPECT_THAT(series("mode"), ElementsAre("mode{mode=\"poll\"} 1"));
}

TEST_F(MetricsTest, DropsTheSeriesOfAVersionWhenTheVersionGoes) {
  settle(settled({shows("intake"), shows("section7")}));
  EXPECT_THAT(series("template_info"),
              ElementsAre("template_info{source=\"remote\",template=\"intake\",version=\"1.0.0\"} 1",
                          "template_info{source=\"remote\",template=\"section7\",version=\"1.0.0\"} 1"));
  TemplateReport next = shows("section7");
  next.shown_version = next.desired_version = "1.1.0";
  next.source = "cache";
  next.generation = 2;
  settle(settled({next}));
  EXPECT_THAT(series("template_info"),
              ElementsAre("template_info{source=\"cache\",template=\"section7\",version=\"1.1.0\"} 1"));
  EXPECT_THAT(series("desired_info"), ElementsAre("desired_info{template=\"section7\",version=\"1.1.0\"} 1"));
  EXPECT_THAT(series("active_generation"), ElementsAre("active_generation{template=\"section7\"} 2"));
}

TEST_F(MetricsTest, LetsOutOfDateSecondsGrowWhileSomethingElseIsWanted) {
  settle(settled({shows("section7")}));
  EXPECT_THAT(series("out_of_date_seconds"), IsEmpty());
  settle(settled({wants("section7", State::fetching, "")}));
  clock_.advance(5s);
  EXPECT_THAT(series("out_of_date_seconds"),
              ElementsAre("out_of_date_seconds{reason=\"fetching\",template=\"section7\"} 5"));
  settle(settled({wants("section7", State::retrying, "storage_unavailable")}));
  clock_.advance(7s);
  EXPECT_THAT(series("out_of_date_seconds"),
              ElementsAre("out_of_date_seconds{reason=\"storage_unavailable\",template=\"section7\"} 12"));
  settle(settled({shows("section7")}));
  EXPECT_THAT(series("out_of_date_seconds"), IsEmpty());
}

TEST_F(MetricsTest, DoesNotCallALocalFileOutOfDateWhenTheCatalogWantsNothing) {
  TemplateReport local = shows("section7");
  local.state = State::standalone;
  local.source = "local";
  local.desired_version.clear();
  settle(settled({local}));
  EXPECT_THAT(series("out_of_date_seconds"), IsEmpty());
  EXPECT_THAT(series("desired_info"), IsEmpty());
  EXPECT_THAT(series("fallback"), ElementsAre("fallback{source=\"local\",template=\"section7\"} 1"));
}

TEST_F(MetricsTest, CountsHowLongAgoASourceAnswered) {
  EXPECT_THAT(series("source_contact_age_seconds"), IsEmpty());
  ages_.expects("database");
  clock_.advance(3s);
  ages_.contacted("storage");
  clock_.advance(2s);
  EXPECT_THAT(series("source_contact_age_seconds"), ElementsAre("source_contact_age_seconds{source=\"database\"} 5",
                                                                "source_contact_age_seconds{source=\"storage\"} 2"));
  ages_.contacted("database");
  clock_.jump_wall(100h);
  EXPECT_THAT(series("source_contact_age_seconds"), ElementsAre("source_contact_age_seconds{source=\"database\"} 0",
                                                                "source_contact_age_seconds{source=\"storage\"} 2"));
}

TEST_F(MetricsTest, CountsARefusalOnceUntilTheRowChanges) {
  TemplateReport refused = wants("section7", State::refused, "digest_mismatch");
  for (int i = 0; i < 3; ++i) settle(settled({refused}));
  EXPECT_THAT(series("refused_total"),
              ElementsAre("refused_total{reason=\"digest_mismatch\",template=\"section7\"} 1"));
  refused.desired_generation = 3;
  settle(settled({refused}));
  settle(settled({shows("section7")}));
  settle(settled({refused}));
  EXPECT_THAT(series("refused_total"),
              ElementsAre("refused_total{reason=\"digest_mismatch\",template=\"section7\"} 3"));
  settle(settled({shows("intake")}));
  EXPECT_THAT(series("refused_total"), IsEmpty());
}

TEST_F(MetricsTest, FlagsWhatIsHeldBlockedAndPrefetched) {
  TemplateReport prefetched = shows("letters");
  prefetched.prefetched = true;
  settle(
      settled({wants("intake", State::blocked, "waits_for_change"), prefetched, wants("section7", State::held, "")}));
  EXPECT_THAT(series("held"), ElementsAre("held{template=\"intake\"} 0", "held{template=\"letters\"} 0",
                                          "held{template=\"section7\"} 1"));
  EXPECT_THAT(series("blocked"), ElementsAre("blocked{template=\"intake\"} 1", "blocked{template=\"letters\"} 0",
                                             "blocked{template=\"section7\"} 0"));
  EXPECT_THAT(series("prefetched"),
              ElementsAre("prefetched{template=\"intake\"} 0", "prefetched{template=\"letters\"} 1",
                          "prefetched{template=\"section7\"} 0"));
}

TEST_F(MetricsTest, CountsWhatHappens) {
  target_.fetch_ended(true, 4096, 0.3s);
  target_.fetch_ended(false, 100, 0.1s);
  metrics_.storage_answered("ok");
  metrics_.storage_answered("404");
  metrics_.notified();
  metrics_.notified();
  metrics_.listen_verified(true);
  Activated activated;
  activated.commit_to_visible = 0.004s;
  target_.activated(activated);
  activated.commit_to_visible.reset();
  target_.activated(activated);
  target_.sync_failed();
  settle(settled({}));
  settle(settled({}));
  EXPECT_THAT(series("download_bytes_total"), ElementsAre("download_bytes_total 4196"));
  EXPECT_THAT(series("download_seconds_count"), ElementsAre("download_seconds_count 1"));
  EXPECT_THAT(series("storage_requests_total"),
              ElementsAre("storage_requests_total{code=\"404\"} 1", "storage_requests_total{code=\"ok\"} 1"));
  EXPECT_THAT(series("notifications_total"), ElementsAre("notifications_total 2"));
  EXPECT_THAT(series("listen_verified"), ElementsAre("listen_verified 1"));
  EXPECT_THAT(series("activation_seconds_count"), ElementsAre("activation_seconds_count 1"));
  EXPECT_THAT(series("activation_seconds_bucket").front(), "activation_seconds_bucket{le=\"0.005\"} 1");
  EXPECT_THAT(series("sync_total"), ElementsAre("sync_total{outcome=\"failed\"} 1", "sync_total{outcome=\"ok\"} 1"));
}

TEST_F(MetricsTest, CountsAReconnectByWhatEndedTheLastSession) {
  metrics_.found("database");
  EXPECT_THAT(series("reconnects_total"), IsEmpty());
  metrics_.lost("database", Error(ErrorKind::timed_out, "no answer in 5s"));
  metrics_.lost("database", Error(ErrorKind::unavailable, "connection refused"));
  metrics_.found("database");
  metrics_.lost("database", Error(ErrorKind::failed, "gone").with_reason("admin_shutdown"));
  metrics_.found("database");
  EXPECT_THAT(series("reconnects_total"),
              ElementsAre("reconnects_total{reason=\"admin_shutdown\"} 1", "reconnects_total{reason=\"timed_out\"} 1"));
}

TEST_F(MetricsTest, SaysWhatTheDiskHolds) {
  Settled now = settled({});
  now.disk_bytes = {{"trees", 1000}, {"cache", 24}};
  now.disk_budget_bytes = 536'870'912;
  settle(now);
  EXPECT_THAT(series("disk_bytes"), ElementsAre("disk_bytes{area=\"cache\"} 24", "disk_bytes{area=\"trees\"} 1000"));
  EXPECT_THAT(series("disk_budget_bytes"), ElementsAre("disk_budget_bytes 536870912"));
}

TEST_F(MetricsTest, IsReadyOnceAndForAll) {
  EXPECT_THAT(series("ready"), ElementsAre("ready 0"));
  settle(settled({}));
  Settled unready = settled({});
  unready.ready = false;
  settle(unready);
  EXPECT_THAT(series("ready"), ElementsAre("ready 1"));
}

TEST_F(MetricsTest, PutsNoPathAndNoFreeTextIntoALabel) {
  TemplateReport odd = wants("section7", State::refused, "cannot open '/srv/store/section7'", "path=secret/notes.md");
  settle(settled({odd}));
  metrics_.storage_answered("GET /store/section7: 500");
  const std::string text = metrics_.text();
  EXPECT_EQ(text.find("/srv"), std::string::npos);
  EXPECT_EQ(text.find("/store"), std::string::npos);
  EXPECT_EQ(text.find("/prompts"), std::string::npos);
  EXPECT_EQ(text.find("notes.md"), std::string::npos);
  EXPECT_THAT(series("refused_total"), ElementsAre("refused_total{reason=\"other\",template=\"section7\"} 1"));
  EXPECT_THAT(series("storage_requests_total"), ElementsAre("storage_requests_total{code=\"other\"} 1"));
}

TEST_F(MetricsTest, TellsWhenAKeyExpiresAndWhatMayDoTooMuch) {
  EXPECT_THAT(series("credential_expires_timestamp_seconds"), IsEmpty());
  Credential key;
  key.kind = "storage";
  key.role = "anon";
  key.expires = std::chrono::system_clock::time_point(1'800'000'000s);
  metrics_.credential(key);
  EXPECT_THAT(series("credential_expires_timestamp_seconds"),
              ElementsAre("credential_expires_timestamp_seconds{kind=\"storage\"} 1800000000"));
  key.expires.reset();
  metrics_.credential(key);
  EXPECT_THAT(series("credential_expires_timestamp_seconds"), IsEmpty());

  metrics_.privileged("storage_key", true);
  metrics_.privileged("database_role", false);
  EXPECT_THAT(series("privileged"),
              ElementsAre("privileged{what=\"database_role\"} 0", "privileged{what=\"storage_key\"} 1"));
}

TEST_F(MetricsTest, KeepsSeveralTargetsApartUnderOneFamily) {
  Metrics metrics(ages_);
  TargetMetrics med(ages_, "med");
  TargetMetrics ops(ages_, "ops");
  metrics.add(med);
  metrics.add(ops);
  med.settled(settled({shows("section7")}));
  ops.settled(settled({shows("section7"), shows("intake")}));
  const std::string text = metrics.text();
  EXPECT_NE(text.find("# HELP bundlesync_active_generation Generation of what a template shows.\n"
                      "# TYPE bundlesync_active_generation gauge\n"
                      "bundlesync_active_generation{template=\"intake\",target=\"ops\"} 1\n"
                      "bundlesync_active_generation{template=\"section7\",target=\"med\"} 1\n"
                      "bundlesync_active_generation{template=\"section7\",target=\"ops\"} 1\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\nbundlesync_ready{target=\"ops\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nbundlesync_notifications_total 0\n"), std::string::npos) << "the session is no target's";
}

}  // namespace
}  // namespace bundlesync::report
