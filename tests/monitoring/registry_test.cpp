#include "fakes/manual_clock.hpp"
#include "queries.hpp"
#include "report/metrics.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

// Every name that rules and dashboard use is one that the agent's registry has, with that label.
namespace bundlesync::tests {
namespace {

using namespace std::chrono_literals;

report::TemplateReport template_in(const std::string& name, plan::State state) {
  report::TemplateReport entry;
  entry.name = name;
  entry.state = state;
  entry.shown_version = "1.0.0";
  entry.source = "filesystem";
  entry.desired_version = "1.1.0";
  entry.desired_generation = 2;
  entry.reason = "digest_mismatch";
  return entry;
}

/// All that there is to export, once, as it is served.
std::string registry_text() {
  asio::io_context io;
  fakes::ManualClock clock(io);
  report::Ages ages(clock);
  report::Metrics metrics(ages);
  report::TargetMetrics target(ages, "");
  metrics.add(target);
  report::Started started;
  started.version = "1.0.0";
  started.mode = "auto";
  metrics.started(started);
  target.started(started);
  report::Settled settled;
  settled.templates = {template_in("section7", plan::State::refused)};
  settled.disk_bytes = {{"trees", 1}};
  settled.disk_budget_bytes = 2;
  ages.settled(settled);
  ages.contacted("database");
  target.settled(settled);
  metrics.storage_answered("ok");
  metrics.lost("database", Error(ErrorKind::unavailable, "gone"));
  metrics.found("database");
  report::Credential credential;
  credential.kind = "storage";
  credential.expires = clock.wall_now();
  metrics.credential(credential);
  metrics.privileged("storage_key", true);
  target.validated("accepted", 1s);
  report::Announced announced;
  announced.to = "webhook";
  metrics.announced(announced);
  return metrics.text();
}

std::map<std::string, LabelNames> registry() {
  return exported(registry_text());
}

/// Without what a histogram adds to its name.
std::string family_of(const std::string& name) {
  for (const std::string_view end : {"_bucket", "_sum", "_count"}) {
    if (name.ends_with(end)) return name.substr(0, name.size() - end.size());
  }
  return name;
}

TEST(Monitoring, NamesAreAsPromtoolWantsThem) {
  if (std::string(BUNDLESYNC_PROMTOOL).empty()) GTEST_SKIP() << "promtool is missing: deploy/install-packages test";
  const TempDir home;
  std::ofstream(home / "metrics") << registry_text();
  const std::string line = std::string(BUNDLESYNC_PROMTOOL) + " check metrics <" + (home / "metrics").string();
  const auto ended = run(Command{{"/bin/sh", "-c", line}, {}, std::nullopt, std::nullopt});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_EQ(ended.out + ended.err, "");
}

/// The table of the README has every metric, and no other.
TEST(Monitoring, EveryMetricStandsInTheReadme) {
  const std::string readme = text_of(std::string(BUNDLESYNC_MONITORING) + "/../../README.md");
  const auto from = readme.find("| about | metrics (labels) |");
  ASSERT_NE(from, std::string::npos);
  const std::string table = readme.substr(from, readme.find("\n\n", from) - from);
  std::set<std::string> named;
  for (auto open = table.find('`'); open != std::string::npos; open = table.find('`', open + 1)) {
    const auto close = table.find('`', open + 1);
    named.insert("bundlesync_" + table.substr(open + 1, close - open - 1));
    open = close;
  }
  std::set<std::string> known;
  for (const auto& [name, labels] : registry()) known.insert(family_of(name));
  EXPECT_EQ(named, known);
}

/// The table of the README has every alert.
TEST(Monitoring, EveryAlertStandsInTheReadme) {
  const std::string readme = text_of(std::string(BUNDLESYNC_MONITORING) + "/../../README.md");
  for (const auto& rule : alert_rules()) {
    const std::string critical = rule.severity == "critical" ? " (critical)" : "";
    EXPECT_THAT(readme, testing::HasSubstr("\n| `" + rule.name + "`" + critical + " | "));
  }
}

TEST(Monitoring, UsesOnlyMetricsAndLabelsOfTheRegistry) {
  const auto known = registry();
  ASSERT_GT(known.size(), 30U);
  std::set<std::string> used_names;
  for (const auto& query : all_queries()) {
    LabelNames of_the_query = scrape_labels();
    const auto used = metrics_in(query.expression);
    EXPECT_FALSE(used.empty()) << query.where;
    for (const auto& [metric, labels] : used) {
      used_names.insert(metric);
      const auto found = known.find(metric);
      ASSERT_NE(found, known.end()) << query.where << ": no metric " << metric;
      of_the_query.insert(found->second.begin(), found->second.end());
      for (const auto& label : labels) {
        EXPECT_TRUE(found->second.contains(label) || scrape_labels().contains(label))
            << query.where << ": " << metric << " has no label " << label;
      }
    }
    for (const auto& label : grouped_in(query.expression)) {
      EXPECT_TRUE(of_the_query.contains(label)) << query.where << ": nothing in it has a label " << label;
    }
  }
  EXPECT_GT(used_names.size(), 25U);
}

TEST(Monitoring, ShowsEveryMetricThatThereIs) {
  std::set<std::string> used;
  for (const auto& query : all_queries()) {
    for (const auto& one : metrics_in(query.expression)) used.insert(one.metric);
  }
  for (const auto& [name, labels] : registry()) {
    EXPECT_TRUE(used.contains(name) || used.contains(family_of(name) + "_bucket")) << name;
  }
}

}  // namespace
}  // namespace bundlesync::tests
