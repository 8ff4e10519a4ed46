#include "support/postgres_server.hpp"
#include "support/process.hpp"
#include "support/supabase_server.hpp"
#include "support/temp_dir.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

// bundlesync bucket, as somebody runs it, against the stand-in and a real PostgreSQL.
namespace bundlesync::tests {
namespace {

constexpr const char* bucket = "template-artifacts";

class BucketCommand : public testing::Test {
 protected:
  BucketCommand() {
    // What the policy in the database would do.
    supabase::Policy read;
    read.bucket = bucket;
    read.role = "bundlesync_reader";
    read.commands = {"select"};
    storage_.allow(read);
    environment_["BUNDLESYNC_STORAGE_URL"] = storage_.url();
    environment_["BUNDLESYNC_STORAGE_KEY"] = storage_.token("service_role");
    environment_["BUNDLESYNC_AGENT_STORAGE_KEY"] = storage_.token("bundlesync_reader");
  }
  void use_database(bool with_storage = true) {
    auto& server = PostgresServer::shared();
    database_ = server.create_database();
    if (with_storage) {
      std::ostringstream schema;
      schema << std::ifstream(STORAGE_SCHEMA).rdbuf();
      server.exec(database_, schema.str());
    }
    environment_["DATABASE_URL"] = server.url(database_);
  }
  Ended bucket_verb(std::vector<std::string> words) const {
    words.insert(words.begin(), {BUNDLESYNC_PROGRAM, "bucket"});
    auto ended = run(Command{std::move(words), environment_, std::nullopt, std::nullopt});
    for (const auto& [name, value] : environment_) {
      if (name.find("KEY") == std::string::npos || name.ends_with("_FILE")) continue;
      EXPECT_EQ((ended.out + ended.err).find(value), std::string::npos) << "a key was printed";
    }
    return ended;
  }
  /// "policy: ok", a finding a line, from --json.
  static std::string standings(const Ended& ended) {
    std::string text;
    const auto document = boost::json::parse(ended.out);
    for (const auto& row : document.at("findings").as_array()) {
      text += std::string(row.at("what").as_string()) + ": " + std::string(row.at("standing").as_string()) + "\n";
    }
    return text;
  }
  static std::string text_of(const Ended& ended, std::string_view what) {
    const auto document = boost::json::parse(ended.out);
    for (const auto& row : document.at("findings").as_array()) {
      if (row.at("what").as_string() == what) return std::string(row.at("text").as_string());
    }
    return "(not said)";
  }
  /// Bodies of every request but those that change nothing.
  std::size_t changes() const {
    std::size_t count = 0;
    for (const auto& seen : storage_.requests()) count += seen.method == "GET" ? 0U : 1U;
    return count;
  }

  TempDir home_;
  SupabaseServer storage_;
  std::string database_;
  Environment environment_;
};

constexpr const char* proven =
    "publisher_write: ok\nagent_read: ok\nagent_write_refused: ok\nwrong_key_refused: ok\nprobe_removed: ok\n";

TEST_F(BucketCommand, SetupMakesBucketAndPolicyAndProvesItAndCheckAgrees) {
  use_database();
  const auto made = bucket_verb({"setup", "--json"});
  EXPECT_EQ(made.code, 0) << made.out << made.err;
  EXPECT_EQ(standings(made), std::string("bucket: changed\nprivate: changed\nsize_limit: changed\ntypes: changed\n"
                                         "row_security: ok\nrole: changed\ngrants: changed\npolicy: changed\n"
                                         "other_policies: ok\n") +
                                 proven);
  EXPECT_TRUE(storage_.keys(bucket).empty()) << "the probe is gone";
  const auto good = bucket_verb({"check", "--json"});
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  const std::string all_ok = std::string(
                                 "bucket: ok\nprivate: ok\nsize_limit: ok\ntypes: ok\nrow_security: ok\nrole: ok\n"
                                 "grants: ok\npolicy: ok\nother_policies: ok\n") +
                             proven;
  EXPECT_EQ(standings(good), all_ok);
  const auto again = bucket_verb({"setup", "--json"});
  EXPECT_EQ(standings(again), all_ok) << "nothing is changed twice";
  EXPECT_TRUE(boost::json::parse(again.out).at("sql").is_null());
}

TEST_F(BucketCommand, CheckReportsDriftAndChangesNothingAndSetupMendsIt) {
  use_database();
  ASSERT_EQ(bucket_verb({"setup"}).code, 0);
  supabase::Bucket drifted;
  drifted.name = bucket;
  drifted.is_public = true;
  drifted.types = {"image/png"};
  storage_.create_bucket(drifted);
  auto& server = PostgresServer::shared();
  server.exec(database_, "alter policy \"bundlesync_read_template-artifacts\" on storage.objects to public");
  storage_.forget_requests();
  const auto found = bucket_verb({"check", "--no-probe", "--json"});
  EXPECT_EQ(found.code, 3) << found.out << found.err;
  EXPECT_EQ(standings(found),
            "bucket: ok\nprivate: drift\nsize_limit: drift\ntypes: drift\nrow_security: ok\nrole: ok\ngrants: ok\n"
            "policy: drift\nother_policies: ok\nprobe: not_proven\n");
  EXPECT_EQ(text_of(found, "policy"),
            "bundlesync_read_template-artifacts lets public select where (bucket_id = 'template-artifacts'::text)");
  EXPECT_EQ(changes(), 0U);
  const auto mended = bucket_verb({"setup", "--json"});
  EXPECT_EQ(mended.code, 0) << mended.out;
  EXPECT_NE(standings(mended).find("private: changed\nsize_limit: changed\ntypes: changed\n"), std::string::npos);
  EXPECT_NE(standings(mended).find("policy: changed\n"), std::string::npos);
  EXPECT_EQ(bucket_verb({"check"}).code, 0);
}

TEST_F(BucketCommand, WithoutTheProjectsDatabaseTheStatementsArePrintedAndRunAsTheyAre) {
  use_database(false);
  const auto made = bucket_verb({"setup"});
  EXPECT_EQ(made.code, 0) << made.out << made.err;
  EXPECT_NE(made.out.find("not proven  policies were not looked at: this database has no schema storage\n"
                          "            hint: run the SQL below in the project's database, as postgres\n"),
            std::string::npos)
      << made.out;
  const auto begins = made.out.find("\nbegin;\n");
  ASSERT_NE(begins, std::string::npos);
  const std::string script = made.out.substr(begins);
  use_database();
  PostgresServer::shared().exec(database_, script);
  const auto good = bucket_verb({"check", "--json"});
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  EXPECT_NE(standings(good).find("policy: ok\n"), std::string::npos);
  use_database(false);
  const auto document = boost::json::parse(bucket_verb({"setup", "--json"}).out);
  EXPECT_EQ("\n" + std::string(document.at("sql").as_string()), script) << "the same in JSON";
}

TEST_F(BucketCommand, ADatabaseLoginThatMayNotIsToldAndGetsTheStatements) {
  use_database();
  auto& server = PostgresServer::shared();
  server.exec(database_, "create role app login");
  environment_["DATABASE_URL"] = server.url(database_, "app");
  const auto denied = bucket_verb({"setup"});
  EXPECT_EQ(denied.code, 4) << denied.out << denied.err;
  EXPECT_NE(denied.out.find("denied      permission denied"), std::string::npos) << denied.out;
  EXPECT_NE(denied.out.find("create policy \"bundlesync_read_template-artifacts\""), std::string::npos);
}

TEST_F(BucketCommand, ReadersAuthenticatedIsSaidPlainly) {
  use_database();
  environment_.erase("BUNDLESYNC_AGENT_STORAGE_KEY");
  const auto made = bucket_verb({"setup", "--readers", "authenticated"});
  EXPECT_EQ(made.code, 0) << made.out << made.err;
  EXPECT_EQ(made.err,
            "note: readers authenticated: every logged-in user of the project may download every bundle\n"
            "note: not in this API: the region, which is the project's (look at its settings), and lifecycle rules "
            "(nothing deletes an object by itself)\n");
  EXPECT_NE(made.out.find("not proven  a read and a write as the agent were left out: give its key by "
                          "--agent-key-file or BUNDLESYNC_AGENT_STORAGE_KEY_FILE\n"),
            std::string::npos);
  // For the other readers this policy is drift.
  EXPECT_EQ(bucket_verb({"check", "--no-probe"}).code, 3);
}

TEST_F(BucketCommand, AnAgentThatMayWriteFailsTheProofAndWhatItWroteIsRemoved) {
  ASSERT_EQ(bucket_verb({"setup"}).code, 0);
  environment_["BUNDLESYNC_AGENT_STORAGE_KEY"] = storage_.token("service_role");
  const auto failed = bucket_verb({"check", "--json"});
  EXPECT_EQ(failed.code, 1) << failed.out;
  EXPECT_EQ(text_of(failed, "agent_write_refused"), "a write as the agent was not refused: it may publish");
  EXPECT_TRUE(storage_.keys(bucket).empty());
}

TEST_F(BucketCommand, AnAgentThatMayNotReadFailsTheProof) {
  ASSERT_EQ(bucket_verb({"setup"}).code, 0);
  storage_.disallow_all();
  const auto failed = bucket_verb({"check", "--json"});
  EXPECT_EQ(failed.code, 1) << failed.out;
  EXPECT_EQ(
      text_of(failed, "agent_read"),
      "a read as the agent, as role bundlesync_reader, whose key never expires: it does not see what was written");
  EXPECT_NE(standings(failed).find("agent_write_refused: ok\nwrong_key_refused: ok\nprobe_removed: ok\n"),
            std::string::npos);
}

TEST_F(BucketCommand, AKeyMadeByAgentKeyReadsAndDoesNotWrite) {
  ASSERT_EQ(bucket_verb({"setup"}).code, 0);
  const Command make{{"/bin/sh", "-c", "printf '%s\\n' \"$SECRET\" | \"$0\" bundlesync_reader 2 >\"$1\"", AGENT_KEY,
                      home_ / "agent-key"},
                     {{"PATH", "/usr/bin:/bin"}, {"SECRET", SupabaseServer::Options().secret}},
                     std::nullopt,
                     std::nullopt};
  ASSERT_EQ(run(make).code, 0);
  environment_.erase("BUNDLESYNC_AGENT_STORAGE_KEY");
  const auto good = bucket_verb({"check", "--agent-key-file", home_ / "agent-key", "--json"});
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  EXPECT_NE(standings(good).find(proven), std::string::npos);
  EXPECT_EQ(text_of(good, "agent_read").find("a read as the agent, as role bundlesync_reader, whose key expires 20"),
            0U);
  environment_["BUNDLESYNC_AGENT_STORAGE_KEY_FILE"] = home_ / "agent-key";
  EXPECT_NE(standings(bucket_verb({"check", "--json"})).find(proven), std::string::npos);
}

TEST_F(BucketCommand, AnExpiredAgentKeyIsDenied) {
  ASSERT_EQ(bucket_verb({"setup"}).code, 0);
  environment_["BUNDLESYNC_AGENT_STORAGE_KEY"] =
      storage_.token("bundlesync_reader", std::chrono::system_clock::now() - std::chrono::hours(1));
  const auto denied = bucket_verb({"check", "--json"});
  EXPECT_EQ(denied.code, 4) << denied.out;
  EXPECT_NE(standings(denied).find("agent_read: denied\nagent_write_refused: not_proven\n"), std::string::npos);
}

TEST_F(BucketCommand, AWriteOfTheAgentThatOnlyFailsIsNoProof) {
  ASSERT_EQ(bucket_verb({"setup"}).code, 0);
  StorageFault full;
  full.method = "POST";
  full.target_has = "-forbidden";
  full.answer = supabase::error_answer(413, "413", "Payload too large", "too large", "EntityTooLarge");
  storage_.add(full);
  const auto failed = bucket_verb({"check", "--json"});
  EXPECT_EQ(failed.code, 1) << failed.out;
  EXPECT_EQ(text_of(failed, "agent_write_refused").find("a write as the agent was not refused, it failed: "), 0U);
  EXPECT_FALSE(boost::json::parse(failed.out).at("good").as_bool());
}

TEST_F(BucketCommand, EachProbeThatIsLeftIsNamed) {
  ASSERT_EQ(bucket_verb({"setup"}).code, 0);
  environment_["BUNDLESYNC_AGENT_STORAGE_KEY"] = storage_.token("service_role");  // may write
  StorageFault stays;
  stays.method = "DELETE";
  stays.times = 1;
  stays.answer = supabase::error_answer(400, "403", "Unauthorized", "Access denied", "AccessDenied");
  storage_.add(stays);
  const auto left = bucket_verb({"check", "--json"});
  ASSERT_EQ(storage_.keys(bucket).size(), 1U) << "the second was removed all the same";
  EXPECT_EQ(text_of(left, "probe_removed").find("the probe " + storage_.keys(bucket)[0] + " was left: "), 0U);
  EXPECT_EQ(standings(left).find("probe_removed: ok"), std::string::npos);
}

TEST_F(BucketCommand, ARoleThatPassesPoliciesIsHandedToNobody) {
  use_database();
  auto& server = PostgresServer::shared();
  server.exec(database_, "do $$ begin create role strong nologin bypassrls; exception when others then null; end $$");
  const auto made = bucket_verb({"setup", "--readers", "strong", "--no-probe", "--json"});
  EXPECT_EQ(made.code, 2) << "setup always proves";
  const auto refused = bucket_verb({"setup", "--readers", "strong", "--json"});
  EXPECT_EQ(text_of(refused, "role"), "role strong passes every policy");
  EXPECT_NE(standings(refused).find("role: drift\n"), std::string::npos);
  EXPECT_EQ(server.exec(database_, "select pg_has_role('authenticator', 'strong', 'member')").text(0, 0), "f");
  EXPECT_EQ(server.exec(database_, "select count(*) from pg_policies where schemaname = 'storage'").text(0, 0), "0");
}

TEST_F(BucketCommand, ALoginThatCannotGrantIsToldSoAndGetsTheStatements) {
  use_database();
  ASSERT_EQ(bucket_verb({"setup"}).code, 0);
  auto& server = PostgresServer::shared();
  server.exec(database_, "revoke select on storage.objects from bundlesync_reader");
  server.exec(database_,
              "do $$ begin create role demoted login createrole; exception when others then null; end $$; "
              "grant usage on schema storage to demoted; grant select on storage.objects to demoted");
  environment_["DATABASE_URL"] = server.url(database_, "demoted");
  const auto denied = bucket_verb({"setup"});
  EXPECT_EQ(denied.code, 4) << denied.out << denied.err;
  EXPECT_NE(denied.out.find("denied      bundlesync_reader may not select from storage.objects at all\n"
                            "            hint: have the owner of storage.objects (supabase_storage_admin, or "
                            "supabase_admin) run the SQL below\n"),
            std::string::npos)
      << denied.out;
  EXPECT_NE(denied.out.find("grant select on storage.objects to \"bundlesync_reader\""), std::string::npos);
}

TEST_F(BucketCommand, ALockThatIsNotToBeHadIsWaitedForAndNotForLong) {
  use_database();
  auto& server = PostgresServer::shared();
  auto holder = server.connect(database_);
  (void)value_of(holder.exec("begin; lock table storage.objects in access share mode"));
  const auto busy = bucket_verb({"setup"});
  EXPECT_EQ(busy.code, 1) << busy.out << busy.err;
  EXPECT_NE(busy.out.find("failed      canceling statement due to lock timeout"), std::string::npos) << busy.out;
  EXPECT_NE(busy.out.find("create policy \"bundlesync_read_template-artifacts\""), std::string::npos);
  EXPECT_NE(busy.out.find("changed     'template-artifacts' is there"), std::string::npos) << "what was done is said";
}

TEST_F(BucketCommand, AServerThatTakesAWrongKeyFailsTheProof) {
  ASSERT_EQ(bucket_verb({"setup"}).code, 0);
  StorageFault takes_all;
  takes_all.method = "GET";
  takes_all.target_has = "/object/authenticated/";
  takes_all.skip = 2;  // the publisher's and the agent's own
  takes_all.answer = supabase::Answer();
  storage_.add(takes_all);
  const auto failed = bucket_verb({"check", "--json"});
  EXPECT_EQ(failed.code, 1) << failed.out;
  EXPECT_EQ(text_of(failed, "wrong_key_refused"), "a read with a wrong key was not refused");
}

TEST_F(BucketCommand, AProbeThatCannotBeRemovedIsNamed) {
  ASSERT_EQ(bucket_verb({"setup"}).code, 0);
  StorageFault stays;
  stays.method = "DELETE";
  stays.answer = supabase::error_answer(400, "403", "Unauthorized", "Access denied", "AccessDenied");
  storage_.add(stays);
  const auto left = bucket_verb({"check", "--json"});
  EXPECT_EQ(left.code, 4) << left.out;
  ASSERT_EQ(storage_.keys(bucket).size(), 1U);
  EXPECT_EQ(text_of(left, "probe_removed").find("the probe " + storage_.keys(bucket)[0] + " was left: "), 0U);
}

TEST_F(BucketCommand, KeysThatMayNotAreExit4AndNothingIsMade) {
  environment_["BUNDLESYNC_STORAGE_KEY"] = storage_.token("anon");
  const auto denied = bucket_verb({"setup"});
  EXPECT_EQ(denied.code, 4);
  EXPECT_NE(denied.err.find("error: storage answered AccessDenied to the bucket creation of 'template-artifacts' as "
                            "role anon, whose key never expires: new row violates row-level security policy\n"
                            "hint: only the service role may see and make buckets: is storage.key its key, and of this "
                            "project?\n"),
            std::string::npos)
      << denied.err;
  const auto unseen = bucket_verb({"check"});
  EXPECT_EQ(unseen.code, 3);
  EXPECT_NE(unseen.out.find("drift       there is no bucket 'template-artifacts', or this key may not see it\n"),
            std::string::npos);
}

TEST_F(BucketCommand, ALimitAboveTheProjectsOwnIsSaid) {
  environment_["BUNDLESYNC_LIMITS_FILE"] = "60MiB";
  const auto refused = bucket_verb({"setup"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("hint: limits.file is more than the project takes"), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace bundlesync::tests
