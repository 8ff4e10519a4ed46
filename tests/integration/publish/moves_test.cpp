#include "bed.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace bundlesync::publish {
namespace {

class Moves : public PublishBed {
 protected:
  void SetUp() override {
    PublishBed::SetUp();
    for (const std::string version : {"1.0.0", "1.1.0", "1.2.0"}) {
      const auto done = publish(bundle(version, version), version, true);
      ASSERT_TRUE(done) << done.error().text();
    }
  }
};

TEST_F(Moves, RollBackAndSayHowToUndoIt) {
  const auto back = rollback(*catalog_, "section7", std::nullopt, "patients first");
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->moved.from_version, "1.2.0");
  EXPECT_EQ(back->moved.to_version, "1.1.0");
  EXPECT_EQ(back->moved.generation, std::stoull(sql("select generation from bundlesync.template_state")));
  EXPECT_EQ(back->undo, std::vector<std::string>{"bundlesync set-default section7 1.2.0"});
  EXPECT_EQ(default_version(), "1.1.0");
  EXPECT_EQ(sql("select reason from bundlesync.default_history order by id desc limit 1"), "patients first");
  EXPECT_EQ(sql("select changed_by from bundlesync.default_history order by id desc limit 1"), "tester");

  const auto again = rollback(*catalog_, "section7", std::nullopt, "");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().exit_code(), ExitCode::conflict);
  EXPECT_EQ(again.error().reason(), "rolled_back_already");
  EXPECT_EQ(default_version(), "1.1.0");

  const auto named = rollback(*catalog_, "section7", "1.0.0", "");
  ASSERT_TRUE(named) << named.error().text();
  EXPECT_EQ(default_version(), "1.0.0");
  EXPECT_EQ(sql("select reason from bundlesync.default_history order by id desc limit 1"), "rollback");
}

TEST_F(Moves, ToTheDefaultThereIsChangeNothing) {
  const auto before = sql("select generation from bundlesync.template_state");
  const auto same = set_default(*catalog_, "section7", "1.2.0", "");
  ASSERT_TRUE(same) << same.error().text();
  EXPECT_TRUE(same->already);
  EXPECT_EQ(same->changed, std::vector<std::string>{"1.2.0 is the default of section7 already"});
  EXPECT_EQ(sql("select generation from bundlesync.template_state"), before);
}

TEST_F(Moves, RefuseWhatIsNotThereOrADraft) {
  EXPECT_EQ(set_default(*catalog_, "section8", "1.0.0", "").error().text(),
            "there is no template 'section8'\nhint: did you mean 'section7'?");
  EXPECT_EQ(set_default(*catalog_, "section7", "9.0.0", "").error().text(),
            "section7 has no version 9.0.0\nhint: bundlesync list section7 shows what it has");
  EXPECT_EQ(run_once("publish", bundle("new", "new"), "2.0.0", true, 3), -SIGKILL);
  EXPECT_EQ(set_default(*catalog_, "section7", "2.0.0", "").error().exit_code(), ExitCode::conflict);
  EXPECT_EQ(default_version(), "1.2.0");
}

TEST_F(Moves, YieldToWhoeverMovedFirst) {
  const auto seen = catalog_->find_template("section7");
  ASSERT_TRUE(seen);
  sql("update public.templates set default_version_id = (select id from public.template_versions where semver = "
      "'1.0.0')");
  const auto versions = catalog_->versions(seen->id);
  ASSERT_TRUE(versions);
  const auto late = catalog_->move_default(*seen, versions->at(1).id, "late");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().exit_code(), ExitCode::conflict);
  EXPECT_EQ(late.error().text(),
            "somebody moved section7 first: its default is 1.0.0 now\n"
            "hint: bundlesync history section7 shows who and why");
  EXPECT_EQ(default_version(), "1.0.0");
}

TEST_F(Moves, AreListedWithTheirHistory) {
  EXPECT_EQ(run_once("publish", bundle("new", "new"), "2.0.0-rc.1", false, 3), -SIGKILL);
  const auto templates = list_templates(*catalog_);
  ASSERT_TRUE(templates) << templates.error().text();
  ASSERT_EQ(templates->size(), 1U);
  EXPECT_EQ(templates->front().name, "section7");
  EXPECT_EQ(templates->front().default_version, "1.2.0");
  EXPECT_EQ(templates->front().versions, 3U);
  EXPECT_EQ(templates->front().drafts, 1U);

  const auto versions = list_versions(*catalog_, "section7");
  ASSERT_TRUE(versions) << versions.error().text();
  std::vector<std::string> semvers;
  for (const auto& row : versions->versions) semvers.push_back(row.semver + " " + row.status);
  EXPECT_EQ(semvers, (std::vector<std::string>{"2.0.0-rc.1 draft", "1.2.0 stable", "1.1.0 stable", "1.0.0 stable"}));
  EXPECT_TRUE(versions->versions[1].is_default);
  EXPECT_TRUE(versions->versions[2].was_default);
  EXPECT_EQ(versions->versions[1].files, 2U);

  const auto moves = history(*catalog_, "section7");
  ASSERT_TRUE(moves) << moves.error().text();
  ASSERT_EQ(moves->moves.size(), 3U);
  EXPECT_EQ(moves->moves[0].from_version, "1.1.0");
  EXPECT_EQ(moves->moves[0].to_version, "1.2.0");
  EXPECT_EQ(moves->moves[0].reason, "publish 1.2.0");
  EXPECT_EQ(moves->moves[2].from_version, "");
  EXPECT_EQ(history(*catalog_, "section7", 1)->moves.size(), 1U);
}

TEST_F(Moves, AreComparedByTheirFiles) {
  const auto two = diff(*catalog_, "section7", "1.0.0", "1.1.0");
  ASSERT_TRUE(two) << two.error().text();
  EXPECT_EQ(two->exit_code(), ExitCode::differences);
  ASSERT_EQ(two->files.size(), 2U);
  EXPECT_EQ(two->files[0].path, "master.md");
  const auto none = diff(*catalog_, "section7", "1.0.0", "1.0.0");
  ASSERT_TRUE(none);
  EXPECT_EQ(none->exit_code(), ExitCode::done);
  EXPECT_EQ(none->same, 2U);
  EXPECT_EQ(diff(*catalog_, "section7", "1.0.0", "7.0.0").error().reason(), "version_unknown");
}

TEST_F(Moves, AreNotComparedWithWhatIsNotPublished) {
  sql("insert into public.template_versions (template_id, semver, status) "
      "select id, '3.0.0', 'draft' from public.templates where name = 'section7'");
  const auto drafted = diff(*catalog_, "section7", "1.0.0", "3.0.0");
  ASSERT_FALSE(drafted);
  EXPECT_EQ(drafted.error().text(), "section7 3.0.0 is a draft\nhint: finish it by running its publish again");
  EXPECT_EQ(drafted.error().exit_code(), ExitCode::conflict);
  EXPECT_EQ(find_replaced(*catalog_, "section7", "3.0.0").error().reason(), "version_draft");
}

TEST_F(Moves, TakeThePlaceOfTheDefaultOrOfTheVersionThatIsNamed) {
  const auto current = find_replaced(*catalog_, "section7", "default");
  ASSERT_TRUE(current) << current.error().text();
  ASSERT_TRUE(*current);
  EXPECT_EQ((*current)->version, default_version());
  EXPECT_EQ((*current)->files.size(), 2U);
  const auto named = find_replaced(*catalog_, "section7", "1.0.0");
  ASSERT_TRUE(named && *named);
  EXPECT_EQ((*named)->version, "1.0.0");
  const auto none = find_replaced(*catalog_, "section8", "default");
  ASSERT_TRUE(none) << none.error().text();
  EXPECT_FALSE(*none);
  EXPECT_EQ(find_replaced(*catalog_, "section8", "1.0.0").error().reason(), "template_unknown");
  sql("update public.templates set default_version_id = null where name = 'section7'");
  const auto unset = find_replaced(*catalog_, "section7", "default");
  ASSERT_TRUE(unset);
  EXPECT_FALSE(*unset);
}

TEST_F(Moves, AreComparedLineByLineAndEveryByteIsVerified) {
  const auto two = diff(*catalog_, "section7", "1.0.0", "1.1.0");
  ASSERT_TRUE(two) << two.error().text();
  ASSERT_FALSE(two->files.empty());
  const auto& file = two->files.front();
  const auto text = test::run(diff_text(*storage_, *two, file, 1 << 20));
  ASSERT_TRUE(text) << text.error().text();
  EXPECT_EQ(text->removed, 1U);
  EXPECT_EQ(text->added, 1U);
  EXPECT_THAT(text->unified, testing::StartsWith("--- 1.0.0/master.md\n+++ 1.1.0/master.md\n@@ -1 +1 @@\n-master "));

  const auto object = store_ / file.after_key;
  std::filesystem::permissions(object, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
  std::string changed = objects().at(file.after_key);
  changed[0] = 'M';
  std::ofstream(object) << changed;
  const auto damaged = test::run(diff_text(*storage_, *two, file, 1 << 20));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().reason(), "digest_mismatch");
  std::ofstream(object, std::ios::app) << "more";
  EXPECT_EQ(test::run(diff_text(*storage_, *two, file, 1 << 20)).error().reason(), "object_too_large");
  std::filesystem::remove(object);
  EXPECT_EQ(test::run(diff_text(*storage_, *two, file, 1 << 20)).error().reason(), "object_missing");
}

}  // namespace
}  // namespace bundlesync::publish
