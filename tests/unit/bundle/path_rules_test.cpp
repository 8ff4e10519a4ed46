#include "bundle/path_rules.hpp"

#include "support/name_corpus.hpp"

#include <gtest/gtest.h>

namespace bundlesync::bundle {
namespace {

TEST(PathRules, GiveTheVerdictsOfTheCorpus) {
  for (const auto& [text, code] : tests::path_corpus()) EXPECT_EQ(path_problem(text).value_or(""), code) << text;
}

TEST(PathRules, AZeroByteIsNoCharacterOfAPath) {
  using namespace std::string_view_literals;
  EXPECT_EQ(path_problem("a\0b"sv), "path_character");
  EXPECT_EQ(name_problem("a\0"sv), "name_character");
  EXPECT_EQ(semver_problem("1.0.0\0"sv), "semver_invalid");
}

TEST(NameRules, GiveTheVerdictsOfTheCorpus) {
  for (const auto& [text, code] : tests::name_corpus()) EXPECT_EQ(name_problem(text).value_or(""), code) << text;
}

TEST(SemverRules, GiveTheVerdictsOfTheCorpus) {
  for (const auto& [text, code] : tests::semver_corpus()) EXPECT_EQ(semver_problem(text).value_or(""), code) << text;
}

TEST(VersionRules, AVersionOnDiskIsALabel) {
  for (const auto* label : {"1.0.0", "filesystem", "v1", "2024.1", "1.0.0-rc.1+b"})
    EXPECT_EQ(version_problem(label), std::nullopt);
  EXPECT_EQ(version_problem(std::string(64, 'a')), std::nullopt);
  for (const std::string label : {"", "1/2", "1 0", "1_0", "é"})
    EXPECT_EQ(version_problem(label), "version_invalid") << label;
  EXPECT_EQ(version_problem(std::string(65, 'a')), "version_invalid");
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
  for (const auto* code : {"path_empty",         "path_too_long",         "path_absolute",
                           "path_empty_segment", "path_dotdot",           "path_hidden",
                           "path_character",     "path_too_deep",         "path_twice",
                           "path_case_twin",     "path_under_file",       "name_empty",
                           "name_too_long",      "name_hidden",           "name_character",
                           "name_start",         "path_segment_too_long", "path_edge",
                           "semver_invalid",     "version_invalid"}) {
    EXPECT_FALSE(describe_problem(code).empty()) << code;
  }
  EXPECT_EQ(describe_problem("path_absolute"), "a path must not begin with '/'");
  EXPECT_EQ(describe_problem("no_such_code"), "");
}

}  // namespace
}  // namespace bundlesync::bundle
