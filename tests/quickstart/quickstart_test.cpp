#include "support/agent_process.hpp"
#include "support/postgres_server.hpp"
#include "support/process.hpp"
#include "support/supabase_server.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <sstream>

// deploy/quickstart, as somebody runs it who has no terminal.
namespace bundlesync::tests {
namespace {

namespace fs = std::filesystem;

constexpr const char* bucket = "template-artifacts";
constexpr const char* password = "p@ss/w:rd is never shown";
constexpr const char* password_in_url = "p%40ss%2Fw%3Ard%20is%20never%20shown";
constexpr std::chrono::minutes patience{2};

/// Processes that carry this text in their environment: everything that was started with our TMPDIR does.
std::vector<std::string> processes_with(const std::string& text) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ostringstream environment;
    environment << std::ifstream(entry.path() / "environ").rdbuf();
    if (environment.str().find(text) != std::string::npos) found.push_back(entry.path().filename());
  }
  return found;
}

/// The lines of `text` that begin with one of these, in order.
std::vector<std::string> titles(const std::string& text) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.front() != ' ') found.push_back(line);
  }
  return found;
}

class Quickstart : public testing::Test {
 protected:
  Quickstart() {
    fs::create_directory(home_ / "tmp");
    fs::permissions(home_ / "tmp", fs::perms::all);
    environment_["PATH"] = "/usr/local/bin:/usr/bin:/bin";
    environment_["TMPDIR"] = home_ / "tmp";
    environment_["QUICKSTART_PROGRAM"] = BUNDLESYNC_PROGRAM;
  }
  Ended quickstart(std::vector<std::string> words = {}) const {
    words.insert(words.begin(), {"/bin/bash", QUICKSTART});
    return run(Command{std::move(words), environment_, std::nullopt, std::nullopt}, patience);
  }
  void expect_nothing_left() const {
    EXPECT_TRUE(fs::is_empty(home_ / "tmp"));
    EXPECT_TRUE(processes_with("TMPDIR=" + (home_ / "tmp").string()).empty());
  }

  TempDir home_;
  Environment environment_;
};

class SupabaseQuickstart : public Quickstart {
 protected:
  SupabaseQuickstart() : database_(server().create_database()) {
    std::ostringstream schema;
    schema << std::ifstream(STORAGE_SCHEMA).rdbuf();
    server().exec(database_, schema.str());
    supabase::Policy read;
    read.bucket = bucket;
    read.role = "bundlesync_reader";
    read.commands = {"select"};
    storage_.allow(read);
    std::string url = server().url(database_);
    url.insert(url.find('@'), std::string(":") + password_in_url);
    environment_["DATABASE_URL"] = url;
    environment_["SUPABASE_URL"] = supabase_url();
    environment_["SUPABASE_SERVICE_ROLE_KEY"] = storage_.token("service_role");
    environment_["BUNDLESYNC_AGENT_STORAGE_KEY"] = storage_.token("bundlesync_reader");
  }
  /// Passwords count on its TCP port.
  static PostgresServer& server() {
    auto& shared = PostgresServer::shared();
    static const bool strict = [&] {
      const std::string data(shared.exec("postgres", "show data_directory").text(0, 0));
      std::ofstream(data + "/pg_hba.conf") << "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
      shared.exec("postgres", std::string("alter role postgres password '") + password + "'; select pg_reload_conf()");
      return true;
    }();
    EXPECT_TRUE(strict);
    return shared;
  }
  std::string supabase_url() const { return storage_.origin(); }
  std::string sql(const std::string& statement) const {
    const auto rows = server().exec(database_, statement);
    return rows.empty() ? "" : std::string(rows.text(0, 0));
  }
  void expect_no_secret_in(const Ended& ended) const {
    for (const auto& secret :
         {std::string(password), std::string("p@ss"), std::string("w:rd"), std::string(password_in_url),
          storage_.token("service_role"), storage_.token("bundlesync_reader")}) {
      EXPECT_EQ((ended.out + ended.err).find(secret), std::string::npos);
    }
  }

  std::string database_;
  SupabaseServer storage_;
};

TEST_F(SupabaseQuickstart, WalksThroughTheProjectAndLeavesOnlyWhatItSays) {
  const auto ended = quickstart({"--supabase", "--yes"});
  ASSERT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_EQ(
      titles(ended.out),
      (std::vector<std::string>{
          "Your Supabase project", "This is what it will do", "The tables", "The bucket, and who may read it",
          "Publish bundlesync-quickstart 1.0.0, a bundle of prompts, and make it the default",
          "Start the agent. This is what an app sees", "Deploy: publish 1.1.0, then move the default; the text changes",
          "Roll back: one UPDATE, nothing is downloaded",
          "That is all. Tables, bucket, policy and the template bundlesync-quickstart stay; agent, login and "
          "directory go now"}));
  for (const std::string line :
       {"    ok          a read as the agent, as role bundlesync_reader",
        "    ok          a write as the agent was refused", "  the agent's login: bundlesync_quickstart_",
        "    # Formateur de la section 7, v1.0.0\n", "    # Formateur de la section 7, v1.1.0",
        " ms after COMMIT was sent", "[PROOF] source=cache template=bundlesync-",
        "    delete from templates where name = 'bundlesync-quickstart';"}) {
    EXPECT_NE(ended.out.find(line), std::string::npos) << line << "\nin\n" << ended.out;
  }
  EXPECT_EQ(ended.err, "");
  expect_no_secret_in(ended);
  expect_nothing_left();
  EXPECT_EQ(sql("select count(*) from pg_roles where rolname like 'bundlesync_quickstart%'"), "0");
  // A server process ends a moment after its client.
  EXPECT_TRUE(wait_until(std::chrono::seconds(5), [&] {
    return sql("select count(*) from pg_stat_activity where pid <> pg_backend_pid() and datname = "
               "current_database()") == "0";
  }));
  EXPECT_EQ(
      sql("select v.semver from public.templates t join public.template_versions v on v.id = t.default_version_id"),
      "1.0.0");
  EXPECT_EQ(storage_.keys(bucket).size(), 28U);

  // Once more, and now everything that it published goes.
  const auto again = quickstart({"--supabase", "--yes", "--remove"});
  ASSERT_EQ(again.code, 0) << again.out << again.err;
  EXPECT_TRUE(storage_.keys(bucket).empty());
  EXPECT_EQ(sql("select count(*) from public.templates"), "0");
  EXPECT_EQ(sql("select count(*) from public.template_versions"), "0");
  expect_no_secret_in(again);
  expect_nothing_left();
}

TEST_F(SupabaseQuickstart, KeepLeavesItRunningUntilItIsStopped) {
  const auto ended = quickstart({"--supabase", "--yes", "--keep"});
  ASSERT_EQ(ended.code, 0) << ended.out << ended.err;
  fs::path work;
  for (const auto& entry : fs::directory_iterator(home_ / "tmp")) work = entry.path();
  EXPECT_NE(ended.out.find("  " + (work / "stop").string() + " "), std::string::npos) << ended.out;
  EXPECT_EQ(processes_with("TMPDIR=" + (home_ / "tmp").string()).size(), 1U) << "the agent";
  const Command stop{{"/bin/bash", work / "stop"}, environment_, std::nullopt, std::nullopt};
  const auto stopped = run(stop, patience);
  EXPECT_EQ(stopped.code, 0) << stopped.err;
  EXPECT_EQ(sql("select count(*) from pg_roles where rolname like 'bundlesync_quickstart%'"), "0");
  expect_no_secret_in(ended);
  expect_nothing_left();
}

TEST_F(SupabaseQuickstart, ChangesNothingUnlessSomebodySaysYes) {
  const auto ended = quickstart({"--supabase"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.err, "error: there is nobody to ask: --yes goes on without\n");
  EXPECT_EQ(sql("select count(*) from pg_namespace where nspname = 'bundlesync'"), "0");
  for (const auto& seen : storage_.requests()) EXPECT_EQ(seen.method, "GET") << seen.target;
  expect_no_secret_in(ended);
  expect_nothing_left();
}

TEST_F(SupabaseQuickstart, SaysWhatItWasNotToldAndStartsNothing) {
  environment_.erase("SUPABASE_SERVICE_ROLE_KEY");
  const auto ended = quickstart({"--supabase", "--yes"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(ended.err,
            "error: SUPABASE_SERVICE_ROLE_KEY is not set, and there is nobody to ask\n"
            "hint: the service role's key, for bucket setup and publishing\n");
  expect_nothing_left();
}

TEST_F(SupabaseQuickstart, StopsAtTheFirstThingThatFailsAndCleansUp) {
  environment_["SUPABASE_SERVICE_ROLE_KEY"] = storage_.token("anon");
  const auto ended = quickstart({"--supabase", "--yes"});
  EXPECT_EQ(ended.code, 4) << ended.err;
  EXPECT_NE(ended.out.find("    hint: only the service role may see and make buckets"), std::string::npos) << ended.out;
  EXPECT_EQ(titles(ended.out).back(), "The bucket, and who may read it");
  EXPECT_EQ(sql("select count(*) from public.templates"), "0");
  EXPECT_EQ(ended.err, "") << "nothing is left";
  expect_nothing_left();
}

TEST_F(SupabaseQuickstart, ChangesNothingOfAProjectThatReadsInAnotherWay) {
  sql("create policy \"bundlesync_read_template-artifacts\" on storage.objects for select to authenticated "
      "using (bucket_id = 'template-artifacts')");
  const auto before = sql("select string_agg(p::text, ';') from pg_policies p");
  const auto ended = quickstart({"--supabase", "--yes"});
  EXPECT_EQ(ended.code, 3) << ended.out;
  EXPECT_NE(ended.out.find("    drift       bundlesync_read_template-artifacts lets authenticated select where"),
            std::string::npos)
      << ended.out;
  EXPECT_EQ(
      ended.err,
      "error: what is there already differs, and nobody is asked\n"
      "hint: run bundlesync bucket setup as this project needs it (--readers, limits.file), or leave out --yes\n");
  EXPECT_EQ(sql("select string_agg(p::text, ';') from pg_policies p"), before);
  EXPECT_EQ(sql("select count(*) from pg_namespace where nspname = 'bundlesync'"), "0");
  for (const auto& seen : storage_.requests()) EXPECT_EQ(seen.method, "GET") << seen.target;
  expect_nothing_left();
}

TEST_F(SupabaseQuickstart, SaysWhatItLeavesWhenItFailsInTheMiddle) {
  StorageFault lost;
  lost.method = "POST";
  lost.target_has = "/v1.1.0/";
  lost.answer = supabase::error_answer(400, "403", "Unauthorized", "Access denied", "AccessDenied");
  storage_.add(lost);
  const auto ended = quickstart({"--supabase", "--yes"});
  EXPECT_NE(ended.code, 0);
  EXPECT_NE(ended.err.find("The template bundlesync-quickstart and its objects are left in your project\n"),
            std::string::npos)
      << ended.err;
  EXPECT_NE(ended.err.find("    delete from templates where name = 'bundlesync-quickstart';\n"), std::string::npos);
  EXPECT_EQ(sql("select count(*) from pg_roles where rolname like 'bundlesync_quickstart%'"), "0");
  expect_nothing_left();
}

TEST_F(SupabaseQuickstart, RefusesAUrlThatItCannotTakeApartWithoutShowingIt) {
  for (const std::string url : {"postgres://postgres:p@ss@db.example/postgres", "postgres://postgres:p/ss@db.example/x",
                                "mysql://db.example/postgres"}) {
    environment_["DATABASE_URL"] = url;
    const auto ended = quickstart({"--supabase", "--yes"});
    EXPECT_EQ(ended.code, 2) << url;
    EXPECT_EQ(ended.err.find("error: DATABASE_URL is not a URL of the form postgres://user:password@host:5432/name\n"),
              0U)
        << ended.err;
    EXPECT_EQ((ended.out + ended.err).find("p@ss"), std::string::npos);
    EXPECT_EQ((ended.out + ended.err).find("p/ss"), std::string::npos);
    expect_nothing_left();
  }
}

TEST(DatabaseUrl, GivesEachPartWithoutItsSecrets) {
  const auto part = [](const std::string& url, const std::string& what) {
    const Command command{{"/bin/sh", "-c", "printf '%s\\n' \"$1\" | \"$0\" " + what, DATABASE_URL_PARTS, url},
                          {{"PATH", "/usr/bin:/bin"}},
                          std::nullopt,
                          std::nullopt};
    return run(command).out;
  };
  const std::string pooler = "postgres://postgres.ref:p%40s%2Fs@pooler.example:5432/db?password=x&sslmode=require";
  EXPECT_EQ(part(pooler, "shown"), "postgres://postgres.ref@pooler.example:5432/db?sslmode=require");
  EXPECT_EQ(part(pooler, "password"), "p@s/s");
  EXPECT_EQ(part(pooler, "name"), "pooler.example:5432/db");
  EXPECT_EQ(part(pooler, "tls"), "require");
  EXPECT_EQ(part(pooler, "login agent secret"), "postgres://agent.ref:secret@pooler.example:5432/db?sslmode=require\n");
  EXPECT_EQ(part("postgresql://db.example/x?sslpassword=q&password=a%20b&x=y", "shown"),
            "postgresql://db.example/x?x=y");
  EXPECT_EQ(part("postgresql://db.example/x?sslpassword=q&password=a%20b", "password"), "a b");
  EXPECT_EQ(part("postgres://u:p@db.example/x", "tls"), "verify-full");
  EXPECT_EQ(part("postgres://u@127.0.0.1:5432/x", "tls"), "prefer");
  EXPECT_EQ(part("postgres://u@127.0.0.1,db.example/x", "tls"), "verify-full");
  EXPECT_EQ(part("postgres:///x?host=/run/postgresql", "tls"), "prefer");
  EXPECT_EQ(part("postgres:///x?host=db.example", "tls"), "verify-full");
}

TEST_F(Quickstart, WithItsOwnPostgresAndStoreTellsTheWholeStory) {
  const auto ended = quickstart();
  ASSERT_EQ(ended.code, 0) << ended.out << ended.err;
  for (const std::string line :
       {" ms after COMMIT was sent", "digest_mismatch", "PostgreSQL is stopped: everything stays",
        "That is all; the temporary directory goes now"}) {
    EXPECT_NE(ended.out.find(line), std::string::npos) << line << "\nin\n" << ended.out;
  }
  expect_nothing_left();
}

TEST_F(Quickstart, TakesNoFlagsThatDoNotBelongTogether) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--yes"}, {"--supabase", "--remove", "--keep"}, {"--frobnicate"}}) {
    const auto ended = quickstart(words);
    EXPECT_EQ(ended.code, 2);
    EXPECT_NE(ended.err.find("deploy/quickstart --supabase [--yes] [--remove] [--keep]\n"), std::string::npos);
  }
}

TEST(SupabaseStandin, SaysWhereItIsAndServesUntilItIsTold) {
  const Command command{{SUPABASE_STANDIN}, {}, std::nullopt, std::nullopt};
  Process standin(command);
  const auto said = [&] { return titles(standin.out()).size() == 4; };
  ASSERT_TRUE(wait_until(std::chrono::seconds(10), said)) << standin.out();
  const auto lines = titles(standin.out());
  EXPECT_EQ(lines[0].find("SUPABASE_URL=http://127.0.0.1:"), 0U);
  EXPECT_EQ(lines[1].find("SUPABASE_SERVICE_ROLE_KEY=eyJ"), 0U);
  EXPECT_EQ(lines[2].find("BUNDLESYNC_AGENT_STORAGE_KEY=eyJ"), 0U);
  EXPECT_EQ(lines[3].find("SUPABASE_ANON_KEY=eyJ"), 0U);
  const int port = std::stoi(lines[0].substr(lines[0].rfind(':') + 1));
  EXPECT_EQ(http_get(port, "/storage/v1/status").status, 200);
  standin.signal(SIGTERM);
  EXPECT_EQ(standin.wait(std::chrono::seconds(10)), 0);
}

}  // namespace
}  // namespace bundlesync::tests
