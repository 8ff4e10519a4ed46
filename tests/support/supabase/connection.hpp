#pragma once

#include "support/supabase/message.hpp"

#include <openssl/ssl.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace bundlesync::tests::supabase {

inline constexpr std::size_t header_bytes_max = std::size_t{16} << 10;

/// One accepted socket, blocking; with a context it speaks TLS. Whoever ends it from outside shuts the socket down.
class Connection {
 public:
  Connection(int socket, SSL_CTX* tls);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool handshake();
  bool write(std::string_view bytes);
  /// The next request without its body; the answer to what is none (400, 431); nothing when the peer is gone.
  std::variant<std::monostate, Request, Answer> read_head();
  /// The body that belongs to that head; false when the peer went before its end.
  bool read_body(Request& request);

 private:
  bool fill();  ///< more bytes into buffer_
  bool read_exactly(std::size_t bytes, std::string& into);
  bool read_line(std::string& line);

  int socket_;
  SSL* tls_ = nullptr;
  std::string buffer_;
};

}  // namespace bundlesync::tests::supabase
