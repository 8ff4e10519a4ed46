#include "support/postgres_server.hpp"

#include "catalog/postgres/migrations.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <fstream>
#include <iterator>
#include <signal.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace bundlesync::tests {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view cache_format = "1";  // raise when initdb's arguments change

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void give_to(const fs::path& path, const ServerUser& user) {
  if (getuid() == 0 && chown(path.c_str(), user.uid, user.gid) != 0) throw std::runtime_error("chown " + path.string());
}

/// A data directory that is only ever copied. Several tests may make it at once: each in a place of its own, and the
/// first to rename it wins.
fs::path initialised(const ServerUser& user) {
  const char* base = std::getenv("TMPDIR");
  const auto root = fs::path(base != nullptr && *base != '\0' ? base : "/tmp");
  const auto cache = root / fmt::format("bundlesync-initdb-{}-{}", user.uid, cache_format);
  struct stat found{};
  if (lstat(cache.c_str(), &found) == 0) {
    // A name that can be guessed in a directory that anybody can write to: only our own is good enough.
    if (S_ISDIR(found.st_mode) && found.st_uid == user.uid) return cache;
    throw std::runtime_error(cache.string() + " belongs to somebody else: remove it");
  }
  const TempDir work;
  give_to(work.path(), user);
  run_child({PostgresServer::binary("initdb"), "-D", work / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--wal-segsize=1", "-N"},
            user, work / "log");
  if (rename((work / "data").c_str(), cache.c_str()) != 0 && !fs::is_directory(cache)) {
    throw std::runtime_error("cannot rename to " + cache.string());
  }
  return cache;
}

/// The postmaster and everything that it started.
std::vector<pid_t> family(pid_t postmaster) {
  std::vector<pid_t> pids{postmaster};
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    // getline, because an iterator over the stream throws when the process ends between open and read.
    std::string stat;
    std::ifstream file(entry.path() / "stat");
    std::getline(file, stat);
    const auto after_name = stat.rfind(')');  // the name may hold spaces and brackets
    if (after_name == std::string::npos || after_name + 4 >= stat.size()) continue;
    if (std::atoi(stat.c_str() + after_name + 4) == postmaster) pids.push_back(std::atoi(name.c_str()));
  }
  return pids;
}

}  // namespace

PostgresServer::PostgresServer()
    : PostgresServer({"cp", "-a", "--reflink=auto", initialised(ServerUser::choose()).string()}) {}

PostgresServer::PostgresServer(const std::vector<std::string>& make_data) : port_(free_port()), owner_pid_(getpid()) {
  give_to(dir_.path(), user_);
  std::vector<std::string> words = make_data;
  words.push_back(dir_ / "data");
  run_child(words, user_, dir_ / "make.log");
  start();
}

std::unique_ptr<PostgresServer> PostgresServer::standby_of(const PostgresServer& primary) {
  const std::vector<std::string> copy{binary("pg_basebackup"), "-R", "-X", "stream", "-c", "fast", "-d",
                                      primary.conninfo(),      "-D"};
  return std::unique_ptr<PostgresServer>(new PostgresServer(copy));
}

bool PostgresServer::has_all_of(const PostgresServer& primary) const {
  const auto written = primary.exec("postgres", "select pg_current_wal_lsn()");
  const auto behind =
      exec("postgres", fmt::format("select pg_wal_lsn_diff('{}', pg_last_wal_replay_lsn()) <= 0", written.text(0, 0)));
  return behind.text(0, 0) == "t";
}

PostgresServer::~PostgresServer() {
  if (getpid() != owner_pid_ || pid_ < 0) return;
  thaw();
  kill(pid_, SIGQUIT);
  if (wait_child(pid_, std::chrono::seconds(10))) return;
  for (const pid_t pid : family(pid_)) kill(pid, SIGKILL);
  (void)wait_child(pid_, std::chrono::seconds(10));
}

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

fs::path PostgresServer::binary(const std::string& name) {
  const auto packaged = fs::path("/usr/lib/postgresql/15/bin") / name;
  if (fs::exists(packaged)) return packaged;
  return name;  // execvp looks in PATH
}

void PostgresServer::start() {
  for (int attempt = 0;; ++attempt) {
    std::vector<std::string> words{
        binary("postgres"), "-D", dir_ / "data", "-k", dir_.path(), "-p", std::to_string(port_),
        // What is lost when the machine dies is lost with the test anyway.
        "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "listen_addresses=127.0.0.1", "-c",
        "shared_buffers=16MB", "-c", "max_connections=200", "-c", "logging_collector=off"};
    for (const auto& [name, value] : settings_) words.insert(words.end(), {"-c", fmt::format("{}={}", name, value)});
    pid_ = start_child(words, user_, log(), SIGQUIT);
    try {
      wait_until_ready();
      return;
    } catch (const std::exception&) {
      // Somebody took the port since we looked.
      if (attempt == 3 || text_of(log()).find("could not bind") == std::string::npos) throw;
      port_ = free_port();
      fs::remove(log());
    }
  }
}

void PostgresServer::wait_until_ready() {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (PQping(conninfo().c_str()) != PQPING_OK) {
    if (wait_child(pid_, std::chrono::milliseconds(0))) {
      pid_ = -1;
      throw std::runtime_error("PostgreSQL ended: " + text_of(log()));
    }
    if (std::chrono::steady_clock::now() > until)
      throw std::runtime_error("PostgreSQL does not answer: " + text_of(log()));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void PostgresServer::stop(StopMode mode) {
  if (pid_ < 0) return;
  kill(pid_, mode == StopMode::fast ? SIGINT : SIGQUIT);
  if (!wait_child(pid_, std::chrono::seconds(30)))
    throw std::runtime_error("PostgreSQL does not stop: " + text_of(log()));
  pid_ = -1;
}

void PostgresServer::restart(StopMode mode) {
  stop(mode);
  start();
}

void PostgresServer::freeze() {
  if (pid_ < 0) return;
  kill(pid_, SIGSTOP);  // first, so that it starts nobody while we look for its children
  for (const pid_t pid : family(pid_)) kill(pid, SIGSTOP);
}

void PostgresServer::thaw() {
  if (pid_ < 0) return;
  for (const pid_t pid : family(pid_)) kill(pid, SIGCONT);
}

std::string PostgresServer::conninfo(std::string_view database, std::string_view user) const {
  return fmt::format("host={} port={} dbname={} user={}", dir_.path().string(), port_, database, user);
}

std::string PostgresServer::url(std::string_view database, std::string_view user) const {
  return fmt::format("postgresql://{}@127.0.0.1:{}/{}", user, port_, database);
}

catalog::Session PostgresServer::connect(std::string_view database, std::string_view user) const {
  return value_of(catalog::Session::connect(conninfo(database, user)));
}

catalog::Rows PostgresServer::exec(std::string_view database, std::string_view sql) const {
  auto session = connect(database);
  return value_of(session.exec(sql));
}

std::string PostgresServer::create_database(std::string_view copy_of) {
  auto name = fmt::format("test_{}", ++databases_);
  exec("postgres", fmt::format("create database {} template {}", name, copy_of));
  return name;
}

std::string PostgresServer::create_migrated_database() {
  const auto migrate = [this] {
    auto name = create_database();
    auto session = connect(name);
    (void)value_of(catalog::apply_migrations(session, catalog::ApplyOptions()));
    return name;
  };
  // Most test processes want one only: a copy pays from the second on.
  if (++migrated_databases_ == 1) return migrate();
  if (migrated_.empty()) migrated_ = migrate();
  return create_database(migrated_);
}

}  // namespace bundlesync::tests
