#include "settings/option.hpp"
#include "settings/settings.hpp"
#include "verdicts.hpp"

#include <gtest/gtest.h>

// config/agent.schema.json says of a settings file what the agent says of it.
namespace bundlesync::tests {
namespace {

using settings::Sources;
using settings::Type;

/// Empty when the agent takes it, else its error.
std::string refusal_by_agent(const std::string& yaml) {
  Sources sources;
  sources.yaml = settings::YamlText{"agent.yaml", yaml};
  sources.read_file = [](const std::string&) -> Result<std::string> { return std::string("secret"); };
  const auto loaded = settings::load(sources);
  return loaded ? "" : loaded.error().text();
}

/// A settings file that is whole but for the line.
std::string with(const std::string& line) {
  const bool has_target = line.starts_with("target:");
  const bool has_templates = line.starts_with("templates:");
  return std::string(has_target ? "" : "target: /prompts\n") + (has_templates ? "" : "templates: '*'\n") + line + "\n";
}

void expect_one_verdict(const std::vector<std::string>& lines, bool good) {
  std::vector<std::string> texts;
  for (const auto& line : lines) texts.push_back(with(line));
  const auto judged = verdicts("agent.schema.json", texts);
  if (!judged) GTEST_SKIP() << "python3-jsonschema or python3-yaml is missing: deploy/install-packages test";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string refusal = refusal_by_agent(texts[i]);
    EXPECT_EQ(refusal.empty(), good) << lines[i] << "\n" << refusal;
    EXPECT_EQ((*judged)[i] == "good", good) << lines[i] << "\n" << (*judged)[i];
  }
}

TEST(SettingsSchema, TakesTheSampleAsItIsAndWithEveryLinePutIn) {
  const std::string sample = text_of_source("config/agent.yaml");
  EXPECT_TRUE(sample.starts_with("# yaml-language-server: $schema=agent.schema.json\n"));
  std::string everything;
  for (std::size_t at = 0; at < sample.size();) {
    const auto end = sample.find('\n', at);
    const std::string line = sample.substr(at, end - at);
    const bool is_value = line.starts_with('#') && !line.starts_with("# ");
    everything += (is_value ? line.substr(1) : line) + "\n";
    at = end + 1;
  }
  const auto judged = verdicts("agent.schema.json", {sample, everything});
  if (!judged) GTEST_SKIP() << "python3-jsonschema or python3-yaml is missing: deploy/install-packages test";
  EXPECT_EQ(*judged, (std::vector<std::string>{"good", "good"}));
}

TEST(SettingsSchema, TakesWhatTheAgentTakes) {
  expect_one_verdict({"target.strict: yes",
                      "target.strict: 'on'",
                      "target.strict: \"TRUE\"",
                      "target.strict: 0",
                      "target.strict:",
                      "templates: [section7, 'intake*']",
                      "templates: section7 , intake",
                      "templates: 7",
                      "templates: ['7', a.b_c-d]",
                      "retention: {age: 1h, count: 3}",
                      "retention.age: 0s",
                      "retention.age: 3650 d",
                      "retention.age: 87600h",
                      "retention.count: '0003'",
                      "retention.count: 1000",
                      "retention:",
                      "retention: {}",
                      "poll_interval: 100ms",
                      "poll_interval: 3600s",
                      "poll_interval: 60m",
                      "disk.max_bytes: 536870912",
                      "disk.max_bytes: 4KiB",
                      "disk.max_bytes: 16TiB",
                      "disk: {max_bytes: '4096'}",
                      "limits.file: 1",
                      "limits.file: 2GiB",
                      "http.listen: off",
                      "http.listen: 'off'",
                      "http.listen: '[::1]:9848'",
                      "http.listen: ':0'",
                      "http.listen: localhost:65535",
                      "log: {format: json, level: warn}",
                      "start.require: last_good",
                      "database.url_file: /run/secrets/url",
                      "storage: {key: abc, url: 'file:///srv/bundles'}",
                      "storage.url: supabase+https://x.supabase.co/storage/v1",
                      "storage.url: supabase+http://127.0.0.1:54321",
                      "storage.bucket: 2026",
                      "hooks: {validate: {url: 'http://127.0.0.1:8080/validate', on_error: accept}}",
                      "hooks.validate: {url: 'http://[::1]/v?x=1'}",
                      "hooks: {validate.timeout: 1h}",
                      "hooks.validate.command: /usr/local/bin/check",
                      "hooks.validate.command: [/usr/local/bin/check, --max, 3, true]",
                      "trust.keys: ed25519:Ff2ae33oa7d8Gz+O43i3JY0aPzHzsbRRUyFvpUkJoZY=",
                      "trust: {keys: ['ed25519:Ff2ae33oa7d8Gz+O43i3JY0aPzHzsbRRUyFvpUkJoZY='], require: true}",
                      "local_dir: /a/b/"},
                     true);
}

TEST(SettingsSchema, RefusesWhatTheAgentRefuses) {
  expect_one_verdict({"target: prompts",
                      "target: [a]",
                      "target: {path: /a}",
                      "tagret: /a",
                      "Target: /a",
                      "target.strict: maybe",
                      "target.strict: 2",
                      "target.strict: [true]",
                      "templates: ''",
                      "templates: []",
                      "templates: Section7",
                      "templates: a,,b",
                      "templates: a/b",
                      "templates: ['-a']",
                      "templates: .hidden",
                      "retention.age: 1",
                      "retention.age: 1w",
                      "retention.age: -1h",
                      "retention.age: 1.5h",
                      "retention.age: 87601h",
                      "retention.age: 3651d",
                      "retention: 3",
                      "retention: {ages: 1h}",
                      "retention: [age]",
                      "retention.count: -1",
                      "retention.count: 1001",
                      "retention.count: '1001'",
                      "retention.count: three",
                      "retention.count: 1.5",
                      "poll_interval: 99ms",
                      "poll_interval: 0s",
                      "poll_interval: 3601s",
                      "poll_interval: 61m",
                      "poll_interval: 2h",
                      "poll_interval: 1d",
                      "disk.max_bytes: 512MB",
                      "disk.max_bytes: 4095",
                      "disk.max_bytes: '4095'",
                      "disk.max_bytes: 3KiB",
                      "disk.max_bytes: 17TiB",
                      "limits.file: 0",
                      "limits.file: 3GiB",
                      "fetch.parallel: 65",
                      "fetch.parallel: 0",
                      "http.listen: '9848'",
                      "http.listen: localhost",
                      "http.listen: 'a:70000'",
                      "http.listen: '::1:80'",
                      "log: {format: xml}",
                      "log.level: warning",
                      "start.require: last-good",
                      "database.mode: push",
                      "database: {url_files: /x}",
                      "database.ca: ca.pem",
                      "storage.url: http://x",
                      "storage.url: file://srv",
                      "storage.url: 'supabase+https://x/y?z'",
                      "storage.url: s3://B",
                      "hooks: {validate: {uri: x}}",
                      "hooks.validate: x",
                      "hooks.validate.url: https://127.0.0.1/",
                      "hooks.validate.url: http://example.org/",
                      "hooks.validate.url: http://127.0.0.1:0/",
                      "hooks.validate.url: http://127.0.0.1:66000/",
                      "hooks.validate.url: 'http://localhost/a b'",
                      "hooks.validate.command: check",
                      "hooks.validate.command: []",
                      "hooks.validate.command: [check]",
                      "hooks.validate.command: {a: b}",
                      "hooks.validate.on_error: ignore",
                      "trust.keys: ed25519:short",
                      "trust.keys: []",
                      "trust.keys: ed25519:Ff2ae33oa7d8Gz+O43i3JY0aPzHzsbRRUyFvpUkJoZZ=",
                      "confine: never",
                      "extra: 1"},
                     false);
}

/// Each number of an option's range and the ones beyond, in every unit that can write them.
TEST(SettingsSchema, KnowsTheEndsOfEveryRange) {
  std::vector<std::string> inside;
  std::vector<std::string> outside;
  for (const auto& option : settings::options()) {
    const bool is_number = option.type == Type::count || option.type == Type::size || option.type == Type::duration;
    if (!is_number) continue;
    const std::string unit = option.type == Type::duration ? "ms" : option.type == Type::size ? "B" : "";
    const auto line = [&](std::uint64_t value) {
      return std::string(option.key) + ": " + std::to_string(value) + unit;
    };
    for (const auto value : {option.min, option.min + 1, option.max / 2 + 1, option.max - 1, option.max}) {
      inside.push_back(line(value));
    }
    for (const auto value : {option.max + 1, option.max + 9, option.max * 10}) outside.push_back(line(value));
    if (option.min > 0) outside.push_back(line(option.min - 1));
  }
  ASSERT_GT(inside.size(), 60U);
  expect_one_verdict(inside, true);
  expect_one_verdict(outside, false);
}

}  // namespace
}  // namespace bundlesync::tests
