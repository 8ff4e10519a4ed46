#include "../integration/agent/bed.hpp"
#include "queries.hpp"
#include "support/child.hpp"

#include <fmt/format.h>

#include <fstream>

// Rules and dashboard, asked of a real Prometheus that scrapes a real agent.
namespace bundlesync::tests {
namespace {

namespace fs = std::filesystem;

/// What needs more than this test has: a validator, a key that expires, a database that was away. registry_test.cpp
/// knows their names and labels.
const std::set<std::string> elsewhere{"bundlesync_validations_total", "bundlesync_reconnects_total",
                                      "bundlesync_credential_expires_timestamp_seconds", "bundlesync_privileged"};

class MonitoredAgent : public AgentBed {
 protected:
  /// alpha was moved while the agent ran, gamma's new default is damaged, beta has fallback files only.
  void SetUp() override {
    environment_["BUNDLESYNC_TEMPLATES"] = "alpha,beta,gamma";
    environment_["BUNDLESYNC_FALLBACK_DIR"] = home_ / "fallback";
    environment_["BUNDLESYNC_PREFETCH_SPREAD"] = "0s";
    environment_["BUNDLESYNC_HOOKS_EXEC"] = "/bin/true";
    fs::create_directories(home_ / "fallback/beta");
    std::ofstream(home_ / "fallback/beta/master.md") << "the fallback\n";
    for (const auto* name : {"alpha", "gamma"}) {
      publish(name, "1.0.0", true);
      publish(name, "1.1.0");
    }
    store_.corrupt(key("gamma", "1.1.0", "master.md"));
    agent_ = start();
    ASSERT_TRUE(comes_to_say(*agent_, "gamma", "current")) << agent_->log();
    move("alpha", "1.1.0");
    move("gamma", "1.1.0");
    ASSERT_TRUE(comes_to_show("alpha", "1.1.0")) << agent_->log();
    ASSERT_TRUE(comes_to_say(*agent_, "gamma", "refused")) << agent_->log();
    ASSERT_TRUE(wait_until(one_second * 10, [&] { return metric(*agent_, "bundlesync_listen_verified") == 1; }));
    const auto told = [&] {
      return metric(*agent_, R"(bundlesync_announcements_total{outcome="told",to="exec"})") > 0;
    };
    ASSERT_TRUE(wait_until(one_second * 10, told));
  }

  std::unique_ptr<AgentProcess> agent_;
};

TEST_F(MonitoredAgent, ExportsWhatRulesAndDashboardUse) {
  const auto metrics = exported(agent_->get("/metrics").body);
  for (const auto& query : all_queries()) {
    for (const auto& [name, labels] : metrics_in(query.expression)) {
      if (elsewhere.contains(name)) continue;
      const auto found = metrics.find(name);
      ASSERT_NE(found, metrics.end()) << query.where << ": the agent exports no " << name;
      for (const auto& label : labels) {
        EXPECT_TRUE(found->second.contains(label) || scrape_labels().contains(label)) << query.where << ": " << label;
      }
    }
  }
}

/// Prometheus, scraping one agent every second, with our rules.
class Prometheus {
 public:
  Prometheus(const fs::path& home, int agent_port) : port_(free_port()) {
    std::ofstream(home / "prometheus.yaml")
        << "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        << "rule_files: ['" << alerts_file().string() << "']\n"
        << "scrape_configs: [{job_name: bundlesync, static_configs: [{targets: ['127.0.0.1:" << agent_port
        << "']}]}]\n";
    Command command;
    command.words = {BUNDLESYNC_PROMETHEUS, "--config.file=" + (home / "prometheus.yaml").string(),
                     "--storage.tsdb.path=" + (home / "series").string(),
                     fmt::format("--web.listen-address=127.0.0.1:{}", port_)};
    process_ = std::make_unique<Process>(command);
  }
  Ended ask(const std::string& expression) const {
    Command command;
    command.words = {BUNDLESYNC_PROMTOOL, "query", "instant", fmt::format("http://127.0.0.1:{}", port_), expression};
    return run(command);
  }
  std::string log() const { return process_->err(); }

 private:
  int port_;
  std::unique_ptr<Process> process_;
};

TEST_F(MonitoredAgent, AnswersEveryQueryThroughARealPrometheus) {
  if (std::string(BUNDLESYNC_PROMETHEUS).empty()) GTEST_SKIP() << "prometheus is missing: deploy/install-packages test";
  const Prometheus prometheus(home_ / ".", agent_->http_port());
  const auto scraped = [&] { return prometheus.ask("count_over_time(bundlesync_ready[1m]) > 2").out.contains("=>"); };
  ASSERT_TRUE(wait_until(one_second * 30, scraped)) << prometheus.log();
  for (const auto& query : dashboard_queries()) {
    const auto answer = prometheus.ask(query.expression);
    EXPECT_EQ(answer.code, 0) << query.where << ": " << answer.err;
    bool answered = true;
    for (const auto& used : metrics_in(query.expression)) answered = answered && !elsewhere.contains(used.metric);
    EXPECT_EQ(answer.out.contains("=>"), answered || query.expression.ends_with("or vector(0)"))
        << query.where << "\n"
        << query.expression << "\n"
        << answer.out;
  }
  // Pending already: what their expressions say is so.
  const std::string alerts = prometheus.ask("ALERTS").out;
  EXPECT_TRUE(alerts.contains(R"(alertname="BundlesyncFallback")")) << alerts;
  EXPECT_TRUE(alerts.contains(R"(alertname="BundlesyncRefusals")")) << alerts;
  EXPECT_TRUE(alerts.contains(R"(reason="digest_mismatch")")) << alerts;
  EXPECT_FALSE(alerts.contains("BundlesyncRemoteOff")) << alerts;
  EXPECT_FALSE(alerts.contains("BundlesyncNotificationsNotProven")) << alerts;
}

}  // namespace
}  // namespace bundlesync::tests
