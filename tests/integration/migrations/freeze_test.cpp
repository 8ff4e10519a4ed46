#include "database.hpp"

#include <fmt/format.h>

#include <future>
#include <thread>

namespace bundlesync::tests {
namespace {

struct Freeze : ::testing::Test {
  Freeze() { database.add_bundle(1, "section7"); }

  std::string frozen(int version) {
    return database.one(fmt::format(
        "select frozen_at is not null from bundlesync.version_state where version_id = '{}'", uuid(version)));
  }
  std::string recorded(int version) {
    return database.one(
        fmt::format("select manifest_sha256 from bundlesync.version_state where version_id = '{}'", uuid(version)));
  }
  /// Waits until some session waits for a lock; false after ten seconds.
  bool somebody_waits() {
    for (int i = 0; i < 1000; ++i) {
      if (database.one("select count(*) from pg_catalog.pg_stat_activity where wait_event_type = 'Lock' "
                       "and datname = pg_catalog.current_database()") != "0") {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  const std::string insert_into_12 = fmt::format(
      "insert into public.artifacts (template_version_id, kind, storage_path, sha256, size_bytes, content_type) "
      "values ('{}', 'text', 'section7/v1.1.0/late.md', '{}', 1, 'text/plain')",
      uuid(12), digest_of('c'));
  const std::string move_to_12 =
      fmt::format("update public.templates set default_version_id = '{}' where id = '{}'", uuid(12), uuid(1));
  Database database;
};

TEST_F(Freeze, TheSeedsOrderWorks) {
  // add_bundle did it: a stable version, then its artifacts, then the default.
  EXPECT_EQ(frozen(11), "t");
  EXPECT_EQ(recorded(11), database.one(fmt::format("select bundlesync.manifest_sha256('{}')", uuid(11))));
  EXPECT_EQ(frozen(12), "f");
  EXPECT_EQ(recorded(12), "null");
}

TEST_F(Freeze, FromDraftToStableFreezes) {
  database.add_version(13, 1, "2.0.0", "draft");
  database.add_artifact(13, "section7/v2.0.0/text.md");
  database.run(fmt::format("update public.template_versions set changelog = 'x' where id = '{}'", uuid(13)));
  EXPECT_EQ(frozen(13), "f");
  database.run(fmt::format("update public.template_versions set status = 'stable' where id = '{}'", uuid(13)));
  EXPECT_EQ(frozen(13), "t");
  EXPECT_EQ(recorded(13).size(), 64U);
}

TEST_F(Freeze, NothingOfAFrozenVersionChanges) {
  database.add_prompt(12, "user", "section7/v1.1.0/prompt.md");
  database.set_default(1, 12);
  const auto frozen_error = [](const std::string& what, int version) {
    return fmt::format("{} of version {} must not change: version_frozen", what, uuid(version));
  };
  const auto where = fmt::format(" where template_version_id = '{}'", uuid(12));
  EXPECT_EQ(database.refusal(insert_into_12), frozen_error("an artifact", 12));
  EXPECT_EQ(database.refusal("update public.artifacts set locale = 'fr'" + where), frozen_error("an artifact", 12));
  EXPECT_EQ(database.refusal("delete from public.artifacts" + where), frozen_error("an artifact", 12));
  EXPECT_EQ(database.refusal("update public.prompts set locale = 'fr'" + where), frozen_error("a prompt", 12));
  EXPECT_EQ(database.refusal("delete from public.prompts" + where), frozen_error("a prompt", 12));
  EXPECT_EQ(database.refusal(fmt::format("insert into public.prompts (template_version_id, role, storage_path, sha256) "
                                         "values ('{}', 'user', 'p', '{}')",
                                         uuid(12), digest_of('a'))),
            frozen_error("a prompt", 12));
  // Nor may a row move out of it or into it.
  EXPECT_EQ(database.refusal(fmt::format("update public.artifacts set template_version_id = '{}'", uuid(12)) +
                             fmt::format(" where template_version_id = '{}'", uuid(11))),
            frozen_error("an artifact", 11));
  const auto version = fmt::format(" where id = '{}'", uuid(12));
  EXPECT_EQ(database.refusal("update public.template_versions set semver = '9.0.0'" + version),
            frozen_error("the id, semver or template", 12));
  EXPECT_EQ(database.refusal("update public.template_versions set status = 'draft'" + version),
            frozen_error("the status", 12));
  EXPECT_EQ(database.refusal("update public.template_versions set status = 'deprecated', changelog = 'old'" + version),
            "done");
}

TEST_F(Freeze, ItsStateIsAsFrozenAsItsRows) {
  const auto state = [](const std::string& set) {
    return fmt::format("update bundlesync.version_state set {} where version_id = '{}'", set, uuid(11));
  };
  const auto refused = fmt::format("the state of version {} must not change: version_frozen", uuid(11));
  EXPECT_EQ(database.refusal(state("frozen_at = null")), refused);
  EXPECT_EQ(database.refusal(state("manifest_sha256 = '" + digest_of('0') + "'")), refused);
  EXPECT_EQ(database.refusal("delete from bundlesync.version_state where version_id = '" + uuid(11) + "'"), refused);
  EXPECT_EQ(database.refusal(state("claim = null, source_commit = 'abc', signature = 'sig'")), "done");
  EXPECT_EQ(database.desired("section7", "{version,signature}"), "sig");
}

TEST_F(Freeze, PruneIsTheOnlyWayOutAndSparesDefaults) {
  database.set_default(1, 12);
  const auto remove = fmt::format("delete from public.template_versions where id = '{}'", uuid(12));
  EXPECT_EQ(database.refusal(fmt::format("select bundlesync.prune('{}')", uuid(12))),
            fmt::format("version {} is the default of template 'section7': version_is_default", uuid(12)));
  database.set_default(1, 11);
  EXPECT_NE(database.refusal(remove), "done");
  EXPECT_EQ(database.one(fmt::format("select bundlesync.prune('{}')", uuid(12))), "t");
  EXPECT_EQ(database.one(fmt::format("select bundlesync.prune('{}')", uuid(12))), "f");
  EXPECT_EQ(database.all("select semver from public.template_versions"), "1.0.0");
  EXPECT_EQ(database.one("select count(*) from public.artifacts"), "1");
  EXPECT_EQ(database.one("select count(*) from bundlesync.version_state"), "1");
  EXPECT_EQ(database.one("select count(*) from bundlesync.pruning"), "0");
  EXPECT_EQ(database.desired("section7", "{previous}"), "null");  // what is gone cannot be prefetched
}

TEST_F(Freeze, ADraftGoesWithoutCeremony) {
  database.add_version(13, 1, "2.0.0", "draft");
  database.add_artifact(13, "section7/v2.0.0/text.md");
  database.run(
      fmt::format("delete from public.artifacts where template_version_id = '{0}'; "
                  "delete from public.template_versions where id = '{0}'",
                  uuid(13)));
  EXPECT_EQ(frozen(13), "no row");
}

TEST_F(Freeze, AnOpenInsertIsWaitedForAndCounted) {
  auto writer = database.connect();
  auto mover = database.connect();
  ASSERT_TRUE(writer.exec("begin"));
  ASSERT_TRUE(writer.exec(insert_into_12));
  auto moved = std::async(std::launch::async, [&] { return outcome(mover, move_to_12); });
  ASSERT_TRUE(somebody_waits());
  ASSERT_TRUE(writer.exec("commit"));
  EXPECT_EQ(moved.get(), "done");
  EXPECT_EQ(database.desired("section7", "{version,files,0,path}"), "late.md");
  EXPECT_EQ(recorded(12), database.one(fmt::format("select bundlesync.manifest_sha256('{}')", uuid(12))));
}

TEST_F(Freeze, AnInsertThatMeetsAnOpenFreezeIsRefused) {
  for (const auto* isolation : {"read committed", "repeatable read"}) {
    auto mover = database.connect();
    auto writer = database.connect();
    ASSERT_TRUE(writer.exec(fmt::format("begin isolation level {}", isolation)));
    ASSERT_TRUE(writer.exec("select 1 from public.artifacts"));  // takes its snapshot before the freeze
    ASSERT_TRUE(mover.exec("begin"));
    ASSERT_TRUE(mover.exec(move_to_12));
    auto inserted = std::async(std::launch::async, [&] { return outcome(writer, insert_into_12); });
    ASSERT_TRUE(somebody_waits());
    ASSERT_TRUE(mover.exec("commit"));
    const auto fact = inserted.get();
    EXPECT_EQ(fact, std::string(isolation) == "read committed"
                        ? fmt::format("an artifact of version {} must not change: version_frozen", uuid(12))
                        : "could not serialize access due to concurrent update");
    ASSERT_TRUE(writer.exec("rollback"));
    EXPECT_EQ(
        database.one(fmt::format("select count(*) from public.artifacts where template_version_id = '{}'", uuid(12))),
        "1");
    // Once more, with a version that is not frozen yet.
    database.set_default(1, 11);
    database.run(fmt::format("select bundlesync.prune('{}')", uuid(12)));
    database.add_version(12, 1, "1.1.0");
    database.add_artifact(12, "section7/v1.1.0/text.md", 'b');
  }
}

TEST_F(Freeze, AVersionDoesNotGoBackToDraftUnderAMove) {
  auto changer = database.connect();
  auto mover = database.connect();
  ASSERT_TRUE(changer.exec("begin"));
  ASSERT_TRUE(
      changer.exec(fmt::format("update public.template_versions set status = 'draft' where id = '{}'", uuid(12))));
  auto moved = std::async(std::launch::async, [&] { return outcome(mover, move_to_12); });
  ASSERT_TRUE(somebody_waits());
  ASSERT_TRUE(changer.exec("commit"));
  EXPECT_EQ(moved.get(), "version 1.1.0 of template 'section7' is a draft: version_draft");
}

}  // namespace
}  // namespace bundlesync::tests
