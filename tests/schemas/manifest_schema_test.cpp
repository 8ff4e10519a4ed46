#include "base/utf8.hpp"
#include "bundle/manifest_file.hpp"
#include "bundle/path_rules.hpp"
#include "support/name_corpus.hpp"
#include "verdicts.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <filesystem>

// config/manifest.schema.json says of a bundle's manifest.json what `publish` says of it.
namespace bundlesync::tests {
namespace {

/// What the publisher holds against it, but for what two entries have in common.
bool is_taken(const std::string& text) {
  const auto manifest = bundle::parse_manifest(text);
  if (!manifest) return false;
  if (!manifest->template_name.empty() && bundle::name_problem(manifest->template_name)) return false;
  if (!manifest->version.empty() && bundle::semver_problem(manifest->version)) return false;
  for (const auto& list : {manifest->artifacts, manifest->prompts}) {
    for (const auto& entry : list) {
      if (bundle::path_problem(entry.path)) return false;
    }
  }
  return true;
}

void expect_one_verdict(const std::vector<std::string>& texts, bool good) {
  const auto judged = verdicts("manifest.schema.json", texts);
  if (!judged) GTEST_SKIP() << "python3-jsonschema or python3-yaml is missing: deploy/install-packages test";
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(is_taken(texts[i]), good) << texts[i];
    EXPECT_EQ((*judged)[i] == "good", good) << texts[i] << "\n" << (*judged)[i];
  }
}

std::string artifact(const std::string& members) {
  return R"({"artifacts": [{"kind": "master_prompt", "path": "a.md", )" + members + "}]}";
}

std::string prompt(const std::string& members) {
  return R"({"prompts": [{"role": "user", )" + members + "}]}";
}

std::string with_path(const std::string& path) {
  return R"({"artifacts": [{"kind": "a", "path": ")" + path + R"("}]})";
}

TEST(ManifestSchema, TakesTheManifestsOfTheExamples) {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(BUNDLESYNC_SOURCE_DIR "/deploy/examples")) {
    if (entry.path().filename() != "manifest.json") continue;
    texts.push_back(text_of_source(std::filesystem::relative(entry.path(), BUNDLESYNC_SOURCE_DIR)));
  }
  ASSERT_FALSE(texts.empty());
  expect_one_verdict(texts, true);
}

/// The names that publisher, agent and database are judged by.
TEST(ManifestSchema, JudgesEveryPathNameAndVersionOfTheCorpus) {
  std::vector<std::string> good{"{}"};
  std::vector<std::string> bad;
  const auto add = [&](const Verdict& verdict, const auto& document) {
    if (utf8_problem(verdict.text)) return;  // it cannot stand in JSON
    (verdict.code.empty() ? good : bad).push_back(boost::json::serialize(document(verdict.text)));
  };
  namespace bj = boost::json;
  for (const auto& verdict : path_corpus()) {
    add(verdict, [](const std::string& text) {
      return bj::object{{"artifacts", bj::array{bj::object{{"kind", "a"}, {"path", text}}}}};
    });
  }
  for (const auto& verdict : name_corpus()) {
    if (!verdict.text.empty()) add(verdict, [](const std::string& text) { return bj::object{{"template", text}}; });
  }
  for (const auto& verdict : semver_corpus()) {
    if (!verdict.text.empty()) add(verdict, [](const std::string& text) { return bj::object{{"version", text}}; });
  }
  EXPECT_GT(good.size(), 20U);
  EXPECT_GT(bad.size(), 60U);
  expect_one_verdict(good, true);
  expect_one_verdict(bad, false);
}

TEST(ManifestSchema, TakesWhatThePublisherTakes) {
  const std::string digest(64, 'a');
  expect_one_verdict(
      {"{}", R"({"artifacts": [], "prompts": []})", R"({"artifacts": null})",
       R"({"template": "section7", "version": "1.0.0"})",
       R"({"template": null, "version": "2.0.0-rc.1+build.7", "default_locale": "fr"})", R"({"default_locale": null})",
       R"({"template": "", "version": ""})", artifact(R"("locale": "en")"), artifact(R"("locale": null)"),
       artifact(R"("content_type": "text/markdown; charset=utf-8")"),
       artifact(R"("sha256": ")" + digest + R"(", "size": 0)"),
       artifact(R"("sha256": null, "size": 9223372036854775807)"), prompt(R"("path": "p/user.fr.md", "locale": "fr")"),
       with_path("a/b/c/d/e/f/g/h"), with_path("a b/(c), d=e@f+g.md"), with_path(std::string(100, 'a'))},
      true);
}

TEST(ManifestSchema, RefusesWhatThePublisherRefuses) {
  expect_one_verdict({"[]",
                      "null",
                      R"("text")",
                      R"({"name": "a"})",
                      R"({"template": "Section7"})",
                      R"({"template": 7})",
                      R"({"template": "-a"})",
                      R"({"template": ")" + std::string(101, 'a') + R"("})",
                      R"({"version": "1.0"})",
                      R"({"version": "v1.0.0"})",
                      R"({"version": "01.0.0"})",
                      R"({"version": "1.0.0-01"})",
                      R"({"version": 1})",
                      R"({"default_locale": "de"})",
                      R"({"artifacts": {}})",
                      R"({"artifacts": ["a.md"]})",
                      R"({"artifacts": [{"path": "a.md"}]})",
                      R"({"artifacts": [{"kind": "a"}]})",
                      R"({"artifacts": [{"kind": "A", "path": "a.md"}]})",
                      R"({"artifacts": [{"kind": "", "path": "a.md"}]})",
                      R"({"artifacts": [{"kind": null, "path": "a.md"}]})",
                      artifact(R"("role": "user")"),
                      artifact(R"("locale": "FR")"),
                      artifact(R"("locale": 1)"),
                      artifact(R"("content_type": "markdown")"),
                      artifact(R"("content_type": "text/")"),
                      artifact(R"("content_type": "/markdown")"),
                      artifact(R"("sha256": "abc")"),
                      artifact(R"("sha256": ")" + std::string(64, 'A') + R"(")"),
                      artifact(R"("size": -1)"),
                      artifact(R"("size": "1")"),
                      artifact(R"("size": 1.5)"),
                      prompt(R"("kind": "a", "path": "a.md")"),
                      prompt(R"("locale": "fr")"),
                      R"({"prompts": [{"role": "admin", "path": "a.md"}]})",
                      R"({"prompts": "a.md"})",
                      with_path(""),
                      with_path("/a"),
                      with_path("a/"),
                      with_path("a//b"),
                      with_path("../a"),
                      with_path("a/./b"),
                      with_path(".hidden"),
                      with_path("a/.hidden"),
                      with_path("a."),
                      with_path("a "),
                      with_path(" a"),
                      with_path("a/b "),
                      with_path("a*"),
                      with_path("é.md"),
                      with_path("a/b/c/d/e/f/g/h/i"),
                      with_path(std::string(101, 'a')),
                      with_path(std::string(99, 'a') + "/" + std::string(99, 'b') + "/c")},
                     false);
}

}  // namespace
}  // namespace bundlesync::tests
