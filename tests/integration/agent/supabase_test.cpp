#include "bed.hpp"
#include "support/supabase_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

// The agent between a real PostgreSQL and the stand-in for Supabase Storage.
namespace bundlesync::tests {
namespace {

namespace fs = std::filesystem;
using std::chrono::system_clock;

constexpr const char* bucket = "template-artifacts";
constexpr const char* reader_role = "bundlesync_reader";
const std::string other_secret = "another-jwt-secret-with-at-least-32-characters";

class OverSupabase : public AgentBed {
 protected:
  OverSupabase() {
    supabase::Bucket made;
    made.name = bucket;
    storage_.create_bucket(made);
    supabase::Policy read;
    read.bucket = bucket;
    read.role = reader_role;
    read.commands = {"select"};
    storage_.allow(read);
    write_key("publisher.key", storage_.token("service_role"));
    write_key("agent.key", storage_.token(reader_role, expires_));
    environment_["BUNDLESYNC_STORAGE_URL"] = storage_.url();
    environment_["BUNDLESYNC_STORAGE_KEY_FILE"] = home_ / "agent.key";
  }

  /// As whoever replaces a secret does: whole or not at all.
  void write_key(const std::string& name, const std::string& key) const {
    std::ofstream(home_ / "new.key") << key << '\n';
    fs::rename(home_ / "new.key", home_ / name);
  }
  void publish(const std::string& template_name, const std::string& version, bool set_default = false) {
    environment_["BUNDLESYNC_STORAGE_KEY_FILE"] = home_ / "publisher.key";
    AgentBed::publish(template_name, version, set_default);
    environment_["BUNDLESYNC_STORAGE_KEY_FILE"] = home_ / "agent.key";
  }
  std::unique_ptr<AgentProcess> start(const Environment& more = {}) {
    storage_.forget_requests();
    return AgentBed::start(more);
  }

  SupabaseServer storage_;
  /// 2099-01-01T00:00:00Z
  const system_clock::time_point expires_ = system_clock::time_point(std::chrono::seconds(4'070'908'800));
};

TEST_F(OverSupabase, TheFirstSyncReadsEveryFileAsItsOwnRole) {
  publish("alpha", "1.0.0", true);
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  agent->wait_for({"start ", "storage=" + storage_.url() + "/template-artifacts",
                   "key_role=bundlesync_reader key_expires=2099-01-01T00:00:00.000Z"});
  agent->wait_for({"[PROOF] source=remote template=alpha version=1.0.0"});
  EXPECT_TRUE(comes_to_answer(*agent, "/readyz", 200));

  const auto requests = storage_.requests();
  EXPECT_EQ(requests.size(), 3U);
  for (const auto& request : requests) {
    EXPECT_EQ(request.method, "GET");
    EXPECT_TRUE(request.target.starts_with("/storage/v1/object/authenticated/template-artifacts/alpha/v1.0.0/"));
    EXPECT_EQ(request.status, 200);
  }
  EXPECT_EQ(metric(*agent, "bundlesync_storage_requests_total{code=\"ok\"}"), 3);
  EXPECT_EQ(metric(*agent, "bundlesync_credential_expires_timestamp_seconds{kind=\"storage\"}"), 4'070'908'800);
  EXPECT_EQ(metric(*agent, "bundlesync_privileged{what=\"storage_key\"}"), 0);
  EXPECT_EQ(metric(*agent, "bundlesync_privileged{what=\"database_role\"}"), 0);
  const auto status = agent->status();
  EXPECT_EQ(text_of(status, "key_role"), "bundlesync_reader");
  EXPECT_EQ(text_of(status, "key_expires"), "2099-01-01T00:00:00.000Z");
  EXPECT_TRUE(status.at("privileged").as_array().empty());
  EXPECT_TRUE(agent->messages_with({"privileged "}).empty()) << agent->log();
}

TEST_F(OverSupabase, ARollbackAsksStorageNothing) {
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  move("alpha", "1.1.0");
  ASSERT_TRUE(comes_to_show("alpha", "1.1.0")) << agent->log();
  storage_.forget_requests();
  move("alpha", "1.0.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.0.0", one_second)) << agent->log();
  agent->wait_for({"activate ", "alpha=1.1.0→1.0.0", "source=cache"});
  EXPECT_TRUE(storage_.requests().empty());
}

TEST_F(OverSupabase, AKeyThatMayNotReadIsToldWithItsRoleAndExpiry) {
  publish("alpha", "1.0.0", true);
  write_key("agent.key", storage_.token("anon", expires_));
  const auto agent = start();
  const auto line = agent->wait_for({"retrying template=alpha version=1.0.0 reason=object_missing"});
  EXPECT_NE(line.find("storage answered NoSuchKey as role anon, whose key expires 2099-01-01T00:00:00Z"),
            std::string::npos)
      << line;
  EXPECT_TRUE(comes_to_say(*agent, "alpha", "retrying"));
  EXPECT_NE(text_of(agent->status_of("alpha"), "detail").find("as role anon"), std::string::npos);
  EXPECT_GE(metric(*agent, "bundlesync_storage_requests_total{code=\"object_missing\"}"), 1);
  EXPECT_FALSE(fs::exists(target_ / "alpha"));
}

TEST_F(OverSupabase, AnExpiredKeyIsCalledExpired) {
  publish("alpha", "1.0.0", true);
  write_key("agent.key", storage_.token(reader_role, system_clock::time_point(std::chrono::seconds(1'700'000'000))));
  const auto agent = start();
  const auto line = agent->wait_for({"retrying template=alpha version=1.0.0 reason=key_expired"});
  EXPECT_NE(line.find("as role bundlesync_reader, whose key expired 2023-11-14T22:13:20Z"), std::string::npos) << line;
  EXPECT_NE(line.find("make a new one and put it where storage.key is set"), std::string::npos) << line;
}

TEST_F(OverSupabase, AKeyThatWasReplacedInItsFileIsUsedWithoutARestart) {
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  storage_.change_secret(other_secret);
  move("alpha", "1.1.0");
  agent->wait_for({"retrying template=alpha version=1.1.0 reason=access_denied", "signature verification failed"});
  EXPECT_EQ(shown("alpha"), "1.0.0");

  const auto later = expires_ + std::chrono::hours(24);
  write_key("agent.key", storage_.token(reader_role, later));
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0", std::chrono::seconds(20))) << agent->log();
  agent->wait_for({"credential kind=storage key_role=bundlesync_reader key_expires=2099-01-02T00:00:00.000Z"});
  EXPECT_EQ(text_of(agent->status(), "key_expires"), "2099-01-02T00:00:00.000Z");
}

TEST_F(OverSupabase, WithStorageAwayTheFallbackIsShownUntilItIsBack) {
  publish("alpha", "1.0.0", true);
  fs::create_directories(home_ / "fallback" / "alpha");
  std::ofstream(home_ / "fallback" / "alpha" / "master.md") << "# bare\n";
  oracle_.add("alpha", "filesystem", {{"master.md", "# bare\n"}});
  storage_.stop();
  const auto agent = start({{"BUNDLESYNC_FALLBACK_DIR", home_ / "fallback"}});
  ASSERT_TRUE(comes_to_show("alpha", "filesystem")) << agent->log();
  agent->wait_for({"fallback template=alpha source=filesystem"});
  EXPECT_TRUE(comes_to_answer(*agent, "/readyz", 200));
  EXPECT_GE(metric(*agent, "bundlesync_storage_requests_total{code=\"connect_failed\"}"), 1)
      << agent->get("/metrics").body;

  storage_.start();
  EXPECT_TRUE(comes_to_show("alpha", "1.0.0", std::chrono::seconds(20))) << agent->log();
}

TEST_F(OverSupabase, TruncatedAndBusyAnswersAreTriedAgainAndShowNothingMeanwhile) {
  publish("alpha", "1.0.0", true);
  StorageFault cut;
  cut.target_has = "master.md";
  cut.cut_after = 320;
  cut.times = 1;
  storage_.add(cut);
  StorageFault busy;
  busy.target_has = "license.txt";
  busy.answer = supabase::error_answer(544, "544", "DatabaseTimeout", "timeout", "DatabaseTimeout");
  busy.times = 1;
  storage_.add(busy);
  const auto agent = start();
  EXPECT_TRUE(comes_to_show("alpha", "1.0.0", std::chrono::seconds(20))) << agent->log();
  for (const std::string name : {"master.md", "license.txt"}) {
    const auto seen = storage_.requests();
    const auto asked = std::ranges::count_if(seen, [&](const SeenRequest& one) { return one.target.ends_with(name); });
    EXPECT_GE(asked, 2) << name << " was not asked for again\n" << agent->log();
  }
}

TEST_F(OverSupabase, HtmlInPlaceOfAFileIsRefusedByItsDigest) {
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  StorageFault portal;
  portal.target_has = "v1.1.0/master.md";
  portal.answer = supabase::Answer();
  portal.answer->headers = {{"content-type", "text/html"}};
  portal.answer->body = "<html>log in</html>";
  storage_.add(portal);
  move("alpha", "1.1.0");
  agent->wait_for({"refuse template=alpha version=1.1.0 reason=size_mismatch"});
  EXPECT_EQ(shown("alpha"), "1.0.0");
}

TEST_F(OverSupabase, CredentialsThatMayDoMoreThanReadAreWarnedOf) {
  publish("alpha", "1.0.0", true);
  write_key("agent.key", storage_.token("service_role"));
  const auto agent = start({{"BUNDLESYNC_DATABASE_URL", server_.url(database_)}});
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  agent->wait_for({"privileged what=storage_key", "storage.key (service_role) passes every policy of the project",
                   "the agent only reads: give it a credential of its own"});
  agent->wait_for({"privileged what=database_role", "is a superuser"});
  EXPECT_EQ(metric(*agent, "bundlesync_privileged{what=\"storage_key\"}"), 1);
  EXPECT_EQ(metric(*agent, "bundlesync_privileged{what=\"database_role\"}"), 1);
  EXPECT_EQ(agent->status().at("privileged").as_array().size(), 2U);
  EXPECT_EQ(agent->messages_with({"privileged what=storage_key"}).size(), 1U) << agent->log();
}

TEST_F(OverSupabase, AMemberOfThePublishersIsWarnedOfAsWell) {
  server_.exec("postgres",
               "do $$ begin create role prompts_both login in role bundlesync_agent, bundlesync_publisher; "
               "exception when duplicate_object then null; end $$");
  publish("alpha", "1.0.0", true);
  const auto agent = start({{"BUNDLESYNC_DATABASE_URL", server_.url(database_, "prompts_both")}});
  agent->wait_for({"privileged what=database_role", "prompts_both is a member of bundlesync_publisher"});
}

TEST_F(OverSupabase, NoKeyIsEverInWhatOperatorsSee) {
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  const std::string key = storage_.token(reader_role, expires_);
  const std::string signature = key.substr(key.rfind('.') + 1);
  const auto agent = start({{"BUNDLESYNC_LOG_LEVEL", "debug"}});
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  storage_.change_secret(other_secret);
  move("alpha", "1.1.0");
  agent->wait_for({"retrying template=alpha version=1.1.0 reason=access_denied"});
  EXPECT_EQ(agent->log().find(signature), std::string::npos);
  for (const auto* path : {"/", "/status", "/metrics", "/readyz", "/healthz"}) {
    EXPECT_EQ(agent->get(path).body.find(signature), std::string::npos) << path;
  }
  const Ended status = command({"status", "--json"});
  EXPECT_EQ((status.out + status.err).find(signature), std::string::npos);
  const Ended print = command({"config", "print", "--origin"});
  EXPECT_EQ((print.out + print.err).find(signature), std::string::npos);

  environment_["BUNDLESYNC_STORAGE_KEY_FILE"] = home_ / "publisher.key";
  fs::create_directories(home_ / "late");
  std::ofstream(home_ / "late" / "a.md") << "late\n";
  const Ended late = command({"publish", home_ / "late", "--template", "late", "--version", "1.0.0"},
                             {{"BUNDLESYNC_DATABASE_URL", server_.url(database_)}});
  EXPECT_EQ(late.code, 4) << late.err;
  EXPECT_NE(
      late.err.find("storage answered AccessDenied to the upload of 'late/v1.0.0/a.md' as role service_role, whose "
                    "key never expires: signature verification failed"),
      std::string::npos)
      << late.err;
}

}  // namespace
}  // namespace bundlesync::tests
