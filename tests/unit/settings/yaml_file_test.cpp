#include "settings/yaml_file.hpp"

#include <gtest/gtest.h>

namespace bundlesync::settings {
namespace {

GivenMap given_in(const std::string& text) {
  return read_yaml({"agent.yaml", text}).value();
}

std::string error_of(const std::string& text) {
  const auto given = read_yaml({"agent.yaml", text});
  if (given) return "no error";
  EXPECT_EQ(given.error().kind(), ErrorKind::usage);
  return given.error().text();
}

TEST(YamlFile, TakesNestedAndDottedKeysWithTheirPlace) {
  const auto given =
      given_in("target: /prompts\ntarget.strict: true\nretention:\n  age: 2h\n  count: 5\ncache.ttl: 1h\n");
  ASSERT_EQ(given.size(), 5U);
  EXPECT_EQ(given.at("target").text, "/prompts");
  EXPECT_EQ(given.at("target").where, "agent.yaml:1:9");
  EXPECT_EQ(given.at("target.strict").text, "true");
  EXPECT_EQ(given.at("retention.age").text, "2h");
  EXPECT_EQ(given.at("retention.age").where, "agent.yaml:4:8");
  EXPECT_EQ(given.at("retention.count").text, "5");
  EXPECT_EQ(given.at("cache.ttl").text, "1h");
}

TEST(YamlFile, TakesListsOfNames) {
  EXPECT_EQ(given_in("templates: [section7, \"intake*\"]").at("templates").text, "section7,intake*");
  EXPECT_EQ(given_in("templates:\n  - a\n  - b\n").at("templates").text, "a,b");
  EXPECT_EQ(given_in("templates: \"*\"").at("templates").text, "*");
}

TEST(YamlFile, KnowsSecretsByTheirFile) {
  const auto given = given_in("database:\n  url_file: /run/db\nstorage: {key: k}\n");
  EXPECT_EQ(given.at("database.url").text, "/run/db");
  EXPECT_TRUE(given.at("database.url").names_a_file);
  EXPECT_EQ(given.at("storage.key").text, "k");
  EXPECT_FALSE(given.at("storage.key").names_a_file);
}

TEST(YamlFile, NothingIsNothing) {
  for (const auto* text : {"", "# only a comment\n", "---\n", "~", "target:\n", "retention:\n", "target: ~"}) {
    EXPECT_TRUE(given_in(text).empty()) << text;
  }
}

TEST(YamlFile, RefusesUnknownKeysWithTheNearest) {
  EXPECT_EQ(error_of("target: /p\nretension:\n  age: 1h\n"),
            "agent.yaml:2:1: unknown key 'retension'\nhint: did you mean 'retention'?");
  EXPECT_EQ(error_of("target: /p\nretention:\n  aeg: 1h\n"),
            "agent.yaml:3:3: unknown key 'retention.aeg'\nhint: did you mean 'retention.age'?");
  EXPECT_EQ(error_of("templats: x"), "agent.yaml:1:1: unknown key 'templats'\nhint: did you mean 'templates'?");
  EXPECT_EQ(error_of("target_file: x"),
            "agent.yaml:1:1: unknown key 'target_file'\nhint: bundlesync config reference lists all keys");
}

TEST(YamlFile, RefusesAKeyTwice) {
  EXPECT_EQ(error_of("target: /a\ntarget: /b\n"),
            "agent.yaml:2:1: target is given twice, first at agent.yaml:1:9\nhint: keep one of the two");
  EXPECT_EQ(error_of("retention: {age: 1h}\nretention.age: 2h\n"),
            "agent.yaml:2:1: retention.age is given twice, first at agent.yaml:1:18\nhint: keep one of the two");
  EXPECT_EQ(error_of("storage.key: a\nstorage.key_file: /b\n"),
            "agent.yaml:2:1: storage.key_file is given twice, first at agent.yaml:1:14\nhint: keep one of the two");
}

TEST(YamlFile, RefusesWrongShapes) {
  EXPECT_EQ(error_of("target: {path: /a}"), "agent.yaml:1:1: target: expected a value, got a map");
  EXPECT_EQ(error_of("target: [/a]"), "agent.yaml:1:1: target: expected a value, got a list");
  EXPECT_EQ(error_of("templates: [[a]]"), "agent.yaml:1:13: templates: expected a text");
  EXPECT_EQ(error_of("retention: 1h"),
            "agent.yaml:1:1: retention takes no value\nhint: it has retention.age, retention.count");
  EXPECT_EQ(error_of("- target"), "agent.yaml:1:1: expected keys and values\nhint: write it as target: /prompts");
  EXPECT_EQ(error_of("[a]: b"), "agent.yaml:1:1: a key must be a plain text");
  EXPECT_EQ(error_of("target: /a\n---\ntarget: /b\n"),
            "agent.yaml:3:1: a second document\nhint: settings are one document");
}

TEST(YamlFile, EndsWhereNothingCanBegin) {
  EXPECT_EQ(error_of(","), "agent.yaml:1:1: not yaml: nothing begins with this character");
  EXPECT_EQ(error_of("\n,"), "agent.yaml:2:1: not yaml: nothing begins with this character");
  EXPECT_EQ(error_of("target: /a\n,"), "agent.yaml:2:1: not yaml: end of map not found");
  EXPECT_EQ(error_of("--- \n---\n---\ntarget: /a\n"),
            "agent.yaml:2:1: a second document\nhint: settings are one document");
}

TEST(YamlFile, RefusesWhatIsNoYaml) {
  EXPECT_EQ(error_of("target: [a"), "agent.yaml:1:1: not yaml: end of sequence flow not found");
  EXPECT_EQ(
      error_of("templates: *\n"),
      "agent.yaml:1:13: not yaml: alias not found after *\nhint: a value that begins with '*' needs quotes: \"*\"");
  EXPECT_EQ(error_of(std::string(2 << 20, '#')), "agent.yaml has 2097152 bytes, the limit is 1048576");
}

}  // namespace
}  // namespace bundlesync::settings
