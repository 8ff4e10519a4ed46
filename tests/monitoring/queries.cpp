#include "queries.hpp"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace bundlesync::tests {
namespace {

namespace bj = boost::json;
using Matches = std::sregex_iterator;

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

LabelNames words_of(const std::string& list) {
  static const std::regex word("[a-z_]+");
  LabelNames names;
  for (auto it = Matches(list.begin(), list.end(), word); it != Matches(); ++it) names.insert(it->str());
  return names;
}

}  // namespace

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::filesystem::path alerts_file() {
  return std::filesystem::path(BUNDLESYNC_MONITORING) / "alerts.yaml";
}
std::filesystem::path dashboard_file() {
  return std::filesystem::path(BUNDLESYNC_MONITORING) / "dashboard.json";
}

std::vector<AlertRule> alert_rules() {
  std::vector<AlertRule> rules;
  const auto file = YAML::LoadFile(alerts_file());
  for (const auto& group : file["groups"]) {
    for (const auto& rule : group["rules"]) {
      AlertRule read;
      read.name = rule["alert"].as<std::string>("");
      read.expression = rule["expr"].as<std::string>("");
      read.severity = rule["labels"]["severity"].as<std::string>("");
      read.summary = rule["annotations"]["summary"].as<std::string>("");
      read.description = rule["annotations"]["description"].as<std::string>("");
      rules.push_back(std::move(read));
    }
  }
  return rules;
}

bj::object dashboard() {
  return bj::parse(text_of(dashboard_file())).as_object();
}

std::vector<Query> dashboard_queries() {
  std::vector<Query> queries;
  const bj::object whole = dashboard();
  for (const auto& panel : whole.at("panels").as_array()) {
    const auto* targets = panel.as_object().if_contains("targets");
    if (!targets) continue;  // a row
    for (const auto& target : targets->as_array()) {
      std::string expression(target.at("expr").as_string());
      for (const auto* variable : {"$job", "$instance", "$template"}) {
        expression = replaced(std::move(expression), variable, ".*");
      }
      expression = replaced(std::move(expression), "$__rate_interval", "1m");
      expression = replaced(std::move(expression), "$__range", "6h");
      queries.push_back({"panel " + std::string(panel.at("title").as_string()), std::move(expression)});
    }
  }
  return queries;
}

std::vector<Query> all_queries() {
  std::vector<Query> queries = dashboard_queries();
  for (auto& rule : alert_rules()) queries.push_back({"alert " + rule.name, std::move(rule.expression)});
  return queries;
}

std::map<std::string, LabelNames> exported(std::string_view metrics_text) {
  static const std::regex series(R"(^(bundlesync_[a-z_]+)(\{(.*)\})? \S+$)");
  static const std::regex label(R"re(([a-z_]+)="([^"\\]|\\.)*")re");
  std::map<std::string, LabelNames> found;
  std::istringstream lines{std::string(metrics_text)};
  for (std::string line; std::getline(lines, line);) {
    std::smatch parts;
    if (!std::regex_match(line, parts, series)) continue;
    LabelNames& names = found[parts[1]];
    const std::string labels = parts[3];
    for (auto it = Matches(labels.begin(), labels.end(), label); it != Matches(); ++it) names.insert((*it)[1]);
  }
  return found;
}

std::vector<Used> metrics_in(const std::string& expression) {
  static const std::regex metric(R"(\b(bundlesync_[a-z_]+)(\{([^}]*)\})?)");
  static const std::regex matcher(R"re(([a-z_]+)\s*[=!]~?\s*"[^"]*")re");
  std::vector<Used> used;
  for (auto it = Matches(expression.begin(), expression.end(), metric); it != Matches(); ++it) {
    Used one;
    one.metric = (*it)[1];
    const std::string matchers = (*it)[3];
    for (auto m = Matches(matchers.begin(), matchers.end(), matcher); m != Matches(); ++m) one.labels.insert((*m)[1]);
    used.push_back(std::move(one));
  }
  return used;
}

LabelNames grouped_in(const std::string& expression) {
  static const std::regex grouping(R"(\b(by|without|on|ignoring)\s*\(([^)]*)\))");
  LabelNames names;
  for (auto it = Matches(expression.begin(), expression.end(), grouping); it != Matches(); ++it) {
    names.merge(words_of((*it)[2]));
  }
  return names;
}

const LabelNames& scrape_labels() {
  static const LabelNames names{"job", "instance", "namespace", "pod"};
  return names;
}

}  // namespace bundlesync::tests
