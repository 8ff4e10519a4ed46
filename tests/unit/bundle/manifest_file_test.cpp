#include "bundle/manifest_file.hpp"

#include <gtest/gtest.h>

namespace bundlesync::bundle {
namespace {

constexpr std::string_view section7 = R"({
  "template": "section7", "version": "1.0.0", "default_locale": "fr",
  "artifacts": [
    {"kind": "master_prompt", "path": "section7_master.md", "locale": "fr", "content_type": "text/markdown"},
    {"kind": "json_config", "path": "config.json", "locale": null, "size": 2}
  ],
  "prompts": [{"role": "system", "locale": "fr", "path": "prompts/system.fr.md"}]
})";

std::vector<FoundFile> found_files() {
  return {{"section7_master.md", 3, Digest::of("abc")},
          {"config.json", 2, Digest::of("{}")},
          {"prompts/system.fr.md", 1, Digest::of("s")},
          {"notes.txt", 5, Digest::of("notes")}};
}

TEST(ManifestFile, ReadsWhatAuthorsWrite) {
  const auto manifest = parse_manifest(section7).value();
  EXPECT_EQ(manifest.template_name, "section7");
  EXPECT_EQ(manifest.version, "1.0.0");
  EXPECT_EQ(manifest.default_locale, "fr");
  ASSERT_EQ(manifest.artifacts.size(), 2U);
  EXPECT_EQ(manifest.artifacts[0], (ManifestEntry{"section7_master.md", "master_prompt", "", "fr", "text/markdown",
                                                  std::nullopt, std::nullopt}));
  EXPECT_EQ(manifest.artifacts[1].size, 2U);
  EXPECT_EQ(manifest.artifacts[1].locale, "");
  ASSERT_EQ(manifest.prompts.size(), 1U);
  EXPECT_EQ(manifest.prompts[0].role, "system");
}

TEST(ManifestFile, TemplateAndVersionMayBeLeftToFlags) {
  const auto manifest = parse_manifest(R"({"artifacts": []})").value();
  EXPECT_EQ(manifest, ManifestFile());
}

TEST(ManifestFile, WritesWhatItReads) {
  auto manifest = parse_manifest(section7).value();
  manifest.artifacts[0].sha256 = Digest::of("abc");
  manifest.prompts[0].path = "quote\"d/é";
  EXPECT_EQ(parse_manifest(write_manifest(manifest)).value(), manifest);
  EXPECT_EQ(
      write_manifest(parse_manifest(R"({"version": "1.0.0", "artifacts": [{"kind": "a", "path": "a.md"}]})").value()),
      "{\n  \"version\": \"1.0.0\",\n  \"default_locale\": null,\n  \"artifacts\": [\n    {\n      \"kind\": \"a\",\n"
      "      \"path\": \"a.md\",\n      \"locale\": null\n    }\n  ],\n  \"prompts\": []\n}\n");
}

std::string error_of(std::string_view text) {
  const auto manifest = parse_manifest(text);
  if (manifest) return "no error";
  EXPECT_EQ(manifest.error().kind(), ErrorKind::refused);
  return manifest.error().reason() + " | " + manifest.error().text();
}

TEST(ManifestFile, NamesThePlaceOfWhatItRefuses) {
  EXPECT_EQ(error_of("[]"), "json_wrong_type | manifest.json: expected an object, got an array");
  EXPECT_EQ(error_of(R"({"artefacts": []})"),
            "json_unknown_key | manifest.json: artefacts is not a known key\nhint: did you mean 'artifacts'?");
  EXPECT_EQ(error_of(R"({"artifacts": [{"kind": "a", "path": "a"}, {"kind": 1, "path": "b"}]})"),
            "json_wrong_type | manifest.json: artifacts[1].kind: expected a string, got a number");
  EXPECT_EQ(error_of(R"({"artifacts": [{"path": "a"}]})"),
            "json_missing_key | manifest.json: artifacts[0].kind is missing");
  EXPECT_EQ(error_of(R"({"prompts": [{"path": "a"}]})"),
            "json_missing_key | manifest.json: prompts[0].role is missing");
  EXPECT_EQ(error_of(R"({"artifacts": [{"kind": "a", "role": "user", "path": "a"}]})"),
            "json_unknown_key | manifest.json: artifacts[0].role is not a known key");
  EXPECT_EQ(error_of(R"({"version": "1", "version": "2"})"),
            "json_duplicate_key | manifest.json:1:26: key 'version' is there twice\nhint: keep one of the two");
  EXPECT_EQ(error_of(R"({"version": "1")"), "json_invalid | manifest.json:1:16: not json: incomplete JSON");
}

TEST(ManifestFile, RefusesValuesOutsideTheirSet) {
  EXPECT_EQ(error_of(R"({"default_locale": "de"})"),
            "manifest_locale | manifest.json: default_locale is 'de'\nhint: a locale is null, \"fr\" or \"en\"");
  EXPECT_EQ(error_of(R"({"artifacts": [{"kind": "a", "path": "a", "locale": "FR"}]})"),
            "manifest_locale | manifest.json: artifacts[0].locale is 'FR'\nhint: a locale is null, \"fr\" or \"en\"");
  EXPECT_EQ(error_of(R"({"artifacts": [{"kind": "Master", "path": "a"}]})"),
            "manifest_kind | manifest.json: artifacts[0].kind is 'Master'\nhint: a kind is 1 to 64 of a-z 0-9 _");
  EXPECT_EQ(error_of(R"({"artifacts": [{"kind": "", "path": "a"}]})"),
            "manifest_kind | manifest.json: artifacts[0].kind is ''\nhint: a kind is 1 to 64 of a-z 0-9 _");
  EXPECT_EQ(
      error_of(R"({"prompts": [{"role": "tool", "path": "a"}]})"),
      "manifest_role | manifest.json: prompts[0].role is 'tool'\nhint: a role is \"system\", \"manager\" or \"user\"");
  EXPECT_EQ(
      error_of(R"({"artifacts": [{"kind": "a", "path": "a", "content_type": "markdown"}]})"),
      "manifest_content_type | manifest.json: artifacts[0].content_type is 'markdown'\nhint: a content type looks like "
      "text/markdown");
}

TEST(MakeBundle, TakesSizesAndDigestsFromTheFiles) {
  const auto bundle = make_bundle(parse_manifest(section7).value(), found_files()).value();
  EXPECT_EQ(bundle.template_name, "section7");
  EXPECT_EQ(bundle.version, "1.0.0");
  EXPECT_EQ(bundle.default_locale, "fr");
  ASSERT_EQ(bundle.files.size(), 3U);
  EXPECT_EQ(bundle.files[0], (File{"config.json", Digest::of("{}"), 2, "json_config", "", "", "application/json",
                                   "section7/v1.0.0/config.json"}));
  EXPECT_EQ(bundle.files[1], (File{"prompts/system.fr.md", Digest::of("s"), 1, "prompt_system", "fr", "system",
                                   "text/markdown", "section7/v1.0.0/prompts/system.fr.md"}));
  EXPECT_EQ(bundle.files[2].path, "section7_master.md");
}

TEST(MakeBundle, GivesNoStoragePathsBeforeTheVersionIsKnown) {
  auto manifest = parse_manifest(section7).value();
  manifest.version.clear();
  EXPECT_EQ(make_bundle(manifest, found_files()).value().files[0].storage_path, "");
}

TEST(MakeBundle, APromptThatIsAnArtifactTooIsThatFileWithARole) {
  const auto manifest =
      parse_manifest(R"({"artifacts": [{"kind": "master_prompt", "path": "section7_master.md", "locale": "fr"}],
    "prompts": [{"role": "user", "path": "section7_master.md", "locale": "fr"}]})");
  const auto bundle = make_bundle(manifest.value(), found_files()).value();
  ASSERT_EQ(bundle.files.size(), 1U);
  EXPECT_EQ(bundle.files[0].kind, "master_prompt");
  EXPECT_EQ(bundle.files[0].role, "user");
}

std::string bundle_error(std::string_view manifest, const std::vector<FoundFile>& found = found_files()) {
  const auto bundle = make_bundle(parse_manifest(manifest).value(), found);
  return bundle ? "no error" : bundle.error().reason() + " | " + bundle.error().text();
}

TEST(MakeBundle, RefusesWhatTheFilesDoNotBearOut) {
  EXPECT_EQ(bundle_error(R"({"artifacts": [{"kind": "a", "path": "gone.md"}]})"),
            "file_missing | 'gone.md' is listed in manifest.json and is not there\nhint: add the file or take it off "
            "the list");
  EXPECT_EQ(bundle_error(R"({"artifacts": [{"kind": "a", "path": "config.json", "size": 3}]})"),
            "size_mismatch | 'config.json' has 2 bytes, manifest.json says 3");
  EXPECT_EQ(bundle_error(R"({"artifacts": [{"kind": "a", "path": "notes.txt",
              "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]})"),
            "digest_mismatch | 'notes.txt' has sha256 " + Digest::of("notes").hex() +
                ", manifest.json says ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(MakeBundle, RefusesPathsThatCannotBeTogether) {
  EXPECT_EQ(bundle_error(R"({"artifacts": [{"kind": "a", "path": "notes.txt"}, {"kind": "b", "path": "notes.txt"}]})"),
            "path_twice | 'notes.txt': two files must not have the same path");
  EXPECT_EQ(
      bundle_error(R"({"prompts": [{"role": "user", "path": "notes.txt"}, {"role": "system", "path": "notes.txt"}]})"),
      "path_twice | 'notes.txt': two files must not have the same path");
  EXPECT_EQ(bundle_error(R"({"artifacts": [{"kind": "a", "path": "notes.txt"}],
              "prompts": [{"role": "user", "path": "notes.txt"}, {"role": "system", "path": "notes.txt"}]})"),
            "path_twice | 'notes.txt' is listed twice");
  EXPECT_EQ(bundle_error(R"({"artifacts": [{"kind": "a", "path": "notes.txt", "locale": "fr"}],
              "prompts": [{"role": "user", "path": "notes.txt"}]})"),
            "locale_mismatch | 'notes.txt' has locale 'fr' as an artifact and '' as a prompt");
  EXPECT_EQ(bundle_error(R"({"artifacts": [{"kind": "a", "path": "../up"}]})", {{"../up", 1, Digest::of("x")}}),
            "path_dotdot | '../up': a path must not contain '.' or '..' as a segment");
}

}  // namespace
}  // namespace bundlesync::bundle
