#include "bundle/bundle.hpp"

#include "support/manifest_vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bundlesync::bundle {
namespace {

std::vector<File> files_of(const tests::ManifestVector& vector) {
  std::vector<File> files;
  for (const auto& from : vector.files) {
    auto& file = files.emplace_back();
    file.path = from.path;
    file.sha256 = Digest::parse(from.sha256).value();
    if (from.size) file.size = static_cast<std::uint64_t>(*from.size);
    file.kind = from.kind;
    file.locale = from.locale;
    file.role = from.role;
  }
  return files;
}

TEST(Manifest, GivesTheDigestsThatSqlGives) {
  ASSERT_EQ(tests::manifest_vectors().size(), 3U);
  for (const auto& vector : tests::manifest_vectors()) {
    EXPECT_EQ(manifest_digest(files_of(vector)).hex(), vector.manifest_sha256) << vector.name;
  }
}

TEST(Manifest, DoesNotDependOnTheOrderOfFiles) {
  auto files = files_of(tests::manifest_vectors().back());
  const auto before = files;
  const auto digest = manifest_digest(files);
  EXPECT_EQ(files, before);
  std::ranges::reverse(files);
  EXPECT_EQ(manifest_digest(files), digest);
}

TEST(Manifest, IsTheDocumentedText) {
  const auto text = canonical_manifest(files_of(tests::manifest_vectors()[1]));
  EXPECT_EQ(text,
            "bundlesync-manifest-v1\n"
            "config.json\tfcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9\t0\tjson_config\t\t\n"
            "prompts/user.md\t2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\t\t\t\tuser");
  EXPECT_EQ(canonical_manifest({}), "bundlesync-manifest-v1\n");
}

TEST(Manifest, EveryCanonicalFieldCountsAndNoOther) {
  const auto files = files_of(tests::manifest_vectors()[0]);
  const auto digest = manifest_digest(files);
  const auto changed = [&](auto change) {
    auto copy = files;
    change(copy[0]);
    return manifest_digest(copy) != digest;
  };
  EXPECT_TRUE(changed([](File& f) { f.path = "x"; }));
  EXPECT_TRUE(changed([](File& f) { f.sha256 = Digest::of("x"); }));
  EXPECT_TRUE(changed([](File& f) { f.size = 5; }));
  EXPECT_TRUE(changed([](File& f) { f.size.reset(); }));
  EXPECT_TRUE(changed([](File& f) { f.kind = "x"; }));
  EXPECT_TRUE(changed([](File& f) { f.locale = "en"; }));
  EXPECT_TRUE(changed([](File& f) { f.role = "user"; }));
  EXPECT_FALSE(changed([](File& f) { f.content_type = "x/y"; }));
  EXPECT_FALSE(changed([](File& f) { f.storage_path = "x"; }));
}

TEST(Bundle, CountsBytesAndCannotOverflow) {
  std::vector<File> files(3);
  files[0].size = 10;
  files[1].size = 5;
  EXPECT_EQ(total_bytes(files, 100), 115U);
  EXPECT_EQ(total_bytes({}, 100), 0U);
  files[0].size = UINT64_MAX;
  EXPECT_EQ(total_bytes(files, 100), UINT64_MAX);
}

TEST(Bundle, NamesTreesAndObjects) {
  EXPECT_EQ(tree_name("1.0.1", Digest::of("abc")), "1.0.1-ba7816bf8f01");
  EXPECT_EQ(tree_name("filesystem", Digest::of("abc")), "filesystem-ba7816bf8f01");
  EXPECT_EQ(storage_path("section7", "1.0.1", "prompts/a.md"), "section7/v1.0.1/prompts/a.md");
}

}  // namespace
}  // namespace bundlesync::bundle
