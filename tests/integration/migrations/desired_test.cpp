#include "database.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <map>
#include <random>
#include <thread>

namespace bundlesync::tests {
namespace {

struct Desired : ::testing::Test {
  Desired() {
    database.add_bundle(1, "section7");
    database.add_bundle(2, "intake");
  }
  /// Names in the answer, the first row apart.
  std::string names(const std::string& arguments) {
    return database.one("select coalesce(pg_catalog.string_agg(template, ' '), '') from bundlesync.desired(" +
                        arguments + ") where template is not null");
  }
  std::string since(const std::string& snapshot) { return names("null, '" + snapshot + "'"); }
  Database database;
};

TEST_F(Desired, TheFirstRowIsAboutTheAnswer) {
  EXPECT_EQ(database.all("select template, document ->> 'schema_version', document -> 'problems', "
                         "(document ->> 'epoch')::uuid = (select epoch from bundlesync.meta), "
                         "(document ->> 'server_started')::timestamptz = pg_catalog.pg_postmaster_start_time(), "
                         "document ->> 'snapshot' = pg_catalog.pg_current_snapshot()::text "
                         "from bundlesync.desired() limit 1"),
            "null|1|[]|t|t|t");
  EXPECT_EQ(database.one("select pg_catalog.string_agg(k, ' ' order by k) from bundlesync.desired('{}') d, "
                         "pg_catalog.jsonb_object_keys(d.document) k"),
            "epoch problems schema_version server_started snapshot");
}

TEST_F(Desired, ADocumentHasEverythingAnAgentNeeds) {
  database.add_prompt(12, "user", "section7/v1.1.0/text.md", 'b');
  database.add_prompt(12, "system", "section7/v1.1.0/alone.md", 'c');
  database.set_default(1, 12);
  const auto document = database.one(
      "select document - 'changed_at' - 'changed_xid' from bundlesync.desired('{section7}') "
      "where template is not null");
  const auto version = [&](const std::string& digest, const std::string& files, int id, const std::string& semver) {
    return fmt::format(R"({{"id": "{}", "files": [{}], "semver": "{}", "status": "stable", "problem": null, )"
                       R"("signature": null, "manifest_sha256": "{}"}})",
                       uuid(id), files, semver, digest);
  };
  const auto file = [](const std::string& kind, const std::string& path, const std::string& role,
                       const std::string& size, char digit, const std::string& type, const std::string& semver) {
    return fmt::format(R"({{"kind": {}, "path": "{}", "role": {}, "size": {}, "locale": null, "sha256": "{}", )"
                       R"("content_type": {}, "storage_path": "section7/v{}/{}"}})",
                       kind, path, role, size, digest_of(digit), type, semver, path);
  };
  const auto manifest = [&](int id) {
    return database.one(fmt::format("select bundlesync.manifest_sha256('{}')", uuid(id)));
  };
  const auto text = "\"text\"";
  const auto plain = "\"text/plain\"";
  EXPECT_EQ(document,
            fmt::format(R"({{"id": "{}", "name": "section7", "deleted": false, "enabled": true, "history": {}, )"
                        R"("problem": null, "version": {}, "previous": {}, "generation": 3}})",
                        uuid(1), database.one("select max(id) from bundlesync.default_history"),
                        version(manifest(12),
                                file("null", "alone.md", "\"system\"", "null", 'c', "null", "1.1.0") + ", " +
                                    file(text, "text.md", "\"user\"", "1", 'b', plain, "1.1.0"),
                                12, "1.1.0"),
                        version(manifest(11), file(text, "text.md", "null", "1", 'a', plain, "1.0.0"), 11, "1.0.0")));
  EXPECT_EQ(database.one("select document ->> 'changed_at' ~ '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z$' "
                         "from bundlesync.desired('{section7}') where template is not null"),
            "t");
}

TEST_F(Desired, OnlyWhatIsWantedAndAlsoWhatIsFollowedUnderAnotherName) {
  EXPECT_EQ(names("null"), "intake section7");
  EXPECT_EQ(names("'{section7,nothing}'"), "section7");
  EXPECT_EQ(names("'{}'"), "");
  const auto snapshot = database.snapshot();
  database.run("update public.templates set name = 'renamed' where name = 'section7'");
  EXPECT_EQ(names("'{section7}', '" + snapshot + "'"), "");
  EXPECT_EQ(names(fmt::format("'{{section7}}', '{}', '{{\"ids\": [\"{}\"]}}'", snapshot, uuid(1))), "renamed");
  EXPECT_EQ(names(fmt::format("'{{section7}}', null, '{{\"ids\": [\"{}\"]}}'", uuid(1))), "renamed");
}

TEST_F(Desired, EnabledNullIsTrueAndNoDefaultIsNoVersion) {
  database.run("update public.templates set enabled = null");
  EXPECT_EQ(database.desired("section7", "{enabled}"), "true");
  database.run("update public.templates set enabled = false, default_version_id = null");
  EXPECT_EQ(database.desired("section7", "{enabled}"), "false");
  EXPECT_EQ(database.desired("section7", "{version}"), "null");
  EXPECT_EQ(database.desired("section7", "{previous,semver}"), "1.0.0");
}

TEST_F(Desired, ThePreviousDefaultIsTheOneBefore) {
  EXPECT_EQ(database.desired("section7", "{previous}"), "null");
  database.set_default(1, 12);
  EXPECT_EQ(database.desired("section7", "{previous,semver}"), "1.0.0");
  database.set_default(1, 11);
  EXPECT_EQ(database.desired("section7", "{previous,semver}"), "1.1.0");
  database.add_version(13, 1, "1.2.0");
  database.set_default(1, 13);
  EXPECT_EQ(database.desired("section7", "{previous,semver}"), "1.0.0");
  database.run(fmt::format("select bundlesync.prune('{}')", uuid(11)));
  EXPECT_EQ(database.desired("section7", "{previous,semver}"), "1.1.0");
}

TEST_F(Desired, AnUnchangedAnswerIsOneRow) {
  const auto snapshot = database.snapshot();
  database.run("update public.templates set updated_at = now()");
  EXPECT_EQ(database.one("select count(*) from bundlesync.desired(null, '" + snapshot + "')"), "1");
  database.set_default(2, 22);
  EXPECT_EQ(since(snapshot), "intake");
  EXPECT_EQ(since(database.snapshot()), "");
}

TEST_F(Desired, WhatWasOpenAtTheSnapshotAndCommitsLaterIsNotMissed) {
  auto writer = database.connect();
  ASSERT_TRUE(writer.exec("begin"));
  ASSERT_TRUE(writer.exec(
      fmt::format("update public.templates set default_version_id = '{}' where id = '{}'", uuid(12), uuid(1))));
  database.set_default(2, 22);  // a younger transaction commits first
  const auto snapshot = database.snapshot();
  EXPECT_EQ(since(snapshot), "");
  ASSERT_TRUE(writer.exec("commit"));
  EXPECT_EQ(since(snapshot), "section7");
  EXPECT_EQ(since(database.snapshot()), "");
}

TEST_F(Desired, ATransactionIsSeenWholeOrNotAtAll) {
  const auto snapshot = database.snapshot();
  auto writer = database.connect();
  ASSERT_TRUE(writer.exec("begin"));
  for (const int id : {1, 2}) {
    ASSERT_TRUE(writer.exec(fmt::format("update public.templates set default_version_id = '{}' where id = '{}'",
                                        uuid(10 * id + 2), uuid(id))));
    EXPECT_EQ(since(snapshot), "");
  }
  ASSERT_TRUE(writer.exec("commit"));
  EXPECT_EQ(since(snapshot), "intake section7");
}

/// Writers that commit out of order, and one reader that only ever asks for what changed: in the end it knows all.
TEST_F(Desired, FollowedBySnapshotsNoChangeIsEverLost) {
  constexpr int templates = 8;
  for (int id = 3; id <= templates; ++id) database.add_bundle(id, fmt::format("t{}", id));
  std::atomic<int> writing = 3;
  const auto write = [&](unsigned seed) {
    auto session = database.connect();
    std::mt19937 random(seed);
    for (int i = 0; i < 60; ++i) {
      (void)session.exec("begin");
      // One writer a residue: no two wait for the same row, so they stay open side by side.
      for (int id = static_cast<int>(seed) + 1; id <= templates; id += 3) {
        (void)session.exec(fmt::format("update public.templates set default_version_id = '{}' where id = '{}'",
                                       uuid(10 * id + 1 + static_cast<int>(random() % 2)), uuid(id)));
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
      }
      (void)session.exec("commit");
    }
    --writing;
  };
  std::map<std::string, std::string> known;
  auto snapshot = database.snapshot();
  std::vector<std::thread> writers;
  for (unsigned seed = 0; seed < 3; ++seed) writers.emplace_back(write, seed);
  const auto ask = [&] {
    const auto rows = database.run(
        "select template, document #>> '{version,semver}', document ->> 'generation', "
        "document ->> 'snapshot' from bundlesync.desired(null, '" +
        snapshot + "')");
    for (std::size_t i = 1; i < rows.size(); ++i) {
      known[std::string(rows.text(i, 0))] = fmt::format("{} {}", rows.text(i, 1), rows.text(i, 2));
    }
    snapshot = rows.text(0, 3);
  };
  while (writing > 0) ask();
  for (auto& writer : writers) writer.join();
  ask();
  std::string text;
  for (const auto& [name, value] : known) text += name + " " + value + "\n";
  EXPECT_EQ(known.size(), static_cast<std::size_t>(templates));
  EXPECT_EQ(text,
            database.one("select pg_catalog.string_agg(template || ' ' || (document #>> '{version,semver}') || ' ' || "
                         "(document ->> 'generation') || E'\\n', '' order by template collate \"C\") "
                         "from bundlesync.desired() where template is not null"));
}

TEST_F(Desired, ANewEpochIsSeenByEveryQuestion) {
  const auto snapshot = database.snapshot();
  const auto before = database.one("select epoch from bundlesync.meta");
  EXPECT_EQ(database.refusal("select bundlesync.new_epoch(' ')"), "a new epoch needs a reason: reason_empty");
  const auto begun = database.one("select bundlesync.new_epoch('restored from last night')");
  EXPECT_NE(begun, before);
  EXPECT_EQ(database.one("select document ->> 'epoch' from bundlesync.desired(null, '" + snapshot + "')"), begun);
  EXPECT_EQ(database.one("select reason from bundlesync.meta"), "restored from last night");
  EXPECT_EQ(database.desired("section7", "{changed_xid}"), "null");
  EXPECT_EQ(database.desired("section7", "{generation}"), "2");
}

TEST_F(Desired, TenThousandTemplatesCostNothingWhenNothingChanged) {
  // Planted past the triggers, which take milliseconds each.
  database.run("set session_replication_role = replica");
  database.run("insert into public.templates (name) select 'many-' || n from pg_catalog.generate_series(1, 10000) n");
  database.run(
      "insert into public.template_versions (template_id, semver, status) "
      "select id, '1.0.0', 'stable' from public.templates where name like 'many-%'");
  database.run(
      "update public.templates t set default_version_id = v.id from public.template_versions v "
      "where v.template_id = t.id and t.name like 'many-%'");
  database.run(
      "insert into bundlesync.template_state (template_id, name, generation, changed_xid, changed_at) "
      "select id, name, 1, pg_catalog.pg_current_xact_id(), now() from public.templates where name like 'many-%'");
  database.run("set session_replication_role = origin");
  database.run("analyze");
  const auto timed = [&](const std::string& what, const std::string& sql) {
    std::vector<double> milliseconds;
    for (int i = 0; i < 11; ++i) {
      const auto begun = std::chrono::steady_clock::now();
      database.run(sql);
      milliseconds.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
    }
    std::ranges::sort(milliseconds);
    std::cout << fmt::format("10,000 templates, {}: median {:.2f} ms of 11\n", what, milliseconds[5]);
  };
  const auto snapshot = database.snapshot();
  const auto ask = "select * from bundlesync.desired(null, '" + snapshot + "')";
  timed("nothing changed", ask);
  EXPECT_EQ(database.run(ask).size(), 1U);
  database.set_default(1, 12);
  timed("one changed", ask);
  EXPECT_EQ(database.run(ask).size(), 2U);
  EXPECT_EQ(database.run("select * from bundlesync.desired()").size(), 10'003U);
}

}  // namespace
}  // namespace bundlesync::tests
