#include "bundle/lint.hpp"

#include <gtest/gtest.h>

namespace bundlesync::bundle {
namespace {

using Severity = LintProblem::Severity;

ManifestFile clean_manifest() {
  ManifestFile manifest;
  manifest.template_name = "section7";
  manifest.version = "1.0.0";
  manifest.default_locale = "fr";
  manifest.artifacts.push_back(ManifestEntry{"a.md", "a", "", "fr", "text/markdown", std::nullopt, std::nullopt});
  manifest.prompts.push_back(ManifestEntry{"p.md", "", "user", "fr", "", std::nullopt, std::nullopt});
  return manifest;
}

std::vector<FoundFile> clean_files() {
  return {{"a.md", 3, Digest::of("abc")}, {"p.md", 1, Digest::of("p")}};
}

/// "reason | path | text | hint", with "warning: " before a warning.
std::vector<std::string> told(const ManifestFile& manifest, const std::vector<FoundFile>& found,
                              const Limits& limits = {}) {
  std::vector<std::string> lines;
  for (const auto& problem : lint(manifest, found, limits)) {
    lines.push_back((problem.severity == Severity::warning ? "warning: " : "") + problem.reason + " | " + problem.path +
                    " | " + problem.text + " | " + problem.hint);
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST(Lint, FindsNothingInACleanBundle) {
  EXPECT_EQ(told(clean_manifest(), clean_files()), Lines{});
  EXPECT_TRUE(publishable(lint(clean_manifest(), clean_files())));
}

TEST(Lint, TellsEverythingAtOnceSortedByPath) {
  auto manifest = clean_manifest();
  manifest.version = "1.0";
  manifest.artifacts.push_back(ManifestEntry{"../x", "x", "", "", "", std::nullopt, std::nullopt});
  manifest.artifacts.push_back(ManifestEntry{"gone.md", "x", "", "", "", std::nullopt, std::nullopt});
  EXPECT_EQ(
      told(manifest, clean_files()),
      (Lines{
          "semver_invalid |  | version '1.0' is no version | a version is written as semver.org 2.0.0 says, as in "
          "1.4.0 or "
          "2.0.0-rc.1, in at most 64 bytes",
          "path_dotdot | ../x | '../x' cannot be a path in a bundle | a path must not contain '.' or '..' as a segment",
          "file_missing | gone.md | 'gone.md' is listed and is not there | add the file or take it off the list"}));
  EXPECT_FALSE(publishable(lint(manifest, clean_files())));
}

TEST(Lint, WantsANameAndAVersion) {
  auto manifest = clean_manifest();
  manifest.template_name.clear();
  manifest.version.clear();
  EXPECT_EQ(
      told(manifest, clean_files()),
      (Lines{"template_missing |  | the bundle names no template | give --template or \"template\" in manifest.json",
             "version_missing |  | the bundle names no version | give --version or \"version\" in manifest.json"}));
  manifest = clean_manifest();
  manifest.template_name = "a/b";
  EXPECT_EQ(
      told(manifest, clean_files()),
      (Lines{"name_character |  | template 'a/b' is no template name | a template's name is made of a-z 0-9 . _ -"}));
}

TEST(Lint, ChecksSizesAndDigestsThatAreGiven) {
  auto manifest = clean_manifest();
  manifest.artifacts[0].size = 4;
  manifest.artifacts[0].sha256 = Digest::of("abd");
  EXPECT_EQ(
      told(manifest, clean_files()),
      (Lines{
          "size_mismatch | a.md | 'a.md' has 3 bytes, manifest.json says 4 | leave size out, or write that of the file",
          "digest_mismatch | a.md | 'a.md' has sha256 " + Digest::of("abc").hex() + ", manifest.json says " +
              Digest::of("abd").hex() + " | leave sha256 out, or write that of the file"}));
}

TEST(Lint, KeepsTheLimits) {
  EXPECT_EQ(told(clean_manifest(), clean_files(), Limits{2, 4, 3}), Lines{});
  EXPECT_EQ(told(clean_manifest(), clean_files(), Limits{1, 3, 2}),
            (Lines{"too_many_files |  | the bundle has 2 files, the limit is 1 | split it, or raise limits.files here "
                   "and at every agent",
                   "bundle_too_large |  | the bundle has 4 bytes, the limit is 3B | split it, or raise limits.bundle "
                   "here and at every "
                   "agent",
                   "file_too_large | a.md | 'a.md' has 3 bytes, the limit is 2B | make it smaller, or raise "
                   "limits.file here and at "
                   "every agent"}));
}

TEST(Lint, FindsFilesThatCollide) {
  auto manifest = clean_manifest();
  manifest.artifacts.push_back(ManifestEntry{"A.md", "x", "", "", "", std::nullopt, std::nullopt});
  auto found = clean_files();
  found.push_back({"A.md", 1, Digest::of("A")});
  EXPECT_EQ(told(manifest, found), (Lines{"path_case_twin | a.md | 'a.md' collides with another file | two paths must "
                                          "not differ only in upper and lower case"}));
}

TEST(Lint, FindsEntriesThatRepeat) {
  auto manifest = clean_manifest();
  manifest.artifacts.push_back(manifest.artifacts[0]);
  manifest.prompts.push_back(ManifestEntry{"a.md", "", "user", "en", "", std::nullopt, std::nullopt});
  EXPECT_EQ(told(manifest, clean_files()), (Lines{"path_twice | a.md | 'a.md' is listed twice | keep one of the two",
                                                  "locale_mismatch | a.md | 'a.md' has locale 'fr' as an artifact and "
                                                  "'en' as a prompt | write the same locale in both"}));
  manifest = clean_manifest();
  manifest.prompts[0].path = "a.md";
  EXPECT_EQ(told(manifest, {clean_files()[0]}), Lines{});
}

TEST(Lint, RefusesAnEmptyBundle) {
  ManifestFile manifest;
  manifest.template_name = "section7";
  manifest.version = "1.0.0";
  EXPECT_EQ(told(manifest, {}), (Lines{"bundle_empty |  | the bundle has no files | list files in manifest.json"}));
}

TEST(Lint, WarnsWithoutRefusing) {
  auto manifest = clean_manifest();
  manifest.default_locale = "en";
  auto found = clean_files();
  found[0].size = 0;
  found.push_back({"notes.txt", 1, Digest::of("n")});
  EXPECT_EQ(
      told(manifest, found),
      (Lines{
          "warning: default_locale_unused |  | no file has the default locale 'en' | give files that locale, or change "
          "default_locale",
          "warning: file_empty | a.md | 'a.md' is empty | ",
          "warning: file_unlisted | notes.txt | 'notes.txt' is there and not listed: it is not published | list it in "
          "manifest.json or remove it"}));
  EXPECT_TRUE(publishable(lint(manifest, found)));
}

TEST(Lint, APublishableBundleCanBeMade) {
  EXPECT_TRUE(make_bundle(clean_manifest(), clean_files()));
}

}  // namespace
}  // namespace bundlesync::bundle
