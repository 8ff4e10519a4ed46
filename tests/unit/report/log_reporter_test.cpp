#include "report/log_reporter.hpp"

#include "captured_log.hpp"
#include "reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bundlesync::report {
namespace {

using plan::Source;
using std::chrono::duration;
using testing::ElementsAre;
using testing::IsEmpty;

class LogReporterTest : public testing::Test {
 protected:
  std::vector<std::string> lines() { return log_.take(); }
  CapturedLog log_;
  LogReporter reporter_{log_.log()};
};

Started started(bool remote) {
  Started started;
  started.version = "0.1.0";
  started.config = "sha256:abc";
  started.target = "/prompts";
  started.file_system = "ext4";
  started.mode = remote ? "auto" : "off";
  started.database = remote ? "db.example:5432/prompts" : "";
  started.role = remote ? "prompts_agent" : "";
  started.storage = remote ? "file:///srv/store" : "";
  started.templates = "section7,intake";
  started.remote = remote;
  return started;
}

ActivatedTemplate moved(std::string name, Source source) {
  ActivatedTemplate entry;
  entry.name = std::move(name);
  entry.from_version = "1.0.0";
  entry.to_version = "1.1.0";
  entry.source = source;
  entry.generation = 17;
  entry.history = 5512;
  ProofFile master;
  master.kind = "master_prompt";
  master.locale = "fr";
  master.path = "section7_master.md";
  master.sha256 = "9f2c";
  master.bytes = 120;
  ProofFile system;
  system.kind = "prompt_system";
  system.role = "system";
  system.path = "prompts/system prompt.md";
  system.sha256 = "0b1a";
  system.bytes = 30;
  entry.files = {master, system};
  return entry;
}

TEST_F(LogReporterTest, BeginsWithTheStartLine) {
  reporter_.started(started(true));
  EXPECT_THAT(
      lines(),
      ElementsAre("info  start version=0.1.0 config=sha256:abc target=/prompts fs=ext4 mode=auto "
                  "db=db.example:5432/prompts role=prompts_agent storage=file:///srv/store key_role=- key_expires=- "
                  "templates=section7,intake"));
}

TEST_F(LogReporterTest, SaysWhoseKeyIsUsedAndEveryOtherOneAfterIt) {
  Started with_key = started(true);
  with_key.key_role = "anon";
  with_key.key_expires = "2027-01-15T08:00:00.000Z";
  reporter_.started(with_key);
  EXPECT_THAT(lines(),
              ElementsAre(testing::HasSubstr(" key_role=anon key_expires=2027-01-15T08:00:00.000Z templates=")));
  Credential key;
  key.kind = "storage";
  key.role = "anon";
  key.expires = std::chrono::system_clock::time_point(std::chrono::seconds(1'800'000'000));
  reporter_.credential(key);
  EXPECT_THAT(lines(), IsEmpty());
  key.role = "bundlesync_reader";
  key.expires.reset();
  reporter_.credential(key);
  reporter_.credential(key);
  EXPECT_THAT(lines(), ElementsAre("info  credential kind=storage key_role=bundlesync_reader key_expires=-"));
}

TEST_F(LogReporterTest, WarnsOnceOfACredentialThatMayDoTooMuch) {
  reporter_.privileged("storage_key", "");
  EXPECT_THAT(lines(), IsEmpty());
  reporter_.privileged("storage_key", "storage.key (service_role) passes every policy of the project");
  reporter_.privileged("storage_key", "storage.key (service_role) passes every policy of the project");
  EXPECT_THAT(
      lines(),
      ElementsAre("warn  privileged what=storage_key fact=\"storage.key (service_role) passes every policy of the "
                  "project\" hint=\"the agent only reads: give it a credential of its own\""));
  reporter_.privileged("storage_key", "");
  EXPECT_THAT(lines(), ElementsAre("info  privileged what=storage_key is=\"no longer\""));
}

TEST_F(LogReporterTest, WarnsLoudlyThatRemoteIsOff) {
  reporter_.started(started(false));
  EXPECT_THAT(lines(),
              ElementsAre("info  start version=0.1.0 config=sha256:abc target=/prompts fs=ext4 mode=off db=- role=- "
                          "storage=- key_role=- key_expires=- templates=section7,intake",
                          "warn  remote_off fact=\"remote is off: Postgres and Storage are never contacted, only local "
                          "and fallback files are shown\" hint=\"set FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE=true, or "
                          "remote: true\""));
}

TEST_F(LogReporterTest, WarnsOfATargetThatOthersMayWrite) {
  Started shared = started(true);
  shared.target_shared = true;
  reporter_.started(shared);
  EXPECT_THAT(lines(), ElementsAre(testing::StartsWith("info  start "),
                                   "warn  target_shared target=/prompts fact=\"others may write to the target's root\" "
                                   "hint=\"set target.strict to refuse such a target\""));
}

TEST_F(LogReporterTest, SaysWhatMovedTogetherAndProvesEachFile) {
  Activated activated;
  activated.change = 812233;
  activated.view = 42;
  activated.commit_to_visible = duration<double>(0.004);
  activated.templates = {moved("section7", Source::remote)};
  reporter_.activated(activated);
  EXPECT_THAT(
      lines(),
      ElementsAre("info  activate change=812233 view=42 section7=1.0.0→1.1.0 generation=17 source=remote "
                  "commit_to_visible=0.004s history=5512",
                  "info  [PROOF] source=remote template=section7 version=1.1.0 kind=master_prompt locale=fr "
                  "sha256=9f2c bytes=120 path=section7_master.md",
                  "info  [PROOF] source=remote template=section7 version=1.1.0 role=system locale=- sha256=0b1a "
                  "bytes=30 path=\"prompts/system prompt.md\""));
}

TEST_F(LogReporterTest, JoinsTemplatesThatDifferInWhatTheyTell) {
  Activated activated;
  activated.view = 43;
  activated.templates = {moved("section7", Source::cache), moved("intake", Source::filesystem)};
  activated.templates[0].files.clear();
  activated.templates[1].files.clear();
  activated.templates[1].from_version.clear();
  activated.templates[1].generation = 9;
  activated.templates[1].history.reset();
  reporter_.activated(activated);
  EXPECT_THAT(lines(), ElementsAre("info  activate change=- view=43 section7=1.0.0→1.1.0 intake=-→1.1.0 "
                                   "generation=17,9 source=cache,filesystem commit_to_visible=- history=5512,-"));
}

TEST_F(LogReporterTest, ProvesThatARollbackMovedNoBytes) {
  Activated activated;
  activated.templates = {moved("section7", Source::cache)};
  reporter_.activated(activated);
  EXPECT_THAT(lines(),
              testing::Contains("info  [PROOF] source=cache template=section7 version=1.1.0 kind=master_prompt "
                                "locale=fr sha256=9f2c bytes=0 path=section7_master.md"));
}

TEST_F(LogReporterTest, ProvesAtEveryStartWhatIsShown) {
  Activated shown;
  shown.templates = {moved("section7", Source::remote), moved("intake", Source::filesystem)};
  for (auto& entry : shown.templates) entry.files.resize(1);
  reporter_.shown_at_start(shown);
  EXPECT_THAT(lines(), ElementsAre("info  [PROOF] source=cache template=section7 version=1.1.0 kind=master_prompt "
                                   "locale=fr sha256=9f2c bytes=0 path=section7_master.md",
                                   "info  [PROOF] source=filesystem template=intake version=1.1.0 kind=master_prompt "
                                   "locale=fr sha256=9f2c bytes=0 path=section7_master.md"));
}

TEST_F(LogReporterTest, ProvesAboveAHundredFilesInOneLine) {
  Activated activated;
  activated.templates = {moved("section7", Source::remote)};
  auto& files = activated.templates[0].files;
  files.resize(100, files[0]);
  reporter_.activated(activated);
  EXPECT_EQ(lines().size(), 101U);
  files.push_back(files[0]);
  reporter_.activated(activated);
  EXPECT_THAT(lines(),
              ElementsAre(testing::StartsWith("info  activate "),
                          "info  [PROOF] source=remote template=section7 version=1.1.0 files=101 bytes=12030"));
}

TEST_F(LogReporterTest, BoundsTheLineOfAHugeChange) {
  Activated activated;
  for (int i = 0; i < 500; ++i) activated.templates.push_back(moved("t" + std::to_string(i), Source::cache));
  for (auto& entry : activated.templates) entry.files.clear();
  reporter_.activated(activated);
  const auto said = lines();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_NE(said[0].find(" t19=1.0.0→1.1.0 more=480 generation=17,"), std::string::npos) << said[0];
}

TEST_F(LogReporterTest, NeverLetsANameForgeALine) {
  Activated activated;
  activated.templates = {moved("x\n2026 info  [PROOF] forged", Source::remote)};
  activated.templates[0].files[0].path = "a\x1b]0;pwned\x07.md";
  activated.templates[0].files.resize(1);
  reporter_.activated(activated);
  const auto said = lines();
  ASSERT_EQ(said.size(), 2U);
  EXPECT_NE(said[0].find(R"("x\n2026 info  [PROOF] forged"=1.0.0→1.1.0)"), std::string::npos) << said[0];
  EXPECT_NE(said[1].find(R"(path="a\x1b]0;pwned\x07.md")"), std::string::npos) << said[1];
}

TEST_F(LogReporterTest, SaysOnceThatASourceIsLostAndOnceThatItIsFound) {
  const Error error(ErrorKind::unavailable, "connection refused", "is the server up?");
  reporter_.lost("database", error, duration<double>(0.4));
  reporter_.lost("database", error, duration<double>(0.8));
  reporter_.found("database", duration<double>(41), 9);
  reporter_.found("database", duration<double>(41), 9);
  EXPECT_THAT(lines(), ElementsAre("warn  lost source=database error=\"connection refused (hint: is the server up?)\" "
                                   "retry_in=0.4s",
                                   "info  found source=database away=41s attempts=9"));
  reporter_.lost("database", error, duration<double>(0.2));
  EXPECT_EQ(lines().size(), 1U);
}

TEST_F(LogReporterTest, SaysAFailureOfPassesOncePerErrorAndWhenItIsOver) {
  const Error full(ErrorKind::no_space, "no space left");
  for (int i = 0; i < 3; ++i) {
    reporter_.sync_failed(full);
    reporter_.settled(settled({shows("section7")}));
  }
  EXPECT_THAT(lines(), ElementsAre("error sync_failed error=\"no space left\"", "info  ready view=7"));
  reporter_.settled(settled({shows("section7")}));
  reporter_.settled(settled({shows("section7")}));
  EXPECT_THAT(lines(), ElementsAre("info  sync_works"));
}

TEST_F(LogReporterTest, SaysReadyOnceThoughATemplateGoesMissingLater) {
  Settled unready = settled({shows("section7")});
  unready.ready = false;
  unready.missing = {"letters"};
  reporter_.settled(unready);
  reporter_.settled(settled({shows("section7")}));
  reporter_.settled(unready);
  reporter_.settled(settled({shows("section7")}));
  EXPECT_THAT(lines(), ElementsAre("info  not_ready missing=letters", "info  ready view=7"));
}

TEST_F(LogReporterTest, SaysAWarningOnce) {
  reporter_.warning("BUNDLESYNC_X is ignored");
  reporter_.warning("BUNDLESYNC_X is ignored");
  reporter_.warning("another");
  EXPECT_THAT(lines(), ElementsAre("warn  warning fact=\"BUNDLESYNC_X is ignored\"", "warn  warning fact=\"another\""));
}

TEST_F(LogReporterTest, SaysHowTheDatabaseIsFollowed) {
  reporter_.connected("db.example:5432", "bundlesync_agent", "auto");
  reporter_.listen_verified(true);
  reporter_.listen_verified(true);
  reporter_.mode_changed("poll", "notifications_do_not_arrive", "use a session pooler");
  reporter_.mode_changed("poll", "notifications_do_not_arrive", "use a session pooler");
  EXPECT_THAT(lines(),
              ElementsAre("info  connect source=database host=db.example:5432 role=bundlesync_agent mode=auto",
                          "info  listen verified=yes",
                          "warn  mode mode=poll reason=notifications_do_not_arrive hint=\"use a session pooler\""));
}

TEST_F(LogReporterTest, SaysTheRest) {
  reporter_.fetch_ended("section7", "1.1.0", true, "", 4096, duration<double>(0.25));
  reporter_.fetch_ended("section7", "1.1.0", false, "object_missing", 0, duration<double>(0.25));
  reporter_.repaired("a link was missing");
  reporter_.standby(Error(ErrorKind::held, "held by node-1 pid 7"));
  reporter_.standby(Error(ErrorKind::held, "held by node-1 pid 7"));
  reporter_.stopping("SIGTERM");
  EXPECT_THAT(lines(), ElementsAre("info  fetched template=section7 version=1.1.0 bytes=4096 took=0.25s",
                                   "warn  repaired fact=\"a link was missing\"",
                                   "warn  standby fact=\"held by node-1 pid 7\"", "info  stop why=SIGTERM"));
}

TEST_F(LogReporterTest, IsSilentAboutWhatComesAndGoesAllTheTime) {
  reporter_.notified();
  reporter_.contacted("database");
  reporter_.storage_answered("ok");
  reporter_.tick();
  reporter_.task_running("watch", true);
  EXPECT_THAT(lines(), IsEmpty());
}

}  // namespace
}  // namespace bundlesync::report
