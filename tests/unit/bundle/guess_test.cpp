#include "bundle/manifest_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bundlesync::bundle {
namespace {

TEST(Guess, KindIsTheBaseNameWithoutLocaleAndExtension) {
  EXPECT_EQ(guess_kind("section7_master.md"), "section7_master");
  EXPECT_EQ(guess_kind("prompts/Section7 Master.fr.md"), "section7_master");
  EXPECT_EQ(guess_kind("intake_en.md"), "intake");
  EXPECT_EQ(guess_kind("golden-example-01.json"), "golden_example_01");
  EXPECT_EQ(guess_kind("README"), "readme");
  EXPECT_EQ(guess_kind("fr.md"), "fr");
  EXPECT_EQ(guess_kind("---.md"), "file");
  EXPECT_EQ(guess_kind("_a_.md"), "a");
  EXPECT_EQ(guess_kind(std::string(90, 'a') + ".md"), std::string(64, 'a'));
  for (const auto* path : {"é.md", "a b", "x.FR.MD", "a/b/c.tar.gz"}) EXPECT_TRUE(is_kind(guess_kind(path))) << path;
}

TEST(Guess, LocaleIsTheSuffixBeforeTheExtension) {
  EXPECT_EQ(guess_locale("a.fr.md"), "fr");
  EXPECT_EQ(guess_locale("a_fr.md"), "fr");
  EXPECT_EQ(guess_locale("a-en.json"), "en");
  EXPECT_EQ(guess_locale("a.FR.md"), "fr");
  EXPECT_EQ(guess_locale("a_en"), "en");
  EXPECT_EQ(guess_locale("a.de.md"), "");
  EXPECT_EQ(guess_locale("chauffr.md"), "");
  EXPECT_EQ(guess_locale("fr.md"), "");
  EXPECT_EQ(guess_locale("_fr.md"), "");
  EXPECT_EQ(guess_locale("fr/a.md"), "");
  EXPECT_EQ(guess_locale("a.fr"), "");
}

TEST(Guess, ContentTypeIsByExtension) {
  EXPECT_EQ(guess_content_type("a.md"), "text/markdown");
  EXPECT_EQ(guess_content_type("a.b/c.JSON"), "application/json");
  EXPECT_EQ(guess_content_type("a.fr.txt"), "text/plain");
  EXPECT_EQ(guess_content_type("a.yml"), "application/yaml");
  EXPECT_EQ(guess_content_type("README"), "application/octet-stream");
  EXPECT_EQ(guess_content_type("a.md/b"), "application/octet-stream");
  EXPECT_EQ(guess_content_type("md"), "application/octet-stream");
}

TEST(Guess, ManifestListsEveryFileWhateverTheirOrder) {
  const std::vector<FoundFile> found = {{"z_en.json", 2, Digest::of("{}")}, {"a.fr.md", 1, Digest::of("a")}};
  const auto manifest = guess_manifest("intake", "1.0.0", found);
  EXPECT_EQ(manifest.template_name, "intake");
  EXPECT_EQ(manifest.version, "1.0.0");
  EXPECT_EQ(manifest.default_locale, "");
  EXPECT_TRUE(manifest.prompts.empty());
  ASSERT_EQ(manifest.artifacts.size(), 2U);
  EXPECT_EQ(manifest.artifacts[0],
            (ManifestEntry{"a.fr.md", "a", "", "fr", "text/markdown", std::nullopt, std::nullopt}));
  EXPECT_EQ(manifest.artifacts[1],
            (ManifestEntry{"z_en.json", "z", "", "en", "application/json", std::nullopt, std::nullopt}));
  EXPECT_EQ(guess_manifest("intake", "1.0.0", std::vector<FoundFile>{found[1], found[0]}), manifest);
}

TEST(Guess, ListsEveryContentTypeThatItGivesOnce) {
  const auto types = guessed_content_types();
  EXPECT_TRUE(std::ranges::is_sorted(types));
  EXPECT_EQ(std::ranges::adjacent_find(types), types.end());
  for (const std::string path : {"a.md", "a.txt", "a.json", "a.docx", "a.unknown", "a"}) {
    EXPECT_NE(std::ranges::find(types, guess_content_type(path)), types.end()) << path;
  }
}

}  // namespace
}  // namespace bundlesync::bundle
