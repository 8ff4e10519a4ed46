#include "database.hpp"

#include <fmt/format.h>

namespace bundlesync::tests {
namespace {

struct Guards : ::testing::Test {
  Guards() { database.add_bundle(1, "section7"); }

  std::string insert_artifact(const std::string& path, const std::string& sha256 = digest_of('a'),
                              const std::string& size = "1", const std::string& kind = "text") {
    return database.refusal(
        fmt::format("insert into public.artifacts (template_version_id, kind, storage_path, sha256, size_bytes, "
                    "content_type) values ('{}', '{}', '{}', '{}', {}, 'text/plain')",
                    uuid(12), kind, path, sha256, size));
  }

  Database database;
};

TEST_F(Guards, NamesAndVersionsAreJudgedWhenTheyAreWritten) {
  EXPECT_EQ(database.refusal("insert into public.templates (name) values ('a b')"),
            "template name 'a b' is refused: name_character");
  EXPECT_EQ(database.refusal("update public.templates set name = '..data'"),
            "template name '..data' is refused: name_hidden");
  EXPECT_EQ(database.refusal(
                fmt::format("insert into public.template_versions (template_id, semver) values ('{}', 'v2')", uuid(1))),
            "version 'v2' is refused: semver_invalid");
  EXPECT_EQ(database.refusal(fmt::format("update public.template_versions set semver = '1' where id = '{}'", uuid(12))),
            "version '1' is refused: semver_invalid");
}

TEST_F(Guards, FilesAreJudgedWhenTheyAreWritten) {
  EXPECT_EQ(insert_artifact("section7/v1.1.0/../x"), "storage path 'section7/v1.1.0/../x' is refused: path_dotdot");
  EXPECT_EQ(insert_artifact("section7/v1.1.0//x"), "storage path 'section7/v1.1.0//x' is refused: path_absolute");
  EXPECT_EQ(insert_artifact("/x"), "storage path '/x' is refused: path_absolute");
  EXPECT_EQ(insert_artifact("../x"), "storage path '../x' is refused: path_dotdot");
  EXPECT_EQ(insert_artifact(""), "storage path '' is refused: path_empty");
  EXPECT_EQ(insert_artifact("section7/v1.1.0/" + std::string(201, 'a')),
            "storage path '" + ("section7/v1.1.0/" + std::string(201, 'a')) + "' is refused: path_too_long");
  EXPECT_EQ(insert_artifact("section7/v1.1.0/x", "abc"), "sha256 'abc' is refused: sha256_invalid");
  EXPECT_EQ(insert_artifact("section7/v1.1.0/x", digest_of('a'), "-1"), "size '-1' is refused: size_invalid");
  EXPECT_EQ(insert_artifact("section7/v1.1.0/x", digest_of('a'), "1", "A b"), "kind 'A b' is refused: kind_invalid");
  EXPECT_EQ(insert_artifact("section7/v1.1.0/" + std::string(100, 'a') + "/" + std::string(99, 'a')), "done");
  // A change of one column is judged like an insert.
  const auto update = "update public.artifacts set {} where template_version_id = '" + uuid(12) + "'";
  EXPECT_EQ(database.refusal(fmt::format(fmt::runtime(update), "size_bytes = -2")),
            "size '-2' is refused: size_invalid");
  EXPECT_EQ(database.refusal(fmt::format(fmt::runtime(update), "content_type = 'a/b'")), "done");
}

TEST_F(Guards, PromptsAreJudgedWhenTheyAreWritten) {
  const auto insert = [&](const std::string& path, const std::string& sha256, const std::string& locale) {
    return database.refusal(
        fmt::format("insert into public.prompts (template_version_id, role, locale, storage_path, sha256) "
                    "values ('{}', 'user', '{}', '{}', '{}')",
                    uuid(12), locale, path, sha256));
  };
  EXPECT_EQ(insert("..", digest_of('a'), "fr"), "storage path '..' is refused: path_dotdot");
  EXPECT_EQ(insert("p.md", "x", "fr"), "sha256 'x' is refused: sha256_invalid");
  EXPECT_EQ(insert("p.md", digest_of('a'), "de"), "locale 'de' is refused: locale_invalid");
  EXPECT_EQ(insert("p.md", digest_of('A'), "fr"), "done");
}

TEST_F(Guards, TheErrorCarriesTheCodeForPrograms) {
  const auto refused = database.session().exec("insert into public.templates (name) values ('a b')");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::refused);
  EXPECT_EQ(refused.error().reason(), "name_character");
  EXPECT_EQ(refused.error().hints(),
            std::vector<std::string>{"the rules are in the functions of schema bundlesync that end in _problem"});
}

TEST_F(Guards, ADefaultIsAFinishedVersionOfTheSameTemplate) {
  database.add_bundle(2, "intake");
  database.add_version(13, 1, "2.0.0-rc.1", "draft");
  const auto move = [&](int version) {
    return database.refusal(
        fmt::format("update public.templates set default_version_id = '{}' where id = '{}'", uuid(version), uuid(1)));
  };
  EXPECT_EQ(move(21),
            fmt::format("version {} (1.0.0) belongs to another template than 'section7': default_of_other_template",
                        uuid(21)));
  EXPECT_EQ(move(13), "version 2.0.0-rc.1 of template 'section7' is a draft: version_draft");
  EXPECT_EQ(move(99).find("insert or update on table \"templates\" violates foreign key constraint"), 0U);
  EXPECT_EQ(move(12), "done");
  EXPECT_EQ(move(11), "done");
}

TEST_F(Guards, ABundleThatCannotBeADirectoryNeverFreezes) {
  const auto verdict = [&](const std::string& first, const std::string& second) {
    static int id = 100;
    ++id;
    const auto semver = fmt::format("3.0.{}", id);
    database.add_version(id, 1, semver);
    database.add_artifact(id, fmt::format("section7/v{}/{}", semver, first));
    database.add_artifact(id, fmt::format("section7/v{}/{}", semver, second));
    const auto fact = database.refusal(
        fmt::format("update public.templates set default_version_id = '{}' where id = '{}'", uuid(id), uuid(1)));
    EXPECT_EQ(
        database.one(fmt::format("select frozen_at from bundlesync.version_state where version_id = '{}'", uuid(id))),
        "null");
    return fact.substr(fact.find("cannot"));
  };
  EXPECT_EQ(verdict("a", "a"), "cannot be frozen: path 'a': path_twice");
  EXPECT_EQ(verdict("a", "A"), "cannot be frozen: path 'a': path_case_twin");
  EXPECT_EQ(verdict("a", "a/b"), "cannot be frozen: path 'a/b': path_under_file");
  EXPECT_EQ(database.desired("section7", "{version,semver}"), "1.0.0");
}

TEST_F(Guards, TruncateIsRefusedOnEveryTable) {
  for (const auto* table : {"public.templates", "public.template_versions", "public.artifacts", "public.prompts",
                            "bundlesync.version_state", "bundlesync.default_history"}) {
    const auto fact = database.refusal(fmt::format("truncate {} cascade", table));
    EXPECT_EQ(fact.substr(fact.rfind(':')), ": truncate_refused") << table;
  }
}

TEST_F(Guards, OnesThatAreMissingAreNamed) {
  EXPECT_EQ(database.one("select document -> 'problems' from bundlesync.desired()"), "[]");
  database.run(
      "drop trigger bundlesync_update on public.templates; "
      "alter table public.artifacts disable trigger bundlesync_guard");
  EXPECT_EQ(database.one("select document -> 'problems' from bundlesync.desired()"),
            "[\"trigger_missing public.artifacts bundlesync_guard\", "
            "\"trigger_missing public.templates bundlesync_update\"]");
}

TEST_F(Guards, ReplicationGoesPastThemAndTheAnswerSaysWhatIsWrong) {
  database.add_version(13, 1, "2.0.0", "draft");
  database.run("set session_replication_role = replica");
  database.set_default(1, 13);
  database.add_artifact(13, "section7/v2.0.0/../x", 'c', "text", -1);
  database.run("insert into public.templates (id, name) values ('" + uuid(3) + "', 'unseen')");
  database.run("set session_replication_role = origin");
  EXPECT_EQ(database.desired("section7", "{version,problem}"), "version_draft");
  EXPECT_EQ(database.desired("section7", "{version,files,0,path}"), "../x");
  EXPECT_EQ(database.desired("section7", "{version,files,0,size}"), "-1");
  EXPECT_EQ(database.desired("unseen", "{generation}"), "0");
}

}  // namespace
}  // namespace bundlesync::tests
