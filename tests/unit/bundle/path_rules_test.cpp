#include "bundle/path_rules.hpp"

#include <gtest/gtest.h>

namespace bundlesync::bundle {
namespace {

std::string verdict(std::string_view path) {
  return std::string(path_problem(path).value_or("good"));
}

TEST(PathRules, GoodPaths) {
  for (const auto* path :
       {"a", "section7_master.md", "prompts/system.fr.md", "A-b_c.9", "a/b/c/d/e/f/g/h", "-a", "a.", "a..b"}) {
    EXPECT_EQ(verdict(path), "good") << path;
  }
  EXPECT_EQ(verdict(std::string(200, 'a')), "good");
}

TEST(PathRules, EachRuleHasItsCode) {
  using namespace std::string_view_literals;
  EXPECT_EQ(verdict(""), "path_empty");
  EXPECT_EQ(verdict(std::string(201, 'a')), "path_too_long");
  EXPECT_EQ(verdict("/etc/passwd"), "path_absolute");
  EXPECT_EQ(verdict("/"), "path_absolute");
  EXPECT_EQ(verdict("a//b"), "path_empty_segment");
  EXPECT_EQ(verdict("a/"), "path_empty_segment");
  EXPECT_EQ(verdict(".."), "path_dotdot");
  EXPECT_EQ(verdict("."), "path_dotdot");
  EXPECT_EQ(verdict("a/../b"), "path_dotdot");
  EXPECT_EQ(verdict("a/./b"), "path_dotdot");
  EXPECT_EQ(verdict(".bundle.json"), "path_hidden");
  EXPECT_EQ(verdict("a/.git"), "path_hidden");
  EXPECT_EQ(verdict("..data"), "path_hidden");
  EXPECT_EQ(verdict("..."), "path_hidden");
  EXPECT_EQ(verdict("a b"), "path_character");
  EXPECT_EQ(verdict("a\\b"), "path_character");
  EXPECT_EQ(verdict("a\nb"), "path_character");
  EXPECT_EQ(verdict("a\0b"sv), "path_character");
  EXPECT_EQ(verdict("é"), "path_character");
  EXPECT_EQ(verdict("a%2e"), "path_character");
  EXPECT_EQ(verdict("a\x7f"), "path_character");
  EXPECT_EQ(verdict("a/b/c/d/e/f/g/h/i"), "path_too_deep");
}

TEST(PathRules, TheFirstRuleThatAppliesIsTheAnswer) {
  EXPECT_EQ(verdict("/" + std::string(300, 'a')), "path_too_long");
  EXPECT_EQ(verdict("/../a"), "path_absolute");
  EXPECT_EQ(verdict("..//a"), "path_empty_segment");
  EXPECT_EQ(verdict(".git/../a b"), "path_dotdot");
  EXPECT_EQ(verdict(".git/a b"), "path_hidden");
  EXPECT_EQ(verdict("a b/b/c/d/e/f/g/h/i"), "path_character");
}

TEST(NameRules, EachRuleHasItsCode) {
  const auto verdict_of = [](std::string_view name) { return std::string(name_problem(name).value_or("good")); };
  for (const auto* name : {"section7", "a", "a.b_c-d", "9"}) EXPECT_EQ(verdict_of(name), "good") << name;
  EXPECT_EQ(verdict_of(std::string(100, 'a')), "good");
  EXPECT_EQ(verdict_of(""), "name_empty");
  EXPECT_EQ(verdict_of(std::string(101, 'a')), "name_too_long");
  EXPECT_EQ(verdict_of("..data"), "name_hidden");
  EXPECT_EQ(verdict_of("a/b"), "name_character");
  EXPECT_EQ(verdict_of("a b"), "name_character");
  EXPECT_EQ(verdict_of("é"), "name_character");
  EXPECT_EQ(verdict_of("-rf"), "name_dash");
}

TEST(SemverRules, OnlySemversOfAtMost64Bytes) {
  EXPECT_EQ(semver_problem("1.0.0"), std::nullopt);
  EXPECT_EQ(semver_problem("1.0.0-" + std::string(58, 'a')), std::nullopt);
  EXPECT_EQ(semver_problem("1.0.0-" + std::string(59, 'a')), "semver_invalid");
  EXPECT_EQ(semver_problem("1.0"), "semver_invalid");
  EXPECT_EQ(semver_problem(""), "semver_invalid");
}

std::string set_verdict(const std::vector<std::string>& paths) {
  std::vector<File> files;
  for (const auto& path : paths) files.emplace_back().path = path;
  const auto problem = bundle_problem(files);
  return problem ? problem->reason + " " + problem->path : "good";
}

TEST(BundleRules, JudgePathsTogether) {
  EXPECT_EQ(set_verdict({}), "good");
  EXPECT_EQ(set_verdict({"a/b", "a-b", "a.b", "ab"}), "good");
  EXPECT_EQ(set_verdict({"b", "a/../b"}), "path_dotdot a/../b");
  EXPECT_EQ(set_verdict({"a", "b", "a"}), "path_twice a");
  EXPECT_EQ(set_verdict({"readme.md", "README.md"}), "path_case_twin readme.md");
  EXPECT_EQ(set_verdict({"a", "a/b"}), "path_under_file a/b");
  EXPECT_EQ(set_verdict({"a/b/c", "a/b"}), "path_under_file a/b/c");
  EXPECT_EQ(set_verdict({"a", "a-x", "a/b"}), "path_under_file a/b");
  EXPECT_EQ(set_verdict({"A/b", "a"}), "path_under_file A/b");
  // Directories that differ in case only would be one directory on some file systems: their files stay apart.
  EXPECT_EQ(set_verdict({"A/b", "a/c"}), "good");
}

TEST(BundleRules, TheVerdictDoesNotDependOnTheOrder) {
  EXPECT_EQ(set_verdict({"README.md", "readme.md", "a"}), set_verdict({"a", "readme.md", "README.md"}));
  EXPECT_EQ(set_verdict({"a/b", "a"}), set_verdict({"a", "a/b"}));
}

TEST(PathRules, EveryCodeHasASentence) {
  for (const auto* code :
       {"path_empty", "path_too_long", "path_absolute", "path_empty_segment", "path_dotdot", "path_hidden",
        "path_character", "path_too_deep", "path_twice", "path_case_twin", "path_under_file", "name_empty",
        "name_too_long", "name_hidden", "name_character", "name_dash", "semver_invalid"}) {
    EXPECT_FALSE(describe_problem(code).empty()) << code;
  }
  EXPECT_EQ(describe_problem("path_absolute"), "a path must not begin with '/'");
  EXPECT_EQ(describe_problem("no_such_code"), "");
}

}  // namespace
}  // namespace bundlesync::bundle
