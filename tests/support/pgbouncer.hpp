#pragma once

#include "support/postgres_server.hpp"

namespace bundlesync::tests {

/// A PgBouncer before a PostgresServer, on a TCP port of its own. In transaction mode a session's LISTEN is lost, which
/// is what it is here for. Ends with this object, and with this process however that dies.
class PgBouncer {
 public:
  /// `users` may come in, all without a password. pool_mode: "transaction", "session" or "statement".
  explicit PgBouncer(const PostgresServer& server, std::string_view pool_mode = "transaction",
                     const std::vector<std::string>& users = {"postgres"});
  ~PgBouncer();
  PgBouncer(const PgBouncer&) = delete;
  PgBouncer& operator=(const PgBouncer&) = delete;

  int port() const { return port_; }
  std::string url(std::string_view database = "postgres", std::string_view user = "postgres") const;

 private:
  TempDir dir_;
  int port_;
  pid_t pid_ = -1;
  int owner_pid_;
};

}  // namespace bundlesync::tests
