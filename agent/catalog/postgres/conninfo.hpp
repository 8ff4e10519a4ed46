#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::catalog::postgres {

/// One of the hosts of a connection string.
struct Host {
  std::string name;     ///< as written; a path (or empty) for a unix socket
  std::string address;  ///< numeric, where the string gives hostaddr or resolve() found it
  std::string port;

  bool is_socket() const;
  bool is_loopback() const;
  /// "db.example.com:5432", "[::1]:5432", "/run/postgresql:5432".
  std::string text() const;
  bool operator==(const Host&) const = default;
};

/// A connection string (URL or key=value), read and completed with what bundlesync wants: keepalives, a name, TLS that
/// is verified. What the string says itself always wins.
struct Conninfo {
  std::vector<Host> hosts;                   ///< in the order in which they are tried
  std::map<std::string, Secret> parameters;  ///< libpq's keywords, without host, hostaddr and port
  std::vector<std::string> warnings;         ///< facts with hints: where the string asks for less than is wise
  std::vector<Secret> hidden;                ///< texts that no message may contain

  /// `message` with every hidden text replaced by "***".
  std::string scrub(std::string message) const;
  Error scrub(const Error& error) const;
};

/// `ca` is the setting database.ca (a PEM file), `system_ca` the system's bundle or empty. TCP hosts other than
/// loopback are verified (verify-full) unless the string says less. Errors (usage): the string cannot be read (the
/// error quotes nothing of it), or verification is due and no CA file is known.
Result<Conninfo> read_conninfo(const Secret& text, const std::string& ca, const std::string& system_ca);

/// The system's bundle of certificate authorities: the first readable one of the usual places, else empty. libpq 15
/// has no sslrootcert=system.
std::string system_ca_bundle();

/// Takes libpq's PG* variables out of this process's environment, so that an app's own PGPASSWORD or PGHOST is never
/// used by accident. Call it before any thread starts.
void forget_libpq_environment();

}  // namespace bundlesync::catalog::postgres
