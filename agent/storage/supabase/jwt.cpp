#include "storage/supabase/jwt.hpp"

#include "base/json_read.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace bundlesync::storage::supabase {
namespace {

constexpr std::size_t role_bytes_max = 63;       // of a name in Postgres
constexpr double seconds_max = 253'402'300'799;  // the last second of the year 9999
constexpr std::string_view anonymous = "anon";

std::optional<std::uint32_t> sextet(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0' + 52);
  if (c == '-') return 62U;
  if (c == '_') return 63U;
  return std::nullopt;
}

std::optional<std::string> base64url_decoded(std::string_view text) {
  if (text.empty() || text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto six = sextet(c);
    if (!six) return std::nullopt;
    bits = (bits << 6 | *six) & 0xFFFFU;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFFU);
  }
  return bytes;
}

std::optional<boost::json::object> json_object(std::string_view segment) {
  const auto text = base64url_decoded(segment);
  if (!text) return std::nullopt;
  json::Limits limits;
  limits.bytes_max = jwt_bytes_max;
  limits.depth_max = 16;
  auto value = json::parse(*text, "token", limits);
  if (!value || !value->is_object()) return std::nullopt;
  return std::move(value->get_object());
}

std::string printable(std::string_view text) {
  std::string shown(text.substr(0, role_bytes_max));
  std::ranges::replace_if(shown, [](char c) { return c < '!' || c > '~'; }, '?');
  return shown;
}

/// False for a value that no server would take.
bool read_expiry(const boost::json::value& exp, JwtClaims& claims) {
  if (!exp.is_number()) return false;
  const double seconds = std::floor(exp.to_number<double>());
  if (!(seconds >= 0) || seconds > seconds_max) return false;
  claims.expires = std::chrono::system_clock::time_point(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
  return true;
}

}  // namespace

std::optional<JwtClaims> read_jwt(std::string_view token) {
  if (token.size() > jwt_bytes_max) return std::nullopt;
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto signature = token.substr(second + 1);
  if (!base64url_decoded(signature) || !json_object(token.substr(0, first))) return std::nullopt;
  const auto payload = json_object(token.substr(first + 1, second - first - 1));
  if (!payload) return std::nullopt;

  JwtClaims claims;
  claims.role = anonymous;
  if (const auto* role = payload->if_contains("role")) {
    if (!role->is_string()) return std::nullopt;
    const auto& name = role->get_string();
    if (!name.empty()) claims.role = printable(std::string_view(name.data(), name.size()));
  }
  if (const auto* exp = payload->if_contains("exp")) {
    if (!read_expiry(*exp, claims)) return std::nullopt;
  }
  return claims;
}

}  // namespace bundlesync::storage::supabase
