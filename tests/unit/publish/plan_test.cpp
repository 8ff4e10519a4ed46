#include "publish/plan.hpp"

#include "publish/differences.hpp"

#include <gtest/gtest.h>

namespace bundlesync::publish {
namespace {

bundle::File file(const std::string& path, const std::string& bytes) {
  bundle::File made;
  made.path = path;
  made.sha256 = Digest::of(bytes);
  made.size = bytes.size();
  made.kind = "master_prompt";
  made.storage_path = "section7/v1.0.0/" + path;
  return made;
}

bundle::Bundle wanted() {
  bundle::Bundle bundle;
  bundle.template_name = "section7";
  bundle.version = "1.0.0";
  bundle.files = {file("a.md", "a"), file("b.md", "b")};
  return bundle;
}

Known published() {
  Known known;
  known.template_row.emplace();
  known.template_row->name = "section7";
  known.template_row->default_version = "1.1.0";
  known.version.emplace();
  known.version->semver = "1.0.0";
  known.version->status = "stable";
  known.files = wanted().files;
  return known;
}

TEST(DecidePublish, MakesWhatIsNotThere) {
  EXPECT_EQ(decide_publish(Known(), wanted(), false), Course::make);
  Known known = published();
  known.version.reset();
  EXPECT_EQ(decide_publish(known, wanted(), true), Course::make);
}

TEST(DecidePublish, TakesOverADraftWhateverItHolds) {
  Known known = published();
  known.version->status = "draft";
  known.files.clear();
  EXPECT_EQ(decide_publish(known, wanted(), true), Course::take_over);
}

TEST(DecidePublish, RestsWhenTheSameContentIsThere) {
  EXPECT_EQ(decide_publish(published(), wanted(), false), Course::rest);
  Known known = published();
  known.version->is_default = known.version->was_default = true;
  EXPECT_EQ(decide_publish(known, wanted(), true), Course::rest);
}

TEST(DecidePublish, MovesTheDefaultToWhatWasNeverADefault) {
  EXPECT_EQ(decide_publish(published(), wanted(), true), Course::move_only);
}

TEST(DecidePublish, DoesNotUndoARollback) {
  Known known = published();
  known.version->was_default = true;
  const auto course = decide_publish(known, wanted(), true);
  ASSERT_FALSE(course);
  EXPECT_EQ(course.error().exit_code(), ExitCode::conflict);
  EXPECT_EQ(course.error().text(),
            "section7 1.0.0 was the default and was moved away from; the default is 1.1.0\n"
            "hint: to make it the default again: bundlesync set-default section7 1.0.0");
}

TEST(DecidePublish, SaysWhichFilesOfAPublishedVersionDiffer) {
  Known known = published();
  known.files = {file("a.md", "other"), file("c.md", "c")};
  const auto course = decide_publish(known, wanted(), false);
  ASSERT_FALSE(course);
  EXPECT_EQ(course.error().reason(), "version_differs");
  EXPECT_EQ(course.error().exit_code(), ExitCode::conflict);
  EXPECT_EQ(course.error().text(),
            "section7 1.0.0 exists with other content: 3 of its files differ (a.md, b.md, c.md)\n"
            "hint: a published version never changes: give this content another version");
}

TEST(DecidePublish, LeavesADeprecatedVersionWhereItIs) {
  Known known = published();
  known.version->status = "deprecated";
  EXPECT_EQ(decide_publish(known, wanted(), false), Course::rest);
  EXPECT_EQ(decide_publish(known, wanted(), true).error().reason(), "version_deprecated");
}

TEST(ObjectsToRemove, AreThoseOfNoFile) {
  std::vector<storage::ObjectInfo> listed;
  for (const auto* key : {"section7/v1.0.0/a.md", "section7/v1.0.0/old.md", "section7/v1.0.0/b.md"}) {
    listed.emplace_back().key = key;
  }
  EXPECT_EQ(objects_to_remove(listed, wanted().files), std::vector<std::string>{"section7/v1.0.0/old.md"});
}

/// History from a list of versions that were the default one after the other, oldest first; "" is none.
struct Story {
  catalog::TemplateRow current;
  std::vector<catalog::HistoryRow> newest_first;

  explicit Story(const std::vector<std::string>& defaults) {
    current.name = "section7";
    std::string before;
    for (const auto& version : defaults) {
      catalog::HistoryRow row;
      row.from_version = before;
      row.from_version_id = before.empty() ? "" : "id-" + before;
      row.to_version = version;
      row.to_version_id = version.empty() ? "" : "id-" + version;
      newest_first.insert(newest_first.begin(), row);
      before = version;
    }
    current.default_version = before;
    current.default_version_id = before.empty() ? "" : "id-" + before;
  }
  Result<Target> rollback() const { return decide_rollback(current, newest_first); }
};

TEST(DecideRollback, GoesToTheDefaultBeforeTheCurrentOne) {
  EXPECT_EQ(Story({"1", "2"}).rollback(), (Target{"id-1", "1"}));
  EXPECT_EQ(Story({"1", "2", "3"}).rollback(), (Target{"id-2", "2"}));
}

TEST(DecideRollback, RefusesASecondStepBackWithoutAName) {
  for (const auto& story : {Story({"1", "2", "1"}), Story({"1", "2", "3", "2"}), Story({"1", "2", "3", "1"})}) {
    const auto target = story.rollback();
    ASSERT_FALSE(target);
    EXPECT_EQ(target.error().exit_code(), ExitCode::conflict);
    EXPECT_EQ(target.error().reason(), "rolled_back_already");
  }
  EXPECT_EQ(Story({"1", "2", "1"}).rollback().error().text(),
            "the default of section7, 1, was itself set by a rollback: the one before it could be meant in two ways\n"
            "hint: name the version: bundlesync rollback section7 --to VERSION (bundlesync history section7 shows what "
            "was the "
            "default when)");
}

TEST(DecideRollback, WorksAgainAfterTheNextDeploy) {
  EXPECT_EQ(Story({"1", "2", "1", "2"}).rollback(), (Target{"id-1", "1"}));
  EXPECT_EQ(Story({"1", "2", "1", "3"}).rollback(), (Target{"id-1", "1"}));
  EXPECT_EQ(Story({"1", "2", "3", "1", "4"}).rollback(), (Target{"id-1", "1"}));
}

TEST(DecideRollback, BringsBackADefaultThatWasTakenAway) {
  EXPECT_EQ(Story({"1", "2", ""}).rollback(), (Target{"id-2", "2"}));
  EXPECT_EQ(Story({"1", "2", "", "2"}).rollback(), (Target{"id-1", "1"}));
}

TEST(DecideRollback, SaysThatThereWasNoneBefore) {
  for (const auto& story : {Story({"1"}), Story({})}) {
    const auto target = story.rollback();
    ASSERT_FALSE(target);
    EXPECT_EQ(target.error().kind(), ErrorKind::failed);
    EXPECT_EQ(target.error().reason(), "no_previous");
  }
  EXPECT_EQ(Story({"1"}).rollback().error().fact(), "section7 had no default before 1");
}

TEST(DecideRollback, KnowsTheDefaultThatTheFirstMoveCameFrom) {
  Story story({"2"});
  story.newest_first.front().from_version = "1";
  story.newest_first.front().from_version_id = "id-1";
  EXPECT_EQ(story.rollback(), (Target{"id-1", "1"}));
}

TEST(DecideRollback, RefusesAHistoryThatEndsElsewhere) {
  Story story({"1", "2"});
  story.current.default_version_id = "id-9";
  EXPECT_EQ(story.rollback().error().reason(), "history_differs");
}

TEST(DecideTarget, FindsAVersionThatIsNoDraft) {
  catalog::TemplateRow current;
  current.name = "section7";
  std::vector<catalog::VersionRow> versions(2);
  versions[0].id = "id-1";
  versions[0].semver = "1.0.0";
  versions[0].status = "deprecated";
  versions[1].semver = "2.0.0";
  versions[1].status = "draft";
  EXPECT_EQ(decide_target(current, versions, "1.0.0"), (Target{"id-1", "1.0.0"}));
  EXPECT_EQ(decide_target(current, versions, "2.0.0").error().text(),
            "section7 2.0.0 is a draft: a draft cannot be the default\n"
            "hint: finish it by running its publish again, or remove it with publish --abandon");
  EXPECT_EQ(decide_target(current, versions, "3.0.0").error().text(),
            "section7 has no version 3.0.0\nhint: bundlesync list section7 shows what it has");
}

TEST(Compare, NamesWhatWasAddedRemovedAndChanged) {
  auto changed = file("b.md", "b");
  changed.locale = "fr";
  const std::vector<bundle::File> before = {file("a.md", "a"), file("b.md", "b"), file("c.md", "c")};
  const std::vector<bundle::File> after = {file("a.md", "a"), changed, file("d.md", "d")};
  const auto compared = compare(before, after);
  EXPECT_EQ(compared.same, 1U);
  ASSERT_EQ(compared.files.size(), 3U);
  EXPECT_EQ(compared.files[0].path, "b.md");
  EXPECT_EQ(compared.files[0].what, Difference::changed);
  EXPECT_EQ(compared.files[0].after->locale, "fr");
  EXPECT_EQ(compared.files[1].path, "c.md");
  EXPECT_EQ(compared.files[1].what, Difference::removed);
  EXPECT_EQ(compared.files[2].path, "d.md");
  EXPECT_EQ(compared.files[2].what, Difference::added);
}

}  // namespace
}  // namespace bundlesync::publish
