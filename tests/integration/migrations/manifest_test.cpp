#include "bundle/bundle.hpp"
#include "database.hpp"
#include "support/manifest_vectors.hpp"

#include <fmt/format.h>

namespace bundlesync::tests {
namespace {

/// Puts the files of a vector into a version of its own, prompts without an artifact as such, and gives its digest.
std::string digest_in_database(Database& database, const ManifestVector& vector, int version) {
  const auto semver = fmt::format("1.0.{}", version);
  const auto nullable = [](const std::string& text) {
    return text.empty() ? catalog::Parameter() : catalog::Parameter(text);
  };
  database.add_version(version, 1, semver);
  for (const auto& file : vector.files) {
    const auto place = fmt::format("t/v{}/{}", semver, file.path);
    if (file.size) {
      (void)value_of(database.session().exec(
          "insert into public.artifacts (template_version_id, kind, storage_path, sha256, size_bytes, content_type, "
          "locale) "
          "values ($1::uuid, $2, $3, $4, $5::integer, 'text/plain', $6)",
          {uuid(version), file.kind, place, file.sha256, std::to_string(*file.size), nullable(file.locale)}));
    }
    if (!file.role.empty()) {
      (void)value_of(database.session().exec(
          "insert into public.prompts (template_version_id, role, locale, storage_path, sha256) "
          "values ($1::uuid, $2, $3, $4, $5)",
          {uuid(version), file.role, nullable(file.locale), place, file.sha256}));
    }
  }
  return database.one(fmt::format("select bundlesync.manifest_sha256('{}')", uuid(version)));
}

TEST(Manifest, TheDatabaseComputesTheThreeVectors) {
  Database database;
  database.add_template(1, "t");
  int version = 100;
  ASSERT_EQ(manifest_vectors().size(), 3U);
  for (const auto& vector : manifest_vectors()) {
    EXPECT_EQ(digest_in_database(database, vector, ++version), vector.manifest_sha256) << vector.name;
  }
}

TEST(Manifest, NoFilesAndNoVersion) {
  Database database;
  database.add_template(1, "t");
  database.add_version(11, 1, "1.0.0");
  EXPECT_EQ(database.one(fmt::format("select bundlesync.manifest_sha256('{}')", uuid(11))),
            bundle::manifest_digest({}).hex());
  EXPECT_EQ(database.one(fmt::format("select bundlesync.manifest_sha256('{}')", uuid(12))), "null");
}

TEST(Manifest, UpperCaseDigestsCountAsLowerCase) {
  Database database;
  database.add_template(1, "t");
  database.add_version(11, 1, "1.0.0");
  database.add_artifact(11, "t/v1.0.0/x", 'a');
  const auto digest = fmt::format("select bundlesync.manifest_sha256('{}')", uuid(11));
  const auto lower = database.one(digest);
  database.run("update public.artifacts set sha256 = upper(sha256)");
  EXPECT_EQ(database.one(digest), lower);
}

}  // namespace
}  // namespace bundlesync::tests
