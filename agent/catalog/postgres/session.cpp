#include "catalog/postgres/session.hpp"

#include "catalog/postgres/sqlstate.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <poll.h>
#include <stdexcept>

namespace bundlesync::catalog {
namespace {

PGconn* as_connection(void* connection) {
  return static_cast<PGconn*>(connection);
}
PGresult* as_result(void* result) {
  return static_cast<PGresult*>(result);
}

/// The server's words as a fact: one line, no trailing newline, no "ERROR: " in front.
std::string one_line(std::string_view text) {
  std::string line(text);
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  std::ranges::replace(line, '\n', ' ');
  return line;
}

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string() : std::string(text);
}

std::string without(std::string text, std::string_view secret) {
  if (secret.empty()) return text;
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
    text.replace(at, secret.size(), "***");
    at += 3;
  }
  return text;
}

void receive_notice(void* notices, const PGresult* result) {
  static_cast<std::vector<Notice>*>(notices)->push_back(Notice{
      field(result, PG_DIAG_SEVERITY), field(result, PG_DIAG_MESSAGE_PRIMARY), field(result, PG_DIAG_MESSAGE_HINT)});
}

/// The settings of `conninfo` with our defaults under them, as PQconnectdbParams wants them.
struct Settings {
  std::vector<std::string> keys;
  std::vector<std::string> values;
  std::string password;

  void add(std::string key, std::string value) {
    keys.push_back(std::move(key));
    values.push_back(std::move(value));
  }
  bool has(std::string_view key) const { return std::ranges::find(keys, key) != keys.end(); }
};

Result<Settings> read_conninfo(const std::string& conninfo) {
  char* words = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(conninfo.c_str(), &words),
                                                                             &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> owned_words(words, &PQfreemem);
  if (!options) {
    // libpq quotes what it could not read, which may be a password: we do not repeat it.
    return fail(ErrorKind::usage, "the connection string of the database cannot be read",
                "write it as postgresql://user@host:5432/database or as host=… dbname=…; percent-encode special "
                "characters of a password");
  }
  Settings settings;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    settings.add(option->keyword, option->val);
    if (std::string_view(option->keyword) == "password") settings.password = option->val;
  }
  if (!settings.has("application_name")) settings.add("fallback_application_name", "bundlesync");
  if (!settings.has("connect_timeout") && std::getenv("PGCONNECT_TIMEOUT") == nullptr) {
    settings.add("connect_timeout", "5");
  }
  return settings;
}

ErrorKind kind_of_refused_connection(std::string_view words) {
  // A failed connect has no SQLSTATE in libpq 15: the words are all there is.
  constexpr std::string_view signs[] = {"authentication failed", "no password supplied", "no pg_hba.conf entry",
                                        "is not permitted to log in", "does not exist"};
  const bool is_no = std::ranges::any_of(signs, [&](auto sign) { return words.find(sign) != std::string_view::npos; });
  return is_no ? ErrorKind::unauthorised : ErrorKind::unavailable;
}

}  // namespace

ErrorKind kind_of_sqlstate(std::string_view sqlstate) {
  const auto of_class = [&](std::string_view prefix) { return sqlstate.starts_with(prefix); };
  if (sqlstate == "42501" || of_class("28")) return ErrorKind::unauthorised;
  if (of_class("08") || of_class("57P") || sqlstate == "53300" || sqlstate == "25006") return ErrorKind::unavailable;
  if (sqlstate == "57014" || sqlstate == "55P03") return ErrorKind::timed_out;
  if (of_class("40") || sqlstate == "23505") return ErrorKind::conflict;
  return ErrorKind::failed;
}

Rows::Rows(void* result) : result_(result, [](void* owned) { PQclear(as_result(owned)); }) {}

std::size_t Rows::size() const {
  return result_ ? static_cast<std::size_t>(PQntuples(as_result(result_.get()))) : 0;
}

std::size_t Rows::columns() const {
  return result_ ? static_cast<std::size_t>(PQnfields(as_result(result_.get()))) : 0;
}

void Rows::check(std::size_t row, std::size_t column) const {
  if (row >= size() || column >= columns()) {
    throw std::out_of_range(fmt::format("row {} column {} of {} rows by {}", row, column, size(), columns()));
  }
}

bool Rows::is_null(std::size_t row, std::size_t column) const {
  check(row, column);
  return PQgetisnull(as_result(result_.get()), static_cast<int>(row), static_cast<int>(column)) != 0;
}

std::string_view Rows::text(std::size_t row, std::size_t column) const {
  check(row, column);
  const auto r = static_cast<int>(row);
  const auto c = static_cast<int>(column);
  return {PQgetvalue(as_result(result_.get()), r, c),
          static_cast<std::size_t>(PQgetlength(as_result(result_.get()), r, c))};
}

std::optional<std::string> Rows::value(std::size_t row, std::size_t column) const {
  if (is_null(row, column)) return std::nullopt;
  return std::string(text(row, column));
}

std::size_t Rows::affected() const {
  return result_ ? std::strtoull(PQcmdTuples(as_result(result_.get())), nullptr, 10) : 0;
}

void Session::Deleter::operator()(void* connection) const {
  PQfinish(as_connection(connection));
}

Result<Session> Session::connect(const std::string& conninfo) {
  auto settings = read_conninfo(conninfo);
  if (!settings) return fail(std::move(settings.error()));
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (std::size_t i = 0; i < settings->keys.size(); ++i) {
    keys.push_back(settings->keys[i].c_str());
    values.push_back(settings->values[i].c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);

  Session session;
  session.connection_.reset(PQconnectdbParams(keys.data(), values.data(), 0));
  PGconn* connection = as_connection(session.connection_.get());
  if (connection == nullptr) return fail(ErrorKind::failed, "out of memory for a database session");
  if (PQstatus(connection) != CONNECTION_OK) {
    const auto words = without(one_line(PQerrorMessage(connection)), settings->password);
    if (postgres::is_tls_not_verified(words)) {
      return fail(postgres::tls_error(ErrorKind::unavailable, "connecting to the database: " + words));
    }
    const auto kind = kind_of_refused_connection(words);
    return fail(kind, "connecting to the database: " + words,
                kind == ErrorKind::unauthorised ? "check user, password and database name of the connection string"
                                                : "check that the server runs and can be reached from here");
  }
  PQsetNoticeReceiver(connection, &receive_notice, session.notices_.get());
  if (auto emptied = session.exec("select pg_catalog.set_config('search_path', '', false)"); !emptied) {
    return fail(std::move(emptied.error()));
  }
  return session;
}

Result<Rows> Session::exec(std::string_view sql, std::span<const Parameter> parameters) {
  PGconn* connection = as_connection(connection_.get());
  const std::string statement(sql);
  PGresult* result = nullptr;
  if (parameters.empty()) {
    result = PQexec(connection, statement.c_str());
  } else {
    std::vector<const char*> values;
    for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
    result = PQexecParams(connection, statement.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                          nullptr, nullptr, 0);
  }
  const auto status = PQresultStatus(result);  // a null result counts as PGRES_FATAL_ERROR
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) return Rows(result);
  return fail(error_from(result));
}

Error Session::error_from(void* owned) {
  const Rows keep(owned);
  const PGresult* result = as_result(owned);
  PGconn* connection = as_connection(connection_.get());
  const auto sqlstate = field(result, PG_DIAG_SQLSTATE);
  if (sqlstate.empty() || PQstatus(connection) == CONNECTION_BAD) {
    const auto kind = sqlstate.empty() ? ErrorKind::unavailable : kind_of_sqlstate(sqlstate);
    return Error(kind == ErrorKind::failed ? ErrorKind::unavailable : kind,
                 "the database session ended: " + one_line(PQerrorMessage(connection)))
        .with_hint("run the command again")
        .with_reason(sqlstate.empty() ? "08006" : sqlstate);
  }
  // Our guards raise 23514 under the schema's name, with the rule's code where a constraint's name would be.
  const bool is_rule = field(result, PG_DIAG_SCHEMA_NAME) == "bundlesync" && sqlstate != "23505" &&
                       !field(result, PG_DIAG_CONSTRAINT_NAME).empty() && field(result, PG_DIAG_TABLE_NAME).empty();
  auto error =
      Error(is_rule ? ErrorKind::refused : kind_of_sqlstate(sqlstate), one_line(field(result, PG_DIAG_MESSAGE_PRIMARY)))
          .with_reason(is_rule ? field(result, PG_DIAG_CONSTRAINT_NAME) : sqlstate);
  if (auto detail = field(result, PG_DIAG_MESSAGE_DETAIL); !detail.empty()) error = std::move(error).with_hint(detail);
  if (auto hint = field(result, PG_DIAG_MESSAGE_HINT); !hint.empty()) error = std::move(error).with_hint(hint);
  return error;
}

std::vector<Notice> Session::take_notices() {
  return std::exchange(*notices_, {});
}

Result<std::vector<std::string>> Session::notifications(std::chrono::milliseconds patience) {
  PGconn* connection = as_connection(connection_.get());
  const auto until = std::chrono::steady_clock::now() + patience;
  std::vector<std::string> payloads;
  while (true) {
    if (PQconsumeInput(connection) == 0) return fail(error_from(nullptr));
    while (PGnotify* notification = PQnotifies(connection)) {
      payloads.emplace_back(notification->extra);
      PQfreemem(notification);
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    if (!payloads.empty() || left <= 0) return payloads;
    pollfd descriptor{PQsocket(connection), POLLIN, 0};
    (void)poll(&descriptor, 1, static_cast<int>(std::min<long long>(left, 60'000)));
  }
}

int Session::backend_pid() const {
  return PQbackendPID(as_connection(connection_.get()));
}

int Session::server_version() const {
  return PQserverVersion(as_connection(connection_.get()));
}

}  // namespace bundlesync::catalog
