#pragma once

#include <boost/json.hpp>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// What deploy/monitoring asks Prometheus, and what an agent exports.
namespace bundlesync::tests {

struct Query {
  std::string where;  ///< the alert, or the panel
  std::string expression;
};

struct AlertRule {
  std::string name;
  std::string expression;
  std::string severity;
  std::string summary;
  std::string description;
};

std::string text_of(const std::filesystem::path& path);

std::filesystem::path alerts_file();
std::filesystem::path dashboard_file();
/// Of alerts.yaml, in order.
std::vector<AlertRule> alert_rules();
boost::json::object dashboard();
/// Of every panel of dashboard.json, as Grafana would send them with everything chosen.
std::vector<Query> dashboard_queries();
/// Alerts and dashboard together.
std::vector<Query> all_queries();

using LabelNames = std::set<std::string>;
/// By metric, histograms under their three names: the label names of its series in the text format.
std::map<std::string, LabelNames> exported(std::string_view metrics_text);

/// A metric of ours in an expression, with the labels that are matched on it.
struct Used {
  std::string metric;
  LabelNames labels;
};
std::vector<Used> metrics_in(const std::string& expression);
/// Names in by (…), without (…) and on (…).
LabelNames grouped_in(const std::string& expression);
/// Labels that Prometheus gives to what it scrapes.
const LabelNames& scrape_labels();

}  // namespace bundlesync::tests
