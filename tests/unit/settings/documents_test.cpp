#include "settings/documents.hpp"

#include "settings/option.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <string>

namespace bundlesync::settings {
namespace {

std::string committed(const std::string& path, const std::string& generated) {
  const std::string full = std::string(BUNDLESYNC_SOURCE_DIR) + "/" + path;
  if (std::getenv("BUNDLESYNC_WRITE_SAMPLES") != nullptr) std::ofstream(full) << generated;
  std::ifstream file(full);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

using Keys = std::set<std::string, std::less<>>;

/// Not everything may be set at once: what is left out, so that the rest may be.
const Keys kEither[] = {{"hooks.validate.url", "targets"}, {"hooks.validate.command", "target", "templates"}};

/// Every line that only a '#' in its first column takes out, put in, but for what is left out; comments begin with "#
/// ".
std::string uncommented(const std::string& text, const Keys& left_out) {
  std::istringstream lines(text);
  std::string out;
  const auto is_left_out = [&](std::string_view line) {
    if (line.starts_with('#')) line.remove_prefix(1);
    return std::ranges::any_of(left_out, [&](const auto& key) {
      return line.starts_with(key + ":") || line.starts_with(environment_name(*find_option(key)) + "=");
    });
  };
  for (std::string line; std::getline(lines, line);) {
    if (is_left_out(line)) continue;
    if (line.starts_with('#') && !line.starts_with("# ")) line.erase(0, 1);
    out += line + "\n";
  }
  return out;
}

TEST(Samples, CommittedFilesAreThoseOfTheTable) {
  EXPECT_EQ(committed("config/agent.yaml", sample_yaml()), sample_yaml())
      << "run this test with BUNDLESYNC_WRITE_SAMPLES=1 and commit config/";
  EXPECT_EQ(committed("config/agent.schema.json", yaml_schema()), yaml_schema())
      << "run this test with BUNDLESYNC_WRITE_SAMPLES=1 and commit config/";
  EXPECT_EQ(committed("config/env.example", sample_environment()), sample_environment())
      << "run this test with BUNDLESYNC_WRITE_SAMPLES=1 and commit config/";
}

TEST(Samples, YamlLoadsAsItIs) {
  Sources sources;
  sources.yaml = YamlText{"agent.yaml", sample_yaml()};
  const auto settings = load(sources).value();
  EXPECT_EQ(settings.target, "/prompts");
  EXPECT_EQ(settings.templates, std::vector<std::string>{"*"});
  for (const auto& row : settings.rows) {
    if (row.key == "target" || row.key == "templates") continue;
    EXPECT_TRUE(row.origin == "default" || row.origin == "not set") << row.key << " " << row.origin;
  }
}

void expect_yaml_loads_without(const Keys& left_out) {
  Sources sources;
  sources.yaml = YamlText{"agent.yaml", uncommented(sample_yaml(), left_out)};
  sources.read_file = [](const std::string&) -> Result<std::string> { return std::string("secret"); };
  const auto settings = load(sources).value();
  Sources bare;
  bare.environment = {{"BUNDLESYNC_TARGET", "/prompts"}, {"BUNDLESYNC_TEMPLATES", "*"}};
  const auto defaults = load(bare).value();
  ASSERT_EQ(settings.rows.size(), options().size());
  for (std::size_t i = 0; i < settings.rows.size(); ++i) {
    if (left_out.contains(settings.rows[i].key)) continue;
    EXPECT_TRUE(settings.rows[i].origin.starts_with("agent.yaml:")) << settings.rows[i].key;
    if (!options()[i].standard.empty()) {
      EXPECT_EQ(settings.rows[i].value, defaults.rows[i].value) << settings.rows[i].key;
    }
  }
}

TEST(Samples, YamlLoadsWithEverythingPutIn) {
  for (const auto& keys : kEither) expect_yaml_loads_without(keys);
}

void expect_environment_loads_without(const Keys& left_out) {
  Sources sources;
  std::istringstream lines(uncommented(sample_environment(), left_out));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    const auto equals = line.find('=');
    const auto name = line.substr(0, equals);
    if (!name.ends_with("_URL_FILE") && !name.ends_with("_KEY_FILE") && !name.ends_with("_SECRET_FILE"))
      sources.environment[name] = line.substr(equals + 1);
  }
  const auto settings = load(sources).value();
  EXPECT_EQ(sources.environment.size() + left_out.size(), options().size());
  for (const auto& row : settings.rows) {
    if (left_out.contains(row.key)) continue;
    EXPECT_FALSE(row.origin == "default" || row.origin == "not set") << row.key;
  }
}

TEST(Samples, EnvironmentLoadsWithEverythingPutIn) {
  for (const auto& keys : kEither) expect_environment_loads_without(keys);
}

TEST(Reference, HasALineForEveryOption) {
  const auto text = reference();
  EXPECT_EQ(std::ranges::count(text, '\n'), static_cast<std::ptrdiff_t>(options().size()) + 2);
  EXPECT_NE(
      text.find(
          "| retention.age | BUNDLESYNC_RETENTION_AGE |  | 1h | 0s to 87600h | Versions on disk that are younger than "
          "this are kept. |\n"),
      std::string::npos)
      << text;
  EXPECT_NE(
      text.find("| database.url, database.url_file | BUNDLESYNC_DATABASE_URL, BUNDLESYNC_DATABASE_URL_FILE |  |  |  |"),
      std::string::npos);
}

}  // namespace
}  // namespace bundlesync::settings
