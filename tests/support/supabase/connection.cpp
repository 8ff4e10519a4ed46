#include "support/supabase/connection.hpp"

#include <charconv>
#include <sys/socket.h>
#include <unistd.h>

namespace bundlesync::tests::supabase {
namespace {

Answer bad_request(int status, std::string_view error, std::string_view message) {
  Answer answer = plain_error(status, error, message);
  answer.close = true;
  return answer;
}

template <class Number>
std::optional<Number> number_of(std::string_view text, int base = 10) {
  Number number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (text.empty() || error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// The lines of a head; nothing for what is no HTTP/1.1 request.
std::optional<Request> parse_head(std::string_view head) {
  Request request;
  const auto line_end = head.find("\r\n");
  const auto line = head.substr(0, line_end);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || line.substr(last + 1) != "HTTP/1.1") return std::nullopt;
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  if (!request.target.starts_with('/') || request.target.find(' ') != std::string::npos) return std::nullopt;

  for (auto begin = line_end + 2; begin < head.size();) {
    const auto end = std::min(head.find("\r\n", begin), head.size());
    const auto field = head.substr(begin, end - begin);
    const auto colon = field.find(':');
    if (colon == 0 || colon == std::string_view::npos || field[colon - 1] == ' ') return std::nullopt;
    request.headers.emplace_back(field.substr(0, colon), trimmed(field.substr(colon + 1)));
    begin = end + 2;
  }
  if (const auto* length = find_header(request.headers, "content-length")) {
    request.content_length = number_of<std::uint64_t>(*length);
    if (!request.content_length) return std::nullopt;
  }
  if (const auto* coding = find_header(request.headers, "transfer-encoding")) {
    if (*coding != "chunked" || request.content_length) return std::nullopt;
    request.chunked = true;
  }
  return request;
}

}  // namespace

Connection::Connection(int socket, SSL_CTX* tls) : socket_(socket) {
  if (tls == nullptr) return;
  tls_ = SSL_new(tls);
  SSL_set_fd(tls_, socket_);
}

Connection::~Connection() {
  SSL_free(tls_);
  ::close(socket_);
}

bool Connection::handshake() {
  return tls_ == nullptr || SSL_accept(tls_) == 1;
}

bool Connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const long sent =
        tls_ != nullptr ? SSL_write(tls_, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 16)))
                        : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Connection::fill() {
  std::string piece(1 << 16, '\0');
  const long got = tls_ != nullptr ? SSL_read(tls_, piece.data(), static_cast<int>(piece.size()))
                                   : ::recv(socket_, piece.data(), piece.size(), 0);
  if (got <= 0) return false;
  buffer_.append(piece, 0, static_cast<std::size_t>(got));
  return true;
}

std::variant<std::monostate, Request, Answer> Connection::read_head() {
  std::size_t end = std::string::npos;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos && buffer_.size() <= header_bytes_max) {
    if (!fill()) return std::monostate();
  }
  if (end == std::string::npos || end > header_bytes_max) {
    return bad_request(431, "Request Header Fields Too Large", "Exceeded maximum allowed HTTP header size");
  }
  auto request = parse_head(std::string_view(buffer_).substr(0, end));
  if (!request) return bad_request(400, "Bad Request", "Client Error");
  buffer_.erase(0, end + 4);
  return std::move(*request);
}

bool Connection::read_exactly(std::size_t bytes, std::string& into) {
  while (buffer_.size() < bytes) {
    if (!fill()) return false;
  }
  into.append(buffer_, 0, bytes);
  buffer_.erase(0, bytes);
  return true;
}

bool Connection::read_line(std::string& line) {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (buffer_.size() > header_bytes_max || !fill()) return false;
  }
  line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return true;
}

bool Connection::read_body(Request& request) {
  if (!request.chunked) return read_exactly(request.content_length.value_or(0), request.body);
  std::string line;
  while (read_line(line)) {
    const auto bytes = number_of<std::size_t>(std::string_view(line).substr(0, line.find(';')), 16);
    if (!bytes) return false;
    if (*bytes > 0 && !read_exactly(*bytes, request.body)) return false;
    if (*bytes == 0) {
      while (read_line(line) && !line.empty()) {
      }
      return line.empty();
    }
    if (!read_line(line) || !line.empty()) return false;
  }
  return false;
}

}  // namespace bundlesync::tests::supabase
