#pragma once

#include "async/task.hpp"
#include "base/error.hpp"
#include "storage/storage.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP/1.1 to one origin, for storages that speak it. Beast and TLS are behind this header: they take long to compile.
namespace bundlesync::storage::http {

/// Where requests and credentials go, and nowhere else: redirects are never followed.
struct Origin {
  bool tls = true;
  std::string host;  ///< without the brackets of an IPv6 address
  std::uint16_t port = 443;
  std::string to_string() const;  ///< "https://host[:port]"
};

/// "https://host[:port]" or "http://…"; usage for anything else.
Result<Origin> parse_origin(std::string_view text);

/// Of each phase. A lookup that hangs is left behind, not ended: nobody can end it.
struct Deadlines {
  std::chrono::milliseconds connect{5'000};      ///< TCP and TLS together; as long again for the DNS lookup before it
  std::chrono::milliseconds first_byte{15'000};  ///< from the request's last byte to the end of the answer's header
  std::chrono::milliseconds low_speed{10'000};   ///< so long fewer than low_speed_bytes came (or went): given up
  std::uint64_t low_speed_bytes = 1024;
  std::chrono::milliseconds whole{120'000};
};

struct Options {
  Deadlines deadlines;
  std::string ca_file;       ///< certificates to trust besides the system's; read anew at every handshake
  std::size_t idle_max = 8;  ///< connections kept open between requests
  std::chrono::milliseconds idle_time{30'000};  ///< and how long; then they are closed
  std::string version;                          ///< the User-Agent is "bundlesync/VERSION", without one "bundlesync"
  int receive_buffer_bytes =
      0;  ///< the kernel's, of each connection: what a peer can send unread; 0: the kernel decides
};

inline constexpr std::uint64_t header_bytes_max = 16 << 10;       ///< of an answer
inline constexpr std::uint64_t answer_text_bytes_max = 64 << 10;  ///< of the body of an answer that is not streamed
inline constexpr std::uint64_t error_text_bytes_max = 32 << 10;   ///< the same where it tells of an error
inline constexpr std::size_t piece_bytes_max = 32 << 10;          ///< of what a sink is given at a time

struct Header {
  std::string name;
  std::string value;
};

struct Request {
  Request(std::string method_, std::string target_) : method(std::move(method_)), target(std::move(target_)) {}
  std::string method;           ///< "GET", "HEAD", "POST", "PUT", "DELETE"
  std::string target;           ///< path and query as they go over the wire, percent-escaped
  std::vector<Header> headers;  ///< besides Host, User-Agent, Content-Length, Accept-Encoding, which are ours
  std::string body;             ///< sent with Content-Length, never chunked
};

struct Response {
  int status = 0;
  std::vector<Header> headers;
  std::string body;  ///< of an answer that was not streamed
  std::uint64_t streamed = 0;
  /// The first header of this name (case-insensitive); "" where there is none.
  std::string_view header(std::string_view name) const;
};

/// Many requests may run side by side; each has a connection of its own while it runs. No request is repeated, but for
/// one whose kept connection turned out to be closed before any byte of an answer came and that is safe to send again
/// (GET, HEAD, DELETE without a body). Outlives its requests. Errors name the origin, never a header, path or body.
class Client {
 public:
  Client(asio::any_io_executor executor, Origin origin, Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// The answer, whatever its status; its body in Response::body, at most `body_max` bytes (refused, answer_too_large,
  /// beyond it; of an answer that tells of an error, status 400 and above, what is beyond error_text_bytes_max is cut
  /// off instead). A redirect (3xx but 304) is refused: reason redirect. A header with control bytes is
  /// usage/bad_request, unsent. Errors: unavailable (dns_failed, connect_failed, connection_reset, truncated, tls_…),
  /// timed_out (lookup_timeout, connect_timeout, send_timeout, first_byte_timeout, low_speed_timeout, whole_timeout),
  /// refused (not_http, header_too_large, redirect, answer_too_large, unasked_range: a 206 to a request without Range).
  /// Cancelling closes the connection at once.
  Task<Result<Response>> send(Request request, std::uint64_t body_max = answer_text_bytes_max);

  /// The same, but the body of a 200 goes into `sink`, in pieces of at most piece_bytes_max. Stops with
  /// refused/object_too_large as soon as Content-Length says, or what came is, more than bytes_max; no more than
  /// bytes_max + 64 KiB are ever read, and at most bytes_max are handed on. A body that is compressed is refused
  /// (content_encoding). Of any other status the body is in Response::body,
  /// at most error_text_bytes_max. An error of the sink ends it and is its
  /// own.
  Task<Result<Response>> stream(Request request, std::uint64_t bytes_max, ByteSink& sink);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bundlesync::storage::http
