#include "bundle/path_rules.hpp"
#include "database.hpp"
#include "support/name_corpus.hpp"

#include <fmt/format.h>

namespace bundlesync::tests {
namespace {

TEST(Rules, TheDatabaseSaysWhatTheProgramSays) {
  Database database;
  const auto verdict = [&](std::string_view function, const std::string& text) {
    const auto said =
        value_of(database.session().exec(fmt::format("select bundlesync.{}($1::text)", function), {text}));
    return said.value(0, 0).value_or("");
  };
  const auto ours = [](std::optional<std::string_view> code) { return std::string(code.value_or("")); };
  for (const auto& [text, code] : path_corpus()) {
    EXPECT_EQ(verdict("path_problem", text), code) << text;
    EXPECT_EQ(ours(bundle::path_problem(text)), code) << text;
  }
  for (const auto& [text, code] : name_corpus()) {
    EXPECT_EQ(verdict("name_problem", text), code) << text;
    EXPECT_EQ(ours(bundle::name_problem(text)), code) << text;
  }
  for (const auto& [text, code] : semver_corpus()) {
    EXPECT_EQ(verdict("semver_problem", text), code) << text;
    EXPECT_EQ(ours(bundle::semver_problem(text)), code) << text;
  }
}

TEST(Rules, DigestsSizesKindsAndLocales) {
  Database database;
  EXPECT_EQ(database.all(fmt::format("select bundlesync.sha256_problem('{}'), bundlesync.sha256_problem('{}'), "
                                     "bundlesync.sha256_problem('{}'), bundlesync.sha256_problem(''), "
                                     "bundlesync.sha256_problem(null)",
                                     digest_of('a'), digest_of('A'), digest_of('g'))),
            "null|null|sha256_invalid|sha256_invalid|sha256_invalid");
  EXPECT_EQ(database.all("select bundlesync.size_problem(0), bundlesync.size_problem(2147483648), "
                         "bundlesync.size_problem(-1), bundlesync.size_problem(null)"),
            "null|null|size_invalid|size_invalid");
  EXPECT_EQ(database.all("select bundlesync.kind_problem('master_prompt'), bundlesync.kind_problem('A'), "
                         "bundlesync.kind_problem(''), bundlesync.kind_problem(repeat('a', 65))"),
            "null|kind_invalid|kind_invalid|kind_invalid");
  EXPECT_EQ(database.all("select bundlesync.locale_problem('fr'), bundlesync.locale_problem(null), "
                         "bundlesync.locale_problem('de')"),
            "null|null|locale_invalid");
}

/// The first problem of a version with these paths, as "code path".
std::string bundle_verdict(Database& database, const std::vector<std::string>& paths) {
  static int next = 100;
  const int version = ++next;
  database.add_version(version, 1, fmt::format("1.0.{}", version));
  for (const auto& path : paths) database.add_artifact(version, fmt::format("t/v1.0.{}/{}", version, path));
  return database.all(fmt::format("select reason, path from bundlesync.bundle_problem('{}')", uuid(version)));
}

TEST(Rules, PathsAreJudgedTogether) {
  Database database;
  database.add_template(1, "t");
  const std::vector<std::vector<std::string>> sets = {{"a/b", "a-b", "a.b", "ab"},
                                                      {"a", "b", "a"},
                                                      {"readme.md", "README.md"},
                                                      {"a", "a/b"},
                                                      {"a/b/c", "a/b"},
                                                      {"a", "a-x", "a/b"},
                                                      {"A/b", "a"},
                                                      {"A/b", "a/c"},
                                                      {}};
  for (const auto& paths : sets) {
    std::vector<bundle::File> files;
    for (const auto& path : paths) files.emplace_back().path = path;
    const auto ours = bundle::bundle_problem(files);
    EXPECT_EQ(bundle_verdict(database, paths), ours ? ours->reason + "|" + ours->path : "");
  }
}

TEST(Rules, APathIsWhatFollowsItsPlaceElseTheBaseNameElseTheWhole) {
  Database database;
  database.add_template(1, "t");
  database.add_version(11, 1, "1.0.0");
  for (const auto* path : {"t/v1.0.0/dir/in_place.md", "other/alone.md", "x/twin.md", "y/twin.md"}) {
    database.add_artifact(11, path);
  }
  const auto paths = [&] {
    return database.all(
        fmt::format("select path from bundlesync.version_files(array['{}'::uuid]) order by path collate "
                    "\"C\"",
                    uuid(11)));
  };
  EXPECT_EQ(paths(), "alone.md\ndir/in_place.md\nx/twin.md\ny/twin.md");
  // Once frozen, no renaming of the template moves a file.
  database.set_default(1, 11);
  const auto manifest = database.one("select bundlesync.manifest_sha256(version_id) from bundlesync.version_state");
  database.run("update public.templates set name = 'renamed'");
  EXPECT_EQ(paths(), "alone.md\ndir/in_place.md\nx/twin.md\ny/twin.md");
  EXPECT_EQ(database.one("select bundlesync.manifest_sha256(version_id) from bundlesync.version_state"), manifest);
}

}  // namespace
}  // namespace bundlesync::tests
