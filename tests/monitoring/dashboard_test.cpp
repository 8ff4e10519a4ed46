#include "queries.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

// deploy/monitoring/dashboard.json, as Grafana imports it.
namespace bundlesync::tests {
namespace {

namespace bj = boost::json;

/// Every "datasource" below this value.
void collect_sources(const bj::value& value, std::vector<bj::value>& sources) {
  if (const auto* list = value.if_array()) {
    for (const auto& element : *list) collect_sources(element, sources);
  }
  const auto* object = value.if_object();
  if (!object) return;
  for (const auto& [key, member] : *object) {
    if (key == "datasource") sources.push_back(member);
    collect_sources(member, sources);
  }
}

TEST(Dashboard, QueriesAreExpressionsThatPromtoolTakes) {
  const std::string promtool = BUNDLESYNC_PROMTOOL;
  if (promtool.empty()) GTEST_SKIP() << "promtool is missing: deploy/install-packages test";
  const TempDir home;
  std::ofstream rules(home / "rules.json");  // JSON is YAML
  bj::array list;
  for (const auto& query : dashboard_queries()) {
    bj::object rule;
    rule["record"] = "dashboard:query" + std::to_string(list.size());
    rule["expr"] = query.expression;
    list.push_back(std::move(rule));
  }
  const auto count = list.size();
  bj::object group;
  group["name"] = "dashboard";
  group["rules"] = std::move(list);
  rules << bj::object{{"groups", bj::array{std::move(group)}}};
  rules.close();
  const auto ended = run(Command{{promtool, "check", "rules", home / "rules.json"}, {}, std::nullopt, std::nullopt});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out + ended.err, testing::HasSubstr(std::to_string(count) + " rules found"));
}

TEST(Dashboard, AsksTheDataSourceThatIsChosen) {
  std::vector<bj::value> sources;
  collect_sources(dashboard(), sources);
  EXPECT_GT(sources.size(), 60U);
  for (const auto& source : sources) {
    EXPECT_EQ(source, (bj::value{{"type", "prometheus"}, {"uid", "${datasource}"}})) << source;
  }
}

TEST(Dashboard, LetsOneChooseDataSourceJobAgentAndTemplate) {
  std::vector<std::string> names;
  const bj::object whole = dashboard();
  for (const auto& variable : whole.at("templating").at("list").as_array()) {
    names.emplace_back(variable.at("name").as_string());
  }
  EXPECT_THAT(names, testing::ElementsAre("datasource", "job", "instance", "template"));
  for (const auto& panel : whole.at("panels").as_array()) {
    const auto* targets = panel.as_object().if_contains("targets");
    for (const auto& target : targets ? targets->as_array() : bj::array()) {
      EXPECT_NE(target.at("expr").as_string().find(R"(job=~"$job",instance=~"$instance")"), bj::string::npos)
          << panel.at("title");
    }
  }
}

TEST(Dashboard, HasARowForEachSubjectAndNoPanelOverAnother) {
  std::vector<std::string> rows;
  std::set<std::pair<std::int64_t, std::int64_t>> taken;
  std::set<std::int64_t> ids;
  const bj::object whole = dashboard();
  for (const auto& panel : whole.at("panels").as_array()) {
    const std::string title(panel.at("title").as_string());
    EXPECT_TRUE(ids.insert(panel.at("id").as_int64()).second) << title;
    if (panel.at("type") == "row") {
      rows.push_back(title);
    } else {
      EXPECT_FALSE(panel.at("description").as_string().empty()) << title;
    }
    const auto& at = panel.at("gridPos");
    for (std::int64_t x = 0; x < at.at("w").as_int64(); ++x) {
      for (std::int64_t y = 0; y < at.at("h").as_int64(); ++y) {
        const auto column = at.at("x").as_int64() + x;
        EXPECT_LT(column, 24) << title;
        EXPECT_TRUE(taken.emplace(column, at.at("y").as_int64() + y).second) << title;
      }
    }
  }
  EXPECT_THAT(rows, testing::ElementsAre("What is shown", "Out of date", "Contact", "Activations", "Storage", "Disk",
                                         "Refusals, holds and credentials"));
}

}  // namespace
}  // namespace bundlesync::tests
