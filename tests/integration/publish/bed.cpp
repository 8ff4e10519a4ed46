#include "bed.hpp"

#include "support/postgres_server.hpp"

#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bundlesync::publish {
namespace fs = std::filesystem;

void PublishBed::SetUp() {
  home_ = temp_.path();
  store_ = home_ / "store";
  storage_ = std::make_unique<storage::FileStorage>(store_, pool_);
  database_ = tests::PostgresServer::shared().create_migrated_database();
  conninfo_ = tests::PostgresServer::shared().conninfo(database_);
  session_ = std::make_unique<catalog::Session>(connect());
  catalog_ = std::make_unique<catalog::PostgresCatalog>(*session_, "tester");
}

catalog::Session PublishBed::connect() const {
  auto session = catalog::Session::connect(conninfo_);
  if (!session) throw std::runtime_error(session.error().text());
  return std::move(*session);
}

fs::path PublishBed::bundle(const std::string& name, const std::string& text) {
  const fs::path directory = home_ / "bundles" / name;
  fs::create_directories(directory);
  std::ofstream(directory / "master.md") << "master " << text;
  std::ofstream(directory / "system.md") << "system " << text;
  std::ofstream(directory / "manifest.json") << R"({"default_locale": "fr",
    "artifacts": [{"kind": "master_prompt", "path": "master.md"}],
    "prompts": [{"role": "system", "locale": "fr", "path": "system.md"}]})";
  return directory;
}

PublishRequest PublishBed::request(const fs::path& directory, const std::string& version, bool set_default) const {
  PublishRequest request;
  request.directory = directory;
  request.template_name = "section7";
  request.version = version;
  request.set_default = set_default;
  return request;
}

Result<PublishResult> PublishBed::publish(PublishRequest request) {
  return test::run(publish::publish(*catalog_, *storage_, std::move(request), no_steps_));
}

Result<PublishResult> PublishBed::publish(const fs::path& directory, const std::string& version, bool set_default) {
  return publish(request(directory, version, set_default));
}

Result<AbandonResult> PublishBed::abandon(const std::string& version) {
  return test::run(publish::abandon(*catalog_, *storage_, "section7", version, no_steps_));
}

std::string PublishBed::sql(const std::string& statement) {
  const auto rows = session_->exec(statement);
  EXPECT_TRUE(rows) << rows.error().text() << "\nin " << statement;
  return rows && !rows->empty() && rows->columns() > 0 ? std::string(rows->text(0, 0)) : std::string();
}

std::map<std::string, std::string> PublishBed::objects() const {
  std::map<std::string, std::string> found;
  if (!fs::exists(store_)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(store_)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path());
    found[fs::relative(entry.path(), store_).string()] = std::string(std::istreambuf_iterator<char>(file), {});
  }
  return found;
}

std::string PublishBed::status_of(const std::string& version) {
  return sql("select v.status from public.template_versions v where v.semver = '" + version + "'");
}

std::string PublishBed::default_version() {
  return sql("select v.semver from public.templates t join public.template_versions v on v.id = t.default_version_id");
}

int PublishBed::start(const std::string& verb, const fs::path& directory, const std::string& version, bool set_default,
                      long kill_after) {
  const std::vector<std::string> words = {PUBLISH_ONCE,
                                          verb,
                                          conninfo_,
                                          store_.string(),
                                          directory.string(),
                                          "section7",
                                          version,
                                          set_default ? "default" : "keep",
                                          std::to_string(kill_after)};
  std::vector<char*> argv;
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log = (home_ / "publish_once.log").string();
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t process = 0;
  const int error = ::posix_spawn(&process, PUBLISH_ONCE, &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(error, 0);
  return error == 0 ? process : -1;
}

int PublishBed::wait(int process) {
  int status = 0;
  EXPECT_EQ(::waitpid(process, &status, 0), process);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int PublishBed::run_once(const std::string& verb, const fs::path& directory, const std::string& version,
                         bool set_default, long kill_after) {
  const int ended = wait(start(verb, directory, version, set_default, kill_after));
  if (ended == -SIGKILL) wait_until_unlocked();
  return ended;
}

void PublishBed::wait_until_unlocked() {
  // The server notices a dead client a moment after the kernel does.
  for (int i = 0; i < 500; ++i) {
    if (sql("select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and database = (select oid from "
            "pg_catalog.pg_database where datname = current_database())") == "0") {
      return;
    }
    ::usleep(10'000);
  }
  ADD_FAILURE() << "the lock of a dead publisher is still held";
}

}  // namespace bundlesync::publish
