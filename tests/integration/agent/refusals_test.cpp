#include "bed.hpp"

#include <fmt/format.h>

#include <fstream>

// What breaks a rule is refused with one reason code, and nothing that anybody reads changes: not the view, not a tree,
// not the fallback files. Rows that the database's own guards refuse are planted past them.
namespace bundlesync::tests {
namespace {

namespace fs = std::filesystem;

class Refusals : public AgentBed {
 protected:
  Refusals() {
    environment_["BUNDLESYNC_TEMPLATES"] = "alpha";
    environment_["BUNDLESYNC_FALLBACK_DIR"] = home_ / "fallback";
    fs::create_directories(home_ / "fallback/alpha");
    std::ofstream(home_ / "fallback/alpha/master.md") << "the fallback\n";
  }
  void SetUp() override {
    publish("alpha", "1.0.0", true);
    publish("alpha", "1.1.0");
    publish("beta", "1.0.0", true);
    agent_ = start();
    ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent_->log();
    ASSERT_TRUE(comes_to_say(*agent_, "alpha", "current")) << agent_->log();
    shown_before_ = what_is_shown();
    fallback_before_ = fingerprint(home_ / "fallback");
  }

  std::map<std::string, std::string> what_is_shown() const {
    auto shown = fingerprint(fs::canonical(target_ / "alpha"));
    shown.merge(fingerprint(target_ / "..bundlesync/views"));
    shown["link"] = view_link(target_);
    for (const auto& tree : fs::directory_iterator(target_ / "..bundlesync/trees/alpha")) shown[tree.path()] += " tree";
    return shown;
  }
  /// Statements that no guard sees. {v} is the id of alpha 1.1.0.
  void plant(std::string statements) {
    const std::string id = version_id("alpha", "1.1.0");
    for (auto at = statements.find("{v}"); at != std::string::npos; at = statements.find("{v}")) {
      statements.replace(at, 3, id);
    }
    sql("begin; set local session_replication_role = replica; " + statements + "; commit");
  }
  void plant_path(const std::string& path) {
    plant(
        fmt::format("update artifacts set storage_path = 'alpha/v1.1.0/{}' where template_version_id = '{{v}}' "
                    "and storage_path = 'alpha/v1.1.0/master.md'",
                    path));
    move("alpha", "1.1.0");
  }
  /// The log says it once, the status says it, and nothing else has changed; moved back, all is well.
  void expect_refused(const std::string& reason, const std::string& line_begin = "refuse template=alpha version=1.1.0",
                      const std::string& state = "refused") {
    const std::string wanted = line_begin + (line_begin.starts_with("hold") ? "" : " reason=" + reason);
    agent_->wait_for({wanted});
    EXPECT_TRUE(comes_to_say(*agent_, "alpha", state)) << agent_->log();
    const auto line = agent_->status_of("alpha");
    EXPECT_EQ(text_of(line, "reason"), reason);
    EXPECT_EQ(text_of(line, "version"), "1.0.0");
    EXPECT_EQ(shown("alpha"), "1.0.0");
    EXPECT_TRUE(wait_until(std::chrono::seconds(5), [&] { return what_is_shown() == shown_before_; }));
    EXPECT_EQ(fingerprint(home_ / "fallback"), fallback_before_);
    EXPECT_EQ(agent_->messages_with({wanted}).size(), 1U) << agent_->log();
    EXPECT_TRUE(agent_->messages_with({"fallback "}).empty()) << agent_->log();
    EXPECT_TRUE(comes_to_answer(*agent_, "/readyz", 200));

    move("alpha", "1.0.0");
    EXPECT_TRUE(comes_to_say(*agent_, "alpha", "current")) << agent_->log();
    EXPECT_EQ(shown("alpha"), "1.0.0");
  }

  std::unique_ptr<AgentProcess> agent_;
  std::map<std::string, std::string> shown_before_;
  std::map<std::string, std::string> fallback_before_;
};

constexpr const char* raise_generation =
    "; select bundlesync.raise_generation(id, name, false), pg_notify('bundlesync', name) from templates "
    "where name = 'alpha'";

TEST_F(Refusals, AnObjectWithAnotherDigest) {
  store_.corrupt(key("alpha", "1.1.0", "master.md"));
  move("alpha", "1.1.0");
  expect_refused("digest_mismatch");
}

TEST_F(Refusals, AnObjectThatIsTooShort) {
  const std::string object = key("alpha", "1.1.0", "master.md");
  store_.write(object, store_.read(object).substr(1));
  move("alpha", "1.1.0");
  expect_refused("size_mismatch");
}

TEST_F(Refusals, AnObjectThatIsTooLong) {
  store_.append(key("alpha", "1.1.0", "master.md"), "!");
  move("alpha", "1.1.0");
  expect_refused("size_mismatch");
}

TEST_F(Refusals, AnObjectThatIsMissing) {
  store_.remove(key("alpha", "1.1.0", "master.md"));
  move("alpha", "1.1.0");
  expect_refused("object_missing", "retrying template=alpha version=1.1.0", "retrying");
}

TEST_F(Refusals, ARowThatWasAddedToAFrozenVersion) {
  plant(
      "insert into artifacts (template_version_id, kind, storage_path, sha256, size_bytes, content_type) "
      "select template_version_id, kind, 'alpha/v1.1.0/more.md', sha256, size_bytes, content_type from artifacts "
      "where template_version_id = '{v}' and storage_path like '%/master.md'");
  move("alpha", "1.1.0");
  expect_refused("manifest_mismatch");
}

TEST_F(Refusals, ARowThatIsMissingFromAFrozenVersion) {
  plant("delete from artifacts where template_version_id = '{v}' and storage_path like '%/master.md'");
  move("alpha", "1.1.0");
  expect_refused("manifest_mismatch");
}

TEST_F(Refusals, ASizeInTheRowThatIsNotTheObjects) {
  plant(
      "update artifacts set size_bytes = size_bytes + 1 where template_version_id = '{v}' "
      "and storage_path like '%/master.md'; "
      "update bundlesync.version_state set manifest_sha256 = null where version_id = '{v}'");
  move("alpha", "1.1.0");
  expect_refused("size_mismatch");
}

TEST_F(Refusals, APathWithDotDot) {
  plant_path("../../../etc/passwd");
  expect_refused("path_dotdot");
}

TEST_F(Refusals, APathWithALeadingSlash) {
  plant_path("/etc/passwd");
  expect_refused("path_absolute");
}

TEST_F(Refusals, APathOf300Bytes) {
  plant_path(std::string(300, 'a'));
  expect_refused("path_too_long");
}

TEST_F(Refusals, AFileBesideADirectoryOfTheSameName) {
  plant(
      "insert into artifacts (template_version_id, kind, storage_path, sha256, size_bytes, content_type) "
      "select template_version_id, kind, storage_path || '/b', sha256, size_bytes, content_type from artifacts "
      "where template_version_id = '{v}' and storage_path like '%/master.md'");
  move("alpha", "1.1.0");
  expect_refused("path_under_file");
}

TEST_F(Refusals, ADraftAsDefault) {
  plant(std::string("update template_versions set status = 'draft' where id = '{v}'; "
                    "update templates set default_version_id = '{v}' where name = 'alpha'") +
        raise_generation);
  expect_refused("version_draft");
}

TEST_F(Refusals, AVersionOfAnotherTemplate) {
  plant(std::string("update templates set default_version_id = (select default_version_id from templates "
                    "where name = 'beta') where name = 'alpha'") +
        raise_generation);
  expect_refused("default_of_other_template", "refuse template=alpha version=-");
}

TEST_F(Refusals, ALowerGeneration) {
  plant(
      "update templates set default_version_id = '{v}' where name = 'alpha'; "
      "update bundlesync.template_state set generation = generation - 1, changed_xid = pg_current_xact_id() "
      "where name = 'alpha'; select pg_notify('bundlesync', 'alpha')");
  expect_refused("generation_lower", "hold template=alpha", "held");
}

TEST_F(Refusals, AnEqualGenerationThatNamesAnotherVersion) {
  plant(
      "update templates set default_version_id = '{v}' where name = 'alpha'; "
      "update bundlesync.template_state set changed_xid = pg_current_xact_id() where name = 'alpha'; "
      "select pg_notify('bundlesync', 'alpha')");
  expect_refused("generation_reused");
}

TEST_F(Refusals, AForgedNotificationChangesNothing) {
  for (const auto* payload : {"alpha", "beta", "no such template", "../../etc", ""}) {
    sql(fmt::format("select pg_notify('bundlesync', '{}')", payload));
  }
  EXPECT_TRUE(
      wait_until(std::chrono::seconds(5), [&] { return metric(*agent_, "bundlesync_notifications_total") >= 1; }));
  move("alpha", "1.1.0");  // and it still listens
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0")) << agent_->log();
  agent_->wait_for({"activate ", "alpha=1.0.0→1.1.0"});
  EXPECT_EQ(agent_->messages_with({"activate "}).size(), 2U) << agent_->log();
  EXPECT_EQ(fingerprint(home_ / "fallback"), fallback_before_);
}

}  // namespace
}  // namespace bundlesync::tests
