#include "storage/supabase/key.hpp"

#include "base/time.hpp"
#include "storage/supabase/jwt.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bundlesync::storage::supabase {
namespace {

constexpr std::string_view secret_mark = "sb_secret_";
constexpr std::string_view publishable_mark = "sb_publishable_";
constexpr std::size_t quoted_bytes_max = 200;

/// Without the milliseconds, which no token has.
std::string to_the_second(std::chrono::system_clock::time_point when) {
  std::string text = format_time(when);
  const auto point = text.find('.');
  if (point != std::string::npos) text.erase(point, text.find('Z') - point);
  return text;
}

bool is_sb(const Secret& key) {
  return key.reveal().starts_with("sb_");
}

}  // namespace

KeyFacts facts_of(const Secret& key) {
  KeyFacts facts;
  facts.role = "unknown";
  if (key.reveal().starts_with(secret_mark)) {
    facts.kind = KeyFacts::Kind::secret;
    facts.role = "sb_secret";
  } else if (key.reveal().starts_with(publishable_mark)) {
    facts.kind = KeyFacts::Kind::publishable;
    facts.role = "sb_publishable";
  } else if (auto claims = read_jwt(key.reveal())) {
    facts.kind = KeyFacts::Kind::jwt;
    facts.role = std::move(claims->role);
    facts.expires = claims->expires;
  }
  return facts;
}

std::string KeyFacts::whom(std::chrono::system_clock::time_point now) const {
  switch (kind) {
    case Kind::secret:
      return "with a secret key (sb_secret_…)";
    case Kind::publishable:
      return "with a publishable key (sb_publishable_…)";
    case Kind::unknown:
      return "with a key that is no JWT";
    case Kind::jwt:
      break;
  }
  if (!expires) return fmt::format("as role {}, whose key never expires", role);
  return fmt::format("as role {}, whose key {} {}", role, expired(now) ? "expired" : "expires",
                     to_the_second(*expires));
}

std::string_view KeyFacts::privilege() const {
  const bool privileged = kind == Kind::secret || (kind == Kind::jwt && role == "service_role");
  return privileged ? "passes every policy of the project" : "";
}

Result<std::vector<http::Header>> headers_of(const Secret& key) {
  const std::string& text = key.reveal();
  const bool visible = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
  if (text.empty() || !visible || text.size() > jwt_bytes_max) {
    const auto* what = text.empty() ? "is empty"
                       : visible    ? "is longer than 6 KiB"
                                    : "holds a space, a control byte or a byte that is not ASCII";
    return fail(Error(ErrorKind::usage, fmt::format("storage.key {}", what),
                      "storage.key is a JWT (eyJ…) or an sb_… key, and nothing around it")
                    .with_reason("key_unusable"));
  }
  std::vector<http::Header> headers;
  headers.push_back({"apikey", text});
  if (!is_sb(key)) headers.push_back({"Authorization", "Bearer " + text});
  return headers;
}

Secret spoiled(const Secret& key) {
  std::string text = key.reveal();
  if (text.empty()) return Secret("x");
  // The first letter of a signature: the last one of it may hold bits that nobody looks at.
  const auto dot = text.rfind('.');
  const std::size_t at = dot == std::string::npos || dot + 1 == text.size() ? text.size() - 1 : dot + 1;
  text[at] = text[at] == 'A' ? 'B' : 'A';
  return Secret(std::move(text));
}

std::string quotable(std::string_view text, const Secret& key) {
  constexpr std::string_view instead = "<key>";
  std::string whole(text);
  std::ranges::replace_if(whole, [](char c) { return c < ' ' || c > '~'; }, '?');
  const std::string& secret = key.reveal();
  for (std::size_t at = 0; !secret.empty() && (at = whole.find(secret, at)) != std::string::npos;) {
    whole.replace(at, secret.size(), instead);
    at += instead.size();
  }
  if (whole.size() <= quoted_bytes_max) return whole;
  return whole.substr(0, quoted_bytes_max) + "…";
}

}  // namespace bundlesync::storage::supabase
