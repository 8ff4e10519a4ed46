#include "bed.hpp"
#include "fakes/memory_storage.hpp"
#include "support/postgres_server.hpp"

#include <fstream>

namespace bundlesync::publish {
namespace {

TEST_F(PublishBed, PublishesWhatDatabaseStoreAndPublisherAgreeOn) {
  auto asked = request(bundle("one", "one"), "1.0.0", true);
  asked.changelog = "the first one";
  asked.source_commit = "0123456789abcdef";
  AtStep steps(Step::finished, nullptr);
  const auto done = test::run(publish::publish(*catalog_, *storage_, asked, steps));
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->outcome, Outcome::published);
  EXPECT_EQ(done->exit_code(), ExitCode::done);
  EXPECT_EQ(steps.seen, (std::vector<Step>{Step::linted, Step::locked, Step::claimed, Step::uploaded, Step::uploaded,
                                           Step::read_back, Step::recorded, Step::finished}));

  EXPECT_EQ(objects(), (std::map<std::string, std::string>{{"section7/v1.0.0/master.md", "master one"},
                                                           {"section7/v1.0.0/system.md", "system one"}}));
  EXPECT_EQ(status_of("1.0.0"), "stable");
  EXPECT_EQ(default_version(), "1.0.0");
  EXPECT_EQ(sql("select manifest_sha256 from bundlesync.version_state"), done->manifest_sha256);
  EXPECT_EQ(sql("select bundlesync.manifest_sha256(id) from public.template_versions"), done->manifest_sha256);
  EXPECT_EQ(sql("select frozen_at is not null and claim is null from bundlesync.version_state"), "t");
  EXPECT_EQ(sql("select source_commit from bundlesync.version_state"), "0123456789abcdef");
  EXPECT_EQ(sql("select changelog from public.template_versions"), "the first one");
  EXPECT_EQ(sql("select string_agg(kind || ' ' || storage_path || ' ' || coalesce(locale, '-') || ' ' || size_bytes || "
                "' ' || "
                "content_type, ',' order by kind) from public.artifacts"),
            "master_prompt section7/v1.0.0/master.md - 10 text/markdown,"
            "prompt_system section7/v1.0.0/system.md fr 10 text/markdown");
  EXPECT_EQ(sql("select string_agg(role || ' ' || locale || ' ' || storage_path, ',') from public.prompts"),
            "system fr section7/v1.0.0/system.md");
  EXPECT_EQ(sql("select changed_by || ' ' || reason from bundlesync.default_history"), "tester publish 1.0.0");
  ASSERT_TRUE(done->moved);
  EXPECT_EQ(done->moved->to_version, "1.0.0");
  EXPECT_EQ(std::to_string(done->moved->history_id), sql("select id from bundlesync.default_history"));
  EXPECT_EQ(std::to_string(done->moved->generation), sql("select generation from bundlesync.template_state"));
  EXPECT_EQ(done->changed.front(), "template section7 was created");
  EXPECT_EQ(done->uploaded_files, 2U);
  EXPECT_EQ(done->uploaded_bytes, 20U);
  EXPECT_EQ(sql("select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database "
                "where datname = current_database())"),
            "0");
}

TEST_F(PublishBed, ReadsBackTheFilesItRecorded) {
  ASSERT_TRUE(publish(bundle("one", "one"), "1.0.0"));
  const auto listed = list_versions(*catalog_, "section7");
  ASSERT_TRUE(listed) << listed.error().text();
  const auto files = catalog_->files(listed->versions.front().id);
  ASSERT_TRUE(files) << files.error().text();
  ASSERT_EQ(files->size(), 2U);
  EXPECT_EQ(files->at(0).path, "master.md");
  EXPECT_EQ(files->at(1).path, "system.md");
  EXPECT_EQ(files->at(1).role, "system");
  EXPECT_EQ(files->at(1).kind, "prompt_system");
  EXPECT_EQ(bundle::manifest_digest(*files).hex(), listed->versions.front().manifest_sha256);
}

TEST_F(PublishBed, IsDoneWhenTheSameContentIsThere) {
  const auto one = bundle("one", "one");
  ASSERT_TRUE(publish(one, "1.0.0", true));
  const auto before = sql("select max(generation) from bundlesync.template_state");
  const auto again = publish(one, "1.0.0", true);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->outcome, Outcome::already_there);
  EXPECT_EQ(again->exit_code(), ExitCode::done);
  EXPECT_EQ(again->changed, std::vector<std::string>{"section7 1.0.0 was published before with the same content"});
  EXPECT_TRUE(again->undo.empty());
  EXPECT_EQ(again->uploaded_files, 0U);
  EXPECT_EQ(sql("select max(generation) from bundlesync.template_state"), before);
}

TEST_F(PublishBed, RefusesOtherContentUnderTheSameVersion) {
  ASSERT_TRUE(publish(bundle("one", "one"), "1.0.0", true));
  const auto before = objects();
  const auto other = publish(bundle("two", "two"), "1.0.0", true);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().exit_code(), ExitCode::conflict);
  EXPECT_EQ(other.error().text(),
            "section7 1.0.0 exists with other content: 2 of its files differ (master.md, system.md)\n"
            "hint: a published version never changes: give this content another version");
  EXPECT_EQ(objects(), before);
}

TEST_F(PublishBed, MovesTheDefaultOfWhatIsPublishedAlready) {
  const auto one = bundle("one", "one");
  ASSERT_TRUE(publish(one, "1.0.0"));
  EXPECT_EQ(default_version(), "");
  const auto moved = publish(one, "1.0.0", true);
  ASSERT_TRUE(moved) << moved.error().text();
  EXPECT_EQ(moved->outcome, Outcome::already_there);
  ASSERT_TRUE(moved->moved);
  EXPECT_EQ(default_version(), "1.0.0");
}

TEST_F(PublishBed, DoesNotUndoARollbackWhenCiRunsAgain) {
  const auto one = bundle("one", "one");
  const auto two = bundle("two", "two");
  ASSERT_TRUE(publish(one, "1.0.0", true));
  ASSERT_TRUE(publish(two, "1.1.0", true));
  const auto back = rollback(*catalog_, "section7", std::nullopt, "it hurts");
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->undo, std::vector<std::string>{"bundlesync set-default section7 1.1.0"});
  EXPECT_EQ(default_version(), "1.0.0");

  EXPECT_EQ(run_once("publish", two, "1.1.0", true), 5);
  const auto again = publish(two, "1.1.0", true);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().text(),
            "section7 1.1.0 was the default and was moved away from; the default is 1.0.0\n"
            "hint: to make it the default again: bundlesync set-default section7 1.1.0");
  EXPECT_EQ(default_version(), "1.0.0");
  EXPECT_EQ(run_once("publish", two, "1.1.0", false), 0);
  EXPECT_EQ(default_version(), "1.0.0");

  // By hand it is possible, and the same holds for a rollback that was one UPDATE.
  ASSERT_TRUE(set_default(*catalog_, "section7", "1.1.0", ""));
  sql("update public.templates set default_version_id = (select id from public.template_versions where semver = "
      "'1.0.0')");
  EXPECT_EQ(run_once("publish", two, "1.1.0", true), 5);
  EXPECT_EQ(default_version(), "1.0.0");
}

TEST_F(PublishBed, RehearsesWithoutChangingAnything) {
  const auto one = bundle("one", "one");
  auto asked = request(one, "1.0.0", true);
  asked.dry_run = true;
  const auto first = publish(asked);
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_EQ(first->exit_code(), ExitCode::differences);
  EXPECT_EQ(first->outcome, Outcome::would_publish);
  EXPECT_EQ(first->changed.front(), "template section7 would be created");
  EXPECT_EQ(first->changed.back(), "the default of section7 would move: none → 1.0.0");
  EXPECT_EQ(sql("select count(*) from public.templates"), "0");
  EXPECT_TRUE(objects().empty());

  ASSERT_TRUE(publish(one, "1.0.0"));
  EXPECT_EQ(publish(asked)->outcome, Outcome::would_move);
  EXPECT_EQ(publish(asked)->exit_code(), ExitCode::differences);
  ASSERT_TRUE(publish(one, "1.0.0", true));
  EXPECT_EQ(publish(asked)->outcome, Outcome::nothing_to_do);
  EXPECT_EQ(publish(asked)->exit_code(), ExitCode::done);
  asked.directory = bundle("two", "two");
  EXPECT_EQ(publish(asked).error().exit_code(), ExitCode::conflict);
}

TEST_F(PublishBed, AsksNobodyWhenLintFails) {
  const auto bad = bundle("bad", "bad");
  std::filesystem::remove(bad / "master.md");
  const auto done = publish(bad, "1.0.0", true);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->exit_code(), ExitCode::lint);
  ASSERT_EQ(done->problems.size(), 1U);
  EXPECT_EQ(done->problems.front().reason, "file_missing");
  EXPECT_EQ(sql("select count(*) from public.templates"), "0");
}

TEST_F(PublishBed, TakesOverADeadDraftWhateverItHolds) {
  EXPECT_EQ(run_once("publish", bundle("dead", "dead"), "1.0.0", true, 5), -SIGKILL);  // read back, not recorded
  EXPECT_EQ(status_of("1.0.0"), "draft");
  sql("insert into public.artifacts (template_version_id, kind, storage_path, sha256, size_bytes, content_type) select "
      "id, "
      "'junk', 'section7/v1.0.0/junk', repeat('0', 64), 1, 'text/plain' from public.template_versions");
  ASSERT_TRUE(test::run(storage_->upload("section7/v1.0.0/deep/leftover.md", "left", "")));
  const auto drafts = list_drafts(*catalog_);
  ASSERT_TRUE(drafts) << drafts.error().text();
  ASSERT_EQ(drafts->size(), 1U);
  EXPECT_FALSE(drafts->front().being_published);

  const auto done = publish(bundle("live", "live"), "1.0.0", true);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_TRUE(done->taken_over);
  EXPECT_EQ(done->replaced_objects, 2U);
  EXPECT_EQ(done->removed_objects, 1U);
  EXPECT_EQ(objects(), (std::map<std::string, std::string>{{"section7/v1.0.0/master.md", "master live"},
                                                           {"section7/v1.0.0/system.md", "system live"}}));
  EXPECT_EQ(sql("select count(*) from public.artifacts"), "2");
  EXPECT_EQ(sql("select bundlesync.manifest_sha256(id) from public.template_versions"), done->manifest_sha256);
  EXPECT_TRUE(list_drafts(*catalog_)->empty());
}

TEST_F(PublishBed, ReplacesAnObjectThatSomebodyChanged) {
  const auto one = bundle("one", "one");
  ASSERT_TRUE(test::run(storage_->upload("section7/v1.0.0/master.md", "planted and longer", "")));
  ASSERT_TRUE(test::run(storage_->upload("section7/v1.0.0/system.md", "system one", "")));
  const auto done = publish(one, "1.0.0");
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->replaced_objects, 1U);
  EXPECT_EQ(done->kept_objects, 1U);
  EXPECT_EQ(objects().at("section7/v1.0.0/master.md"), "master one");
}

TEST_F(PublishBed, YieldsToALivingRival) {
  auto rival_session = connect();
  catalog::PostgresCatalog rival(rival_session, "rival");
  ASSERT_TRUE(rival.lock_version("section7", "1.0.0"));
  const auto one = bundle("one", "one");
  EXPECT_EQ(run_once("publish", one, "1.0.0", true), 5);
  const auto done = publish(one, "1.0.0", true);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().fact(), "another publisher is at work on section7 1.0.0");
  EXPECT_EQ(done.error().hints().size(), 2U);
  EXPECT_EQ(abandon("1.0.0").error().reason(), "publish_lock_held");
  EXPECT_TRUE(objects().empty());
  EXPECT_TRUE(publish(one, "1.0.1")) << "another version is not locked";
  rival.unlock_version();
  EXPECT_TRUE(publish(one, "1.0.0", true));
}

TEST_F(PublishBed, ChangesNothingOnceItsClaimIsLost) {
  for (const auto step : {Step::claimed, Step::uploaded, Step::read_back, Step::recorded}) {
    const std::string version = "1.0." + std::to_string(static_cast<int>(step));
    AtStep thief(
        step, [this] { sql("update bundlesync.version_state set claim = gen_random_uuid() where frozen_at is null"); });
    const auto done =
        test::run(publish::publish(*catalog_, *storage_, request(bundle("one", "one"), version, true), thief));
    ASSERT_FALSE(done) << version;
    EXPECT_EQ(done.error().exit_code(), ExitCode::conflict);
    EXPECT_EQ(done.error().reason(), "claim_lost");
    EXPECT_EQ(status_of(version), "draft");
    EXPECT_EQ(default_version(), "");
  }
}

TEST_F(PublishBed, KeepsADraftWhoseObjectsDoNotReadBack) {
  fakes::MemoryStorage liar;
  liar.lie_about("section7/v1.0.0/system.md");
  const auto done =
      test::run(publish::publish(*catalog_, liar, request(bundle("one", "one"), "1.0.0", true), no_steps_));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason(), "read_back_differs");
  EXPECT_EQ(done.error().exit_code(), ExitCode::failed);
  EXPECT_EQ(status_of("1.0.0"), "draft");
  EXPECT_EQ(default_version(), "");
  liar.heal();
  EXPECT_TRUE(test::run(publish::publish(*catalog_, liar, request(bundle("one", "one"), "1.0.0", true), no_steps_)));
}

TEST_F(PublishBed, LeavesNoDraftWhenStorageCannotBeReachedAtAll) {
  fakes::MemoryStorage away;
  away.set_away(true);
  const auto done =
      test::run(publish::publish(*catalog_, away, request(bundle("one", "one"), "1.0.0", true), no_steps_));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().text(), "memory:// is away");
  EXPECT_EQ(sql("select count(*) from public.template_versions"), "0");
}

TEST_F(PublishBed, AbandonsOnlyDrafts) {
  const auto one = bundle("one", "one");
  ASSERT_TRUE(publish(one, "1.0.0"));
  EXPECT_EQ(abandon("1.0.0").error().reason(), "version_exists");
  EXPECT_EQ(abandon("9.9.9").error().reason(), "version_unknown");
  EXPECT_EQ(abandon("9.9.9").error().exit_code(), ExitCode::failed);
  EXPECT_EQ(run_once("publish", one, "2.0.0", true, 4), -SIGKILL);
  const auto gone = abandon("2.0.0");
  ASSERT_TRUE(gone) << gone.error().text();
  EXPECT_EQ(gone->removed_objects, 2U);
  EXPECT_EQ(status_of("2.0.0"), "");
  EXPECT_EQ(objects().size(), 2U) << "those of 1.0.0";
  EXPECT_EQ(status_of("1.0.0"), "stable");
}

TEST_F(PublishBed, NeedsNoMoreThanThePublishersRole) {
  const std::string user = "ci_" + sql("select current_database()");
  sql("create role " + user + " login in role bundlesync_publisher");
  auto session = catalog::Session::connect(tests::PostgresServer::shared().conninfo(database_, user));
  ASSERT_TRUE(session) << session.error().text();
  catalog::PostgresCatalog humble(*session, "");
  const auto one =
      test::run(publish::publish(humble, *storage_, request(bundle("one", "one"), "1.0.0", true), no_steps_));
  ASSERT_TRUE(one) << one.error().text();
  const auto two =
      test::run(publish::publish(humble, *storage_, request(bundle("two", "two"), "1.1.0", true), no_steps_));
  ASSERT_TRUE(two) << two.error().text();
  const auto back = rollback(humble, "section7", std::nullopt, "");
  EXPECT_TRUE(back) << back.error().text();
  EXPECT_EQ(run_once("publish", bundle("three", "three"), "1.2.0", true, 3), -SIGKILL);
  const auto drafts = list_drafts(humble);
  EXPECT_TRUE(drafts) << drafts.error().text();
  const auto gone = test::run(publish::abandon(humble, *storage_, "section7", "1.2.0", no_steps_));
  EXPECT_TRUE(gone) << gone.error().text();
  const auto moves = history(humble, "section7");
  ASSERT_TRUE(moves) << moves.error().text();
  EXPECT_EQ(moves->moves.front().changed_by, user);
  EXPECT_EQ(moves->moves.front().reason, "rollback");
  session = connect();
  sql("drop role " + user);
}

/// What stands in version_state: nothing when it is a good signature of 1.0.0 by this key.
std::string judged(const std::string& envelope, const bundle::SigningKey& key, const std::string& manifest) {
  bundle::Signed what;
  what.template_name = "section7";
  what.version = "1.0.0";
  what.manifest = Digest::parse(manifest).value();
  const std::vector<bundle::PublicKey> keys{key.public_key()};
  const auto problem = bundle::signature_problem(envelope, what, keys);
  return problem ? problem->reason : "";
}

TEST_F(PublishBed, SignsInTheTransactionThatPublishes) {
  const auto key = bundle::SigningKey::generate().value();
  auto asked = request(bundle("one", "one"), "1.0.0", true);
  asked.signing_key = key;
  const auto done = publish(asked);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->signed_by, key.public_key().id());
  EXPECT_EQ(judged(sql("select signature from bundlesync.version_state"), key, done->manifest_sha256), "");
  EXPECT_EQ(done->changed.at(2), "section7 1.0.0 is signed by key " + key.public_key().id());
  EXPECT_EQ(sql("select generation from bundlesync.template_state"), "2")
      << "made, and its default moved; nothing more";
}

TEST_F(PublishBed, SignsWhatWasPublishedBeforeWithoutASignatureAndSaysSoOnce) {
  const auto one = bundle("one", "one");
  ASSERT_TRUE(publish(one, "1.0.0", true));
  EXPECT_EQ(sql("select signature from bundlesync.version_state"), "");
  const auto key = bundle::SigningKey::generate().value();
  auto asked = request(one, "1.0.0", false);
  asked.signing_key = key;

  asked.dry_run = true;
  const auto rehearsed = publish(asked);
  ASSERT_TRUE(rehearsed) << rehearsed.error().text();
  EXPECT_EQ(rehearsed->outcome, Outcome::would_sign);
  EXPECT_EQ(rehearsed->exit_code(), ExitCode::differences);
  EXPECT_EQ(rehearsed->changed.back(), "section7 1.0.0 would be signed by key " + key.public_key().id());
  EXPECT_EQ(sql("select signature from bundlesync.version_state"), "");

  asked.dry_run = false;
  const auto signed_now = publish(asked);
  ASSERT_TRUE(signed_now) << signed_now.error().text();
  EXPECT_EQ(signed_now->outcome, Outcome::already_there);
  EXPECT_EQ(signed_now->signed_by, key.public_key().id());
  EXPECT_EQ(judged(sql("select signature from bundlesync.version_state"), key, signed_now->manifest_sha256), "");
  EXPECT_EQ(sql("select generation from bundlesync.template_state"), "3") << "agents look again";

  const auto again = publish(asked);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->signed_by, "");
  EXPECT_EQ(sql("select generation from bundlesync.template_state"), "3") << "nothing changed";
  asked.dry_run = true;
  EXPECT_EQ(publish(asked)->outcome, Outcome::nothing_to_do);
}

TEST_F(PublishBed, WithoutAKeyASignatureThatIsThereStays) {
  const auto one = bundle("one", "one");
  auto asked = request(one, "1.0.0", false);
  asked.signing_key = bundle::SigningKey::generate().value();
  ASSERT_TRUE(publish(asked));
  const std::string before = sql("select signature from bundlesync.version_state");
  ASSERT_TRUE(publish(one, "1.0.0", true));
  EXPECT_EQ(sql("select signature from bundlesync.version_state"), before);
}

}  // namespace
}  // namespace bundlesync::publish
