#include "catalog/postgres/sqlstate.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

namespace bundlesync::catalog::postgres {
namespace {

bool is_class(std::string_view state, std::string_view prefix) {
  return state.starts_with(prefix);
}

bool is_state(std::string_view text) {
  return text.size() == 5 &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0 || std::isupper(c) != 0; });
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

struct ServerWords {
  std::string state;
  std::string words;
};

/// "… FATAL:  28P01: password authentication failed …\nLOCATION:  auth_failed, auth.c:326" → the middle.
std::optional<ServerWords> server_words(std::string_view message) {
  for (const std::string_view severity : {"FATAL:", "ERROR:", "PANIC:"}) {
    const auto at = message.find(severity);
    if (at == std::string_view::npos) continue;
    auto rest = message.substr(at + severity.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (!is_state(rest.substr(0, 5)) || rest.substr(5, 1) != ":") continue;
    auto words = rest.substr(6);
    words = words.substr(0, words.find("\nLOCATION:"));
    return ServerWords{std::string(rest.substr(0, 5)), one_line(words)};
  }
  return std::nullopt;
}

}  // namespace

bool is_tls_not_verified(std::string_view message) {
  return contains(message, "certificate verify failed") || contains(message, "does not match host name") ||
         contains(message, "root certificate file");
}

Error tls_error(ErrorKind kind, std::string fact) {
  return Error(kind, std::move(fact))
      .with_reason("tls_not_verified")
      .with_hint("set database.ca to a file with the certificate of the authority that signed the server's")
      .with_hint("Supabase: download it in the dashboard under Project Settings, Database, SSL Configuration");
}

std::string one_line(std::string_view text) {
  std::string line;
  bool gap = false;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      gap = !line.empty();
      continue;
    }
    if (std::exchange(gap, false)) line += ' ';
    line += c;
  }
  return line;
}

Error sql_error(std::string_view state, std::string words) {
  if (is_class(state, "28") || state == "42501") {
    return Error(ErrorKind::unauthorised, std::move(words))
        .with_hint(state == "42501" ? "grant bundlesync_agent to this role"
                                    : "check user and password in database.url, and pg_hba.conf of the server");
  }
  if (state == "53300") {
    return Error(ErrorKind::no_space, std::move(words))
        .with_reason("too_many_connections")
        .with_hint("raise max_connections or the role's connection limit");
  }
  if (state == "25006") return Error(ErrorKind::failed, std::move(words)).with_reason("listen_refused");
  if (state == "42883" || state == "3F000") {
    return Error(ErrorKind::usage, "the database has no schema bundlesync: " + std::move(words))
        .with_hint("run bundlesync migrate");
  }
  if (state == "3D000") {
    return Error(ErrorKind::usage, std::move(words)).with_hint("check the name after the last '/' of database.url");
  }
  if (state == "57014") return Error(ErrorKind::timed_out, std::move(words));
  if (is_class(state, "08") || is_class(state, "57P0") || is_class(state, "53")) {
    return Error(ErrorKind::unavailable, std::move(words));
  }
  return Error(ErrorKind::failed, std::move(words)).with_reason("sqlstate_" + std::string(state));
}

Error connect_error(std::string_view message) {
  if (auto server = server_words(message)) return sql_error(server->state, std::move(server->words));
  auto fact = one_line(message);
  if (is_tls_not_verified(fact)) return tls_error(ErrorKind::usage, std::move(fact));
  if (fact.starts_with("invalid ")) {
    return Error(ErrorKind::usage, "database.url: " + fact).with_hint("check its parameters, after the '?'");
  }
  if (contains(fact, "does not support SSL")) {
    return Error(ErrorKind::usage, std::move(fact))
        .with_reason("tls_not_offered")
        .with_hint("switch ssl on in the server, or say sslmode=disable in database.url where the network is trusted");
  }
  // A standby's session is whole but of no use: another host may be the primary, now or soon.
  return Error(ErrorKind::unavailable, std::move(fact));
}

}  // namespace bundlesync::catalog::postgres
