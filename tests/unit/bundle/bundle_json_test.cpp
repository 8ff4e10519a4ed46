#include "bundle/bundle_json.hpp"

#include <gtest/gtest.h>

namespace bundlesync::bundle {
namespace {

Bundle example() {
  Bundle bundle;
  bundle.template_name = "section7";
  bundle.version = "1.0.1";
  bundle.default_locale = "fr";
  bundle.files.push_back(File{"a.md", Digest::of("abc"), 3, "master_prompt", "fr", "", "text/markdown", ""});
  bundle.files.push_back(File{"prompts/user.md", Digest::of("u"), std::nullopt, "", "", "user", "", ""});
  return bundle;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string error_of(const std::string& text) {
  const auto bundle = bundle_from_json(text);
  return bundle ? "no error" : bundle.error().reason() + " | " + bundle.error().text();
}

TEST(BundleJson, ComesBackAsItWas) {
  EXPECT_EQ(bundle_from_json(bundle_to_json(example())).value(), example());
  auto with_paths = example();
  with_paths.files[0].storage_path = "section7/v1.0.1/a.md";
  EXPECT_EQ(bundle_from_json(bundle_to_json(with_paths)).value(), example());
  auto bare = example();
  bare.version = "filesystem";
  bare.default_locale.clear();
  EXPECT_EQ(bundle_from_json(bundle_to_json(bare)).value(), bare);
  bare.files.clear();
  EXPECT_EQ(bundle_from_json(bundle_to_json(bare)).value(), bare);
}

TEST(BundleJson, IsTheDocumentedText) {
  auto bundle = example();
  bundle.files.pop_back();
  EXPECT_EQ(bundle_to_json(bundle),
            "{\n  \"template\": \"section7\",\n  \"version\": \"1.0.1\",\n  \"manifest_sha256\": \"" +
                manifest_digest(bundle.files).hex() +
                "\",\n  \"default_locale\": \"fr\",\n  \"files\": [\n    {\n      \"path\": \"a.md\",\n"
                "      \"kind\": \"master_prompt\",\n      \"locale\": \"fr\",\n      \"role\": null,\n"
                "      \"content_type\": \"text/markdown\",\n"
                "      \"sha256\": \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\n"
                "      \"size\": 3\n    }\n  ]\n}\n");
}

TEST(BundleJson, SortsFilesBytewise) {
  auto bundle = example();
  std::swap(bundle.files[0], bundle.files[1]);
  EXPECT_EQ(bundle_to_json(bundle), bundle_to_json(example()));
}

TEST(BundleJson, NoticesAnEditedList) {
  const auto text = bundle_to_json(example());
  const auto edited = replaced(text, "\"size\": 3", "\"size\": 4");
  const auto result = bundle_from_json(edited);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind(), ErrorKind::damaged);
  EXPECT_EQ(result.error().reason(), "manifest_changed");
  auto other = example();
  other.files[0].size = 4;
  EXPECT_EQ(result.error().text(), ".bundle.json: manifest_sha256 is " + manifest_digest(example().files).hex() +
                                       ", its files make " + manifest_digest(other.files).hex());
}

TEST(BundleJson, RefusesWhatANeighbourMayWrite) {
  const auto text = bundle_to_json(example());
  EXPECT_EQ(error_of(replaced(text, "a.md", "../a.md")),
            "path_dotdot | .bundle.json: '../a.md': a path must not contain '.' or '..' as a segment");
  EXPECT_EQ(error_of(replaced(text, "\"section7\"", "\"../up\"")),
            "name_hidden | .bundle.json: template '../up': a template's name must not begin with '.'");
  EXPECT_EQ(error_of(replaced(text, "\"1.0.1\"", "\"1/2\"")),
            "version_invalid | .bundle.json: version '1/2': a version is 1 to 64 of A-Z a-z 0-9 . + - and begins with "
            "a letter or digit");
  EXPECT_EQ(error_of(replaced(text, "a.md", "z.md")), "bundle_unsorted | .bundle.json: files are not sorted by path");
  EXPECT_EQ(error_of(replaced(text, "\"kind\"", "\"kidn\"")),
            "json_unknown_key | .bundle.json: files[0].kidn is not a known key\nhint: did you mean 'kind'?");
  EXPECT_EQ(error_of(replaced(text, "\"size\": 3", "\"size\": \"3\"")),
            "json_wrong_type | .bundle.json: files[0].size: expected a number, got a string");
  EXPECT_EQ(error_of(""), "json_invalid | .bundle.json:1:1: not json: incomplete JSON");
}

}  // namespace
}  // namespace bundlesync::bundle
