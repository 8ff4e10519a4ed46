#pragma once

#include <string>
#include <vector>

/// Names with the verdict that agent/bundle/path_rules.hpp and the functions in the database (path_problem,
/// name_problem, semver_problem of schema bundlesync) must both give: a reason code, or empty when the name is good.
/// Without zero bytes, which Postgres cannot hold.
namespace bundlesync::tests {

struct Verdict {
  std::string text;
  std::string code;
};

inline const std::vector<Verdict>& path_corpus() {
  static const std::vector<Verdict> corpus = {
      {"a", ""},
      {"section7_master.md", ""},
      {"prompts/system.fr.md", ""},
      {"A-b_c.9", ""},
      {"a/b/c/d/e/f/g/h", ""},
      {"-a", ""},
      {"a..b", ""},
      {"a b+c@d=e,f(g).md", ""},
      {std::string(100, 'a'), ""},
      {std::string(100, 'a') + "/" + std::string(99, 'b'), ""},
      {"", "path_empty"},
      {std::string(201, 'a'), "path_too_long"},
      {"/etc/passwd", "path_absolute"},
      {"/", "path_absolute"},
      {"a//b", "path_empty_segment"},
      {"a/", "path_empty_segment"},
      {"..", "path_dotdot"},
      {".", "path_dotdot"},
      {"a/../b", "path_dotdot"},
      {"a/./b", "path_dotdot"},
      {".bundle.json", "path_hidden"},
      {"a/.git", "path_hidden"},
      {"..data", "path_hidden"},
      {"...", "path_hidden"},
      {std::string(101, 'a'), "path_segment_too_long"},
      {"a/" + std::string(101, 'a'), "path_segment_too_long"},
      {" a", "path_edge"},
      {"a ", "path_edge"},
      {"a/ ", "path_edge"},
      {"a.", "path_edge"},
      {"a./b", "path_edge"},
      {"a\\b", "path_character"},
      {"a\nb", "path_character"},
      {"a\tb", "path_character"},
      {"a\n", "path_character"},
      {"é", "path_character"},
      {"a%2e", "path_character"},
      {"a\x7f", "path_character"},
      {"a:b", "path_character"},
      {"a/b/c/d/e/f/g/h/i", "path_too_deep"},
      // The first rule that applies is the answer.
      {"/" + std::string(300, 'a'), "path_too_long"},
      {"/../a", "path_absolute"},
      {"..//a", "path_empty_segment"},
      {".git/../a:b", "path_dotdot"},
      {".git/a:b", "path_hidden"},
      {"a:b. /b/c/d/e/f/g/h/i", "path_character"},
      {"a ./b/c/d/e/f/g/h/i", "path_edge"},
  };
  return corpus;
}

inline const std::vector<Verdict>& name_corpus() {
  static const std::vector<Verdict> corpus = {
      {"section7", ""},
      {"a.b_c-d", ""},
      {"9", ""},
      {std::string(100, 'a'), ""},
      {"", "name_empty"},
      {std::string(101, 'a'), "name_too_long"},
      {"..data", "name_hidden"},
      {".a", "name_hidden"},
      {"a/b", "name_character"},
      {"a b", "name_character"},
      {"a\n", "name_character"},
      {"é", "name_character"},
      {"Section7", "name_character"},
      {"-rf", "name_start"},
      {"_a", "name_start"},
      {"-a b", "name_character"},
  };
  return corpus;
}

inline const std::vector<Verdict>& semver_corpus() {
  static const std::vector<Verdict> corpus = {
      {"1.0.0", ""},
      {"0.0.4", ""},
      {"1.1.2-prerelease+meta", ""},
      {"1.0.0-alpha-a.b-c-somethinglong+build.1-aef.1-its-okay", ""},
      {"1.0.0-0A.is.legal", ""},
      {"1.0.0+001", ""},
      {"1.0.0--", ""},
      {"1.0.0-" + std::string(58, 'a'), ""},
      {"1.0.0-" + std::string(59, 'a'), "semver_invalid"},
      {"", "semver_invalid"},
      {"1", "semver_invalid"},
      {"1.2", "semver_invalid"},
      {"1.2.3.4", "semver_invalid"},
      {"v1.2.3", "semver_invalid"},
      {"01.1.1", "semver_invalid"},
      {"1.1.01", "semver_invalid"},
      {"1.2.3-", "semver_invalid"},
      {"1.2.3+", "semver_invalid"},
      {"1.2.3-0123", "semver_invalid"},
      {"1.2.3-a..b", "semver_invalid"},
      {"1.2.3+a+b", "semver_invalid"},
      {"1.2.3\n", "semver_invalid"},
      {" 1.2.3", "semver_invalid"},
  };
  return corpus;
}

}  // namespace bundlesync::tests
