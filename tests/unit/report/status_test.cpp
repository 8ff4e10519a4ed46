#include "report/status.hpp"

#include "fakes/manual_clock.hpp"
#include "reports.hpp"

#include <gtest/gtest.h>

namespace bundlesync::report {
namespace {

using namespace std::chrono_literals;

class StatusTest : public testing::Test {
 protected:
  void start() {
    Started started;
    started.version = "0.1.0";
    started.config = "sha256:abc";
    started.target = "/prompts";
    started.remote = true;
    started.mode = "listen";
    ages_.expects("database");
    board_.started(started);
  }
  void settle(const Settled& settled) {
    ages_.settled(settled);
    board_.settled(settled);
  }

  asio::io_context io_;
  fakes::ManualClock clock_{io_};
  Ages ages_{clock_};
  StatusBoard board_{clock_, ages_};
};

TEST_F(StatusTest, IsThisDocument) {
  start();
  clock_.advance(2s);
  ages_.contacted("database");
  board_.connected("db.example:5432", "bundlesync_agent");
  board_.listen_verified(true);
  Credential key;
  key.kind = "storage";
  key.role = "anon";
  key.expires = std::chrono::system_clock::time_point(1'800'000'000s);
  board_.credential(key);
  board_.privileged("database_role", true);
  Settled now = settled({wants("section7", plan::State::refused, "digest_mismatch", "path=a.md")});
  now.disk_bytes = {{"trees", 1000}, {"cache", 24}};
  now.disk_budget_bytes = 4096;
  settle(now);
  clock_.advance(3s);
  EXPECT_EQ(status_to_json(board_.snapshot()), R"({
  "schema_version": 1,
  "agent_version": "0.1.0",
  "config": "sha256:abc",
  "started_at": "2026-01-01T00:00:00.000Z",
  "written_at": "2026-01-01T00:00:05.000Z",
  "standby": null,
  "target": "/prompts",
  "remote": true,
  "mode": "listen",
  "listen_verified": true,
  "host": "db.example:5432",
  "role": "bundlesync_agent",
  "key_role": "anon",
  "key_expires": "2027-01-15T08:00:00.000Z",
  "privileged": [
    "database_role"
  ],
  "ready": true,
  "missing": [],
  "view": 7,
  "epoch": "e1",
  "sources": [
    {
      "source": "database",
      "reachable": true,
      "last_contact": "2026-01-01T00:00:02.000Z",
      "error": null
    }
  ],
  "last_error": null,
  "last_error_at": null,
  "problems": [],
  "disk_bytes": {
    "cache": 24,
    "trees": 1000
  },
  "disk_budget_bytes": 4096,
  "templates": [
    {
      "template": "section7",
      "state": "refused",
      "version": "1.0.0",
      "manifest_sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "source": "remote",
      "since": "2026-01-01T00:00:00.000Z",
      "generation": 1,
      "desired_version": "1.1.0",
      "desired_generation": 2,
      "out_of_date_since": "2026-01-01T00:00:02.000Z",
      "reason": "digest_mismatch",
      "detail": "path=a.md",
      "next_try": null,
      "path": "/prompts/section7",
      "prefetched": false
    }
  ]
}
)");
}

TEST_F(StatusTest, ReadsBackWhatItWrote) {
  start();
  board_.lost("database", Error(ErrorKind::unavailable, "connection \"refused\"\n", "start it"));
  board_.standby(Error(ErrorKind::held, "held by node-1"));
  Settled now = settled({shows("section7"), wants("intake", plan::State::retrying, "storage_unavailable", "détail")});
  now.missing = {"letters"};
  now.problems = {"a trigger is missing"};
  now.disk_bytes = {{"trees", 5}};
  settle(now);
  const Status status = board_.snapshot();
  const auto back = status_from_json(status_to_json(status));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, status);
}

TEST_F(StatusTest, NamesEachCredentialThatMayDoTooMuchWhileItMay) {
  start();
  EXPECT_TRUE(board_.privileged("storage_key", true));
  EXPECT_FALSE(board_.privileged("storage_key", true));
  EXPECT_TRUE(board_.privileged("database_role", true));
  EXPECT_TRUE(board_.privileged("storage_key", false));
  EXPECT_FALSE(board_.privileged("never_said", false));
  EXPECT_EQ(board_.snapshot().privileged, std::vector<std::string>{"database_role"});
  EXPECT_EQ(status_from_json(status_to_json(board_.snapshot())).value(), board_.snapshot());
}

TEST_F(StatusTest, SaysWhyASourceIsAwayUntilItAnswers) {
  start();
  EXPECT_FALSE(board_.snapshot().sources.at(0).reachable);
  EXPECT_EQ(board_.snapshot().sources.at(0).last_contact, "");
  board_.lost("database", Error(ErrorKind::unavailable, "connection refused"));
  EXPECT_EQ(board_.snapshot().sources.at(0).error, "connection refused");
  EXPECT_EQ(board_.snapshot().last_error, "connection refused");
  ages_.contacted("database");
  board_.contacted("database");
  EXPECT_TRUE(board_.snapshot().sources.at(0).reachable);
  EXPECT_EQ(board_.snapshot().sources.at(0).error, "");
  EXPECT_EQ(board_.snapshot().last_error, "connection refused");
}

TEST_F(StatusTest, RefusesADocumentOfAnotherSchema) {
  const auto status = status_from_json(R"({"schema_version": 2, "news": true})");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().text(),
            "the status has schema_version 2, this bundlesync reads 1\n"
            "hint: use the bundlesync of the same version as the agent");
  EXPECT_EQ(status.error().reason(), "schema_unknown");
}

TEST_F(StatusTest, RefusesWhatIsNoStatus) {
  EXPECT_EQ(status_from_json("{").error().reason(), "json_invalid");
  EXPECT_EQ(status_from_json("[]").error().reason(), "json_wrong_type");
  EXPECT_EQ(status_from_json("{}").error().reason(), "json_missing_key");
}

}  // namespace
}  // namespace bundlesync::report
