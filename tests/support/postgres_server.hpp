#pragma once

#include "catalog/postgres/session.hpp"
#include "support/child.hpp"
#include "support/temp_dir.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bundlesync::tests {

/// How PostgreSQL is told to end: fast closes sessions and writes all down; immediate is a crash.
enum class StopMode { fast, immediate };

/// A PostgreSQL of this test's own: a data directory copied from one that initdb made once for all tests of this user,
/// a unix socket and a TCP port on loopback, everybody trusted, superuser `postgres`. It ends with this object, and
/// with this process however that dies. Failures of the server are std::runtime_error: a test that lacks it cannot go
/// on.
class PostgresServer {
 public:
  PostgresServer();  ///< started and answering
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// A standby of another: it follows that one, takes no writes until `select pg_promote()`, and has its databases.
  static std::unique_ptr<PostgresServer> standby_of(const PostgresServer& primary);
  /// Has this standby replayed all that the primary wrote?
  bool has_all_of(const PostgresServer& primary) const;

  /// One for the whole process, made at first use.
  static PostgresServer& shared();
  /// Of the packaged PostgreSQL 15, else the bare name, to be found in PATH.
  static std::filesystem::path binary(const std::string& name);

  /// A setting of the server's own (postgresql.conf names), from the next start on, over what all tests have.
  void set(const std::string& name, const std::string& value) { settings_[name] = value; }
  void start();  ///< on the same port as before
  void stop(StopMode mode = StopMode::fast);
  void restart(StopMode mode = StopMode::fast);
  void freeze();  ///< SIGSTOP to all its processes: connections stay open and nobody answers
  void thaw();

  int port() const { return port_; }
  pid_t pid() const { return pid_; }  ///< -1 while stopped
  std::filesystem::path socket_dir() const { return dir_.path(); }
  std::filesystem::path log() const { return dir_ / "log"; }
  /// Keywords for the unix socket.
  std::string conninfo(std::string_view database = "postgres", std::string_view user = "postgres") const;
  /// A URL for the TCP port.
  std::string url(std::string_view database = "postgres", std::string_view user = "postgres") const;

  catalog::Session connect(std::string_view database = "postgres", std::string_view user = "postgres") const;
  /// Over a session of its own.
  catalog::Rows exec(std::string_view database, std::string_view sql) const;
  /// An empty database, or a copy of another that nobody is connected to. Returns its name.
  std::string create_database(std::string_view copy_of = "template1");
  /// A database that has all migrations.
  std::string create_migrated_database();

 private:
  /// Where its data directory comes from.
  explicit PostgresServer(const std::vector<std::string>& make_data);
  void wait_until_ready();

  TempDir dir_;
  ServerUser user_ = ServerUser::choose();
  int port_ = 0;
  pid_t pid_ = -1;
  int owner_pid_;
  std::map<std::string, std::string> settings_;
  int databases_ = 0;
  int migrated_databases_ = 0;
  std::string migrated_;  ///< what create_migrated_database copies from its second call on; empty until then
};

/// Throws std::runtime_error with the error's text when there is no value.
template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace bundlesync::tests
