#include "queries.hpp"
#include "support/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// deploy/monitoring/alerts.yaml, as Prometheus reads it.
namespace bundlesync::tests {
namespace {

using testing::HasSubstr;

const std::string promtool = BUNDLESYNC_PROMTOOL;

Ended run_promtool(std::vector<std::string> words) {
  words.insert(words.begin(), promtool);
  return run(Command{std::move(words), {}, std::nullopt, std::nullopt});
}

TEST(Alerts, AreRulesThatPromtoolTakes) {
  if (promtool.empty()) GTEST_SKIP() << "promtool is missing: deploy/install-packages test";
  const auto ended = run_promtool({"check", "rules", "--lint-fatal", alerts_file()});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out + ended.err, HasSubstr(std::to_string(alert_rules().size()) + " rules found"));
}

TEST(Alerts, FireWhenTheyShouldAndNotBefore) {
  if (promtool.empty()) GTEST_SKIP() << "promtool is missing: deploy/install-packages test";
  const auto ended = run_promtool({"test", "rules", std::string(BUNDLESYNC_MONITORING_TESTS) + "/alerts.test.yaml"});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
}

TEST(Alerts, AreTwelveAndEachIsTestedBothFiringAndSilent) {
  const std::string tests = text_of(std::string(BUNDLESYNC_MONITORING_TESTS) + "/alerts.test.yaml");
  const auto rules = alert_rules();
  EXPECT_EQ(rules.size(), 12U);
  for (const auto& rule : rules) {
    EXPECT_THAT(tests, HasSubstr("- alertname: " + rule.name + "\n")) << "never seen to fire";
    EXPECT_THAT(tests, HasSubstr("- {alertname: " + rule.name + ", eval_time: ")) << "never seen to be silent";
  }
}

TEST(Alerts, SayWhatIsWrongWhatToDoAndHowBadItIs) {
  for (const auto& rule : alert_rules()) {
    EXPECT_TRUE(rule.severity == "critical" || rule.severity == "warning") << rule.name;
    EXPECT_THAT(rule.summary, HasSubstr("{{")) << rule.name << " does not say where";
    EXPECT_GT(rule.description.size(), 100U) << rule.name;
  }
}

}  // namespace
}  // namespace bundlesync::tests
