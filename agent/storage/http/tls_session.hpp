#pragma once

#include "base/error.hpp"
#include "storage/http/client.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace bundlesync::storage::http {

/// The client's side of one TLS connection, without a socket: what came goes in, what must go out is taken. TLS 1.2 or
/// newer; the peer's certificate is verified against the system's authorities and those of `ca_file`, and for the
/// origin's host name or address.
class TlsSession {
 public:
  /// Reads `ca_file` (unless ""). Errors: tls_ca_unreadable, tls_failed.
  static Result<std::unique_ptr<TlsSession>> create(const Origin& origin, const std::string& ca_file);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  /// One step: true when the handshake is done, false when it needs input. Output may wait in either case, and after
  /// an error (the alert for the peer). Errors: tls_….
  Result<bool> handshake();

  enum class State { open, ended, failed };  ///< ended: the peer said that nothing more comes
  struct Read {
    std::size_t bytes = 0;  ///< 0 while open: needs input
    State state = State::open;
  };
  /// Decrypts what was given.
  Read read(char* data, std::size_t size);
  /// Encrypts all of `bytes`; false when the session has failed.
  bool write(std::string_view bytes);

  void give_input(std::string_view encrypted);
  std::string take_output();
  /// Has anything come that was not read?
  bool has_unread() const;

 private:
  struct Handles;
  TlsSession(const Origin& origin, std::unique_ptr<Handles> handles);
  Error handshake_error() const;

  std::string where_;
  std::string host_;
  std::unique_ptr<Handles> handles_;
};

}  // namespace bundlesync::storage::http
