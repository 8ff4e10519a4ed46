#include "storage/http/origin.hpp"

#include "storage/http/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace bundlesync::storage::http {
namespace {

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool is_host(std::string_view host) {
  const bool is_address6 = host.find(':') != std::string_view::npos;
  const auto allowed = [is_address6](unsigned char c) {
    if (is_address6) return std::isxdigit(c) != 0 || c == ':' || c == '.';
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
  };
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, allowed);
}

/// The scheme's own port where `text` is empty; nothing for what is no port.
std::optional<std::uint16_t> port_of(std::string_view text, bool tls) {
  if (text.empty()) return tls ? 443 : 80;
  if (text.front() != ':') return std::nullopt;
  text.remove_prefix(1);
  std::uint16_t port = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (fault != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::optional<Origin> read_origin(std::string_view text) {
  Origin origin;
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
    origin.tls = false;
  } else {
    return std::nullopt;
  }
  const bool bracketed = text.starts_with('[');
  const auto host_end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (host_end == std::string_view::npos) return std::nullopt;
  origin.host = text.substr(bracketed ? 1 : 0, bracketed ? host_end - 1 : host_end);
  if (!is_host(origin.host) || bracketed != (origin.host.find(':') != std::string::npos)) return std::nullopt;
  const auto port = port_of(text.substr(bracketed ? host_end + 1 : host_end), origin.tls);
  if (!port) return std::nullopt;
  origin.port = *port;
  return origin;
}

}  // namespace

std::string Origin::to_string() const {
  return (tls ? "https://" : "http://") + authority(*this);
}

std::string authority(const Origin& origin) {
  const bool is_address6 = origin.host.find(':') != std::string::npos;
  std::string text = is_address6 ? "[" + origin.host + "]" : origin.host;
  if (origin.port != (origin.tls ? 443 : 80)) text += fmt::format(":{}", origin.port);
  return text;
}

Result<Origin> parse_origin(std::string_view text) {
  if (auto origin = read_origin(text)) return std::move(*origin);
  // The text is not shown: it may carry a password.
  return fail(ErrorKind::usage, "the address of the storage is no http or https origin",
              "write https://host or https://host:port, without a path, user or password");
}

std::string place_of_redirect(std::string_view location) {
  const auto scheme_end = location.find("://");
  if (scheme_end == std::string_view::npos) return location.starts_with("//") ? "another host" : "another path";
  const auto rest = location.substr(scheme_end + 3);
  auto host = rest.substr(0, rest.find_first_of("/?#\\"));
  if (const auto user_end = host.rfind('@'); user_end != std::string_view::npos) host.remove_prefix(user_end + 1);
  std::string text(location.substr(0, scheme_end));
  std::ranges::transform(text, text.begin(), lower);
  const auto origin = read_origin(text + "://" + std::string(host));
  return origin ? origin->to_string() : "an address that cannot be read";
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view Response::header(std::string_view name) const {
  const auto found = std::ranges::find_if(headers, [&](const Header& header) { return same_name(header.name, name); });
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

}  // namespace bundlesync::storage::http
