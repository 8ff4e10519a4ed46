#pragma once

#include "support/certificates.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A server on the loopback that says, byte for byte, what a test tells it to: the truth, lies, or half of them.
namespace bundlesync::tests {

enum class TlsVersions { from_1_2, only_1_0, only_1_1 };

struct LiarOptions {
  std::optional<Credentials> tls;  ///< plain without
  TlsVersions tls_versions = TlsVersions::from_1_2;
  int send_buffer_bytes = 0;  ///< the kernel's; small: what send() took the peer has nearly taken too. 0: its choice
};

/// One connection, in the hands of the script. Calls block; those that can fail say so, and then the connection is over
/// (the peer left, or the server is being destroyed).
class LiarPeer {
 public:
  struct State;
  explicit LiarPeer(State& state) : state_(state) {}

  /// Which connection of this server it is, from 0.
  std::size_t number() const;
  /// The next request, header and body by its Content-Length; "" when there is none.
  std::string read_request();
  bool send(std::string_view bytes);
  /// Sends `bytes` again and again; ends when the peer leaves.
  void send_for_ever(std::string_view bytes);
  /// Waits; false when the server is being destroyed.
  bool pause(std::chrono::milliseconds time);
  /// Ends the connection in order; over TLS with a close_notify.
  void close();
  /// Ends it without a farewell: over TLS no close_notify.
  void cut();
  /// Breaks it: the peer sees "connection reset".
  void reset();
  /// Until the peer has closed its side: true; false after `at_most`. What it sends meanwhile is thrown away.
  bool wait_closed(std::chrono::milliseconds at_most);

 private:
  State& state_;
};

class LiarServer {
 public:
  /// Runs `script` for every connection, each in a thread of its own; the connection is closed when it returns.
  using Script = std::function<void(LiarPeer&)>;
  explicit LiarServer(Script script, LiarOptions options = {});
  /// Breaks what is open, and waits for the scripts.
  ~LiarServer();
  LiarServer(const LiarServer&) = delete;
  LiarServer& operator=(const LiarServer&) = delete;

  std::uint16_t port() const;
  std::size_t connections() const;  ///< ever accepted
  std::size_t open_connections() const;
  /// Of all connections, in the order of their ends.
  std::vector<std::string> requests() const;
  std::uint64_t bytes_sent() const;      ///< that the kernel took, on all connections; before encryption
  std::uint64_t bytes_received() const;  ///< on all connections; after decryption
  /// Until no connection is open; false after `at_most`.
  bool wait_idle(std::chrono::milliseconds at_most = std::chrono::seconds(10)) const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// Answers every request on a connection with `answer`.
LiarServer::Script always(std::string answer);

/// "HTTP/1.1 STATUS …" with Content-Length and this body.
std::string answer_of(std::string_view body, int status = 200, std::string_view more_headers = "");

}  // namespace bundlesync::tests
