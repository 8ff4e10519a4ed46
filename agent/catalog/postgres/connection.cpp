#include "catalog/postgres/connection.hpp"

#include "async/timeout.hpp"
#include "catalog/postgres/sqlstate.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace bundlesync::catalog::postgres {
namespace {

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, ResultDeleter>;

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string() : std::string(text);
}

Error result_error(const PGresult* result) {
  auto words = one_line(field(result, PG_DIAG_MESSAGE_PRIMARY));
  if (words.empty()) words = one_line(PQresultErrorMessage(result));  // made by libpq: no fields
  const auto state = field(result, PG_DIAG_SQLSTATE);
  if (state.empty()) return Error(ErrorKind::unavailable, std::move(words));
  return sql_error(state, std::move(words));
}

/// Moves the rows of `result` to `rows`; what they take, in bytes.
std::size_t take_rows(const PGresult* result, std::vector<Row>& rows) {
  std::size_t bytes = 0;
  const int columns = PQnfields(result);
  for (int r = 0; r < PQntuples(result); ++r) {
    Row row;
    for (int c = 0; c < columns; ++c) {
      if (PQgetisnull(result, r, c) != 0) {
        row.emplace_back();
        continue;
      }
      const auto length = static_cast<std::size_t>(PQgetlength(result, r, c));
      row.emplace_back(std::string(PQgetvalue(result, r, c), length));
      bytes += length;
    }
    rows.push_back(std::move(row));
  }
  return bytes;
}

}  // namespace

class Connection::Unfinished {
 public:
  explicit Unfinished(Connection& connection) : connection_(&connection) {}
  ~Unfinished() {
    if (connection_ != nullptr) connection_->close();
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  void finished() { connection_ = nullptr; }

 private:
  Connection* connection_;
};

Connection::Connection(asio::any_io_executor executor, async::Clock& clock)
    : clock_(clock), watched_(std::move(executor)) {}

Connection::~Connection() {
  close();
}

void Connection::close() {
  unwatch();
  if (session_ != nullptr) PQfinish(std::exchange(session_, nullptr));
  established_ = false;
  notified_.clear();
}

bool Connection::tls() const {
  return is_open() && PQsslInUse(session_) != 0;
}
std::string Connection::role() const {
  return is_open() ? PQuser(session_) : "";
}
std::string Connection::database() const {
  return is_open() ? PQdb(session_) : "";
}

Result<void> Connection::watch() {
  if (watched_.is_open()) return {};
  const int own = ::fcntl(PQsocket(session_), F_DUPFD_CLOEXEC, 0);
  boost::system::error_code error;
  if (own < 0) {
    error.assign(errno, boost::system::system_category());
  } else {
    watched_.assign(own, error);
    if (error) ::close(own);
  }
  if (!error) return {};
  close();
  return fail(ErrorKind::unavailable, "cannot wait for the server: " + error.message());
}

/// Out of epoll by a number that is certainly ours, and only then closed: while libpq has its own open, closing alone
/// would leave ours in epoll.
void Connection::unwatch() {
  if (watched_.is_open()) ::close(watched_.release());
}

Task<Result<void>> Connection::until(Wait what) {
  if (auto watched = watch(); !watched) co_return watched;
  co_await watched_.async_wait(what, asio::use_awaitable);
  co_return Result<void>();
}

void Connection::on_notice(void* self, const PGresult* notice) {
  // By default libpq prints them on stderr. A FATAL one comes ahead of the end of the session and says why.
  const auto severity = field(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity != "FATAL" && severity != "PANIC") return;
  static_cast<Connection*>(self)->last_fatal_ = one_line(field(notice, PG_DIAG_MESSAGE_PRIMARY));
}

Error Connection::lost(std::string_view doing) {
  std::string words = one_line(session_ == nullptr ? "" : PQerrorMessage(session_));
  if (!last_fatal_.empty()) words = last_fatal_;
  if (words.empty()) words = "the connection was closed";
  close();  // before anything else may run: libpq may have closed its descriptor, and ours keeps the peer waiting
  return Error(ErrorKind::unavailable, std::string(doing) + ": " + words);
}

// ---- connecting

Task<Result<void>> Connection::open(const Conninfo& info, const Host& host, async::Duration limit) {
  close();
  last_fatal_.clear();
  Unfinished unfinished(*this);
  auto attempt = connect(info, host);
  auto name = "connecting to " + host.text();
  auto connected = co_await async::with_timeout(std::move(attempt), clock_, limit, std::move(name));
  if (!connected) co_return fail(info.scrub(connected.error()));
  unfinished.finished();
  co_return Result<void>();
}

Result<void> Connection::begin(const Conninfo& info, const Host& host) {
  std::vector<const char*> keys;
  std::vector<const char*> values;
  auto add = [&](const char* key, const std::string& value) {
    keys.push_back(key);
    values.push_back(value.c_str());
  };
  for (const auto& [key, value] : info.parameters) add(key.c_str(), value.reveal());
  add("host", host.name);
  if (!host.address.empty()) add("hostaddr", host.address);
  add("port", host.port);
  keys.push_back(nullptr);
  values.push_back(nullptr);
  session_ = PQconnectStartParams(keys.data(), values.data(), 0);
  if (session_ == nullptr) return fail(ErrorKind::failed, "out of memory");
  PQsetNoticeReceiver(session_, &Connection::on_notice, this);
  PQsetErrorVerbosity(session_, PQERRORS_VERBOSE);  // the only way to see the SQLSTATE of a refused connection
  if (PQstatus(session_) == CONNECTION_BAD) return fail(connect_error(PQerrorMessage(session_)));
  return {};
}

Task<Result<void>> Connection::connect(const Conninfo& info, Host host) {
  if (auto begun = begin(info, host); !begun) co_return fail(std::move(begun).error());
  auto next = PGRES_POLLING_WRITING;  // the first wait is for writing, by libpq's rule
  while (next != PGRES_POLLING_OK) {
    if (PQsocket(session_) < 0) co_return fail(connect_error(PQerrorMessage(session_)));
    auto ready = co_await until(next == PGRES_POLLING_READING ? Wait::wait_read : Wait::wait_write);
    // Anew in every round: PQconnectPoll may close the socket and open another, even one of the same number.
    unwatch();
    if (!ready) co_return ready;
    next = PQconnectPoll(session_);
    if (next == PGRES_POLLING_FAILED) co_return fail(connect_error(PQerrorMessage(session_)));
  }
  PQsetErrorVerbosity(session_, PQERRORS_DEFAULT);
  if (PQsetnonblocking(session_, 1) != 0) co_return fail(lost("connecting"));
  established_ = true;
  co_return Result<void>();
}

// ---- asking

Task<Result<std::vector<Row>>> Connection::query(std::string sql, std::vector<Field> parameters, async::Duration limit,
                                                 std::string name, std::size_t bytes_max) {
  if (!is_open()) co_return fail(ErrorKind::unavailable, name + ": there is no session");
  Unfinished unfinished(*this);
  auto exchanged = exchange(std::move(sql), std::move(parameters), bytes_max);
  auto rows = co_await async::with_timeout(std::move(exchanged), clock_, limit, name);
  if (!rows) {
    const auto kind = rows.error().kind();
    const bool gone = kind == ErrorKind::unavailable || kind == ErrorKind::timed_out;
    if (!gone && rows.error().reason() != "answer_too_large") unfinished.finished();
    co_return rows;
  }
  unfinished.finished();
  co_return rows;
}

bool Connection::send(const std::string& sql, const std::vector<Field>& parameters) {
  std::vector<const char*> values;
  for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  const auto count = static_cast<int>(values.size());
  if (PQsendQueryParams(session_, sql.c_str(), count, nullptr, values.data(), nullptr, nullptr, 0) != 1) return false;
  PQsetSingleRowMode(session_);  // so that a huge answer is stopped and not stored
  return true;
}

Task<Result<void>> Connection::flush() {
  while (true) {
    const int left = PQflush(session_);
    if (left < 0) co_return fail(lost("sending"));
    if (left == 0) co_return Result<void>();
    // The server may have to be read from before it takes more.
    if (auto watched = watch(); !watched) co_return watched;
    auto either = asio::experimental::make_parallel_group(watched_.async_wait(Wait::wait_read, asio::deferred),
                                                          watched_.async_wait(Wait::wait_write, asio::deferred));
    const asio::experimental::wait_for_one first;
    co_await either.async_wait(first, asio::use_awaitable);
    if (auto taken = take_in(); !taken) co_return taken;
  }
}

Result<void> Connection::take_in() {
  if (PQconsumeInput(session_) != 1 || PQsocket(session_) < 0) return fail(lost("reading"));
  collect_notifications();
  return {};
}

Task<Result<void>> Connection::read_more() {
  auto ready = co_await until(Wait::wait_read);
  if (!ready) co_return ready;
  co_return take_in();
}

Task<Result<std::vector<Row>>> Connection::exchange(std::string sql, std::vector<Field> parameters,
                                                    std::size_t bytes_max) {
  if (!send(sql, parameters)) co_return fail(lost("sending"));
  auto flushed = co_await flush();
  if (!flushed) co_return fail(std::move(flushed).error());

  std::vector<Row> rows;
  std::size_t bytes = 0;
  std::optional<Error> refused;
  while (true) {
    while (PQisBusy(session_) != 0) {
      auto more = co_await read_more();
      if (!more) co_return fail(refused ? *std::move(refused) : std::move(more).error());
    }
    const ResultHandle result(PQgetResult(session_));
    if (!result) break;
    const auto status = PQresultStatus(result.get());
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) refused = result_error(result.get());
    bytes += take_rows(result.get(), rows);
    if (bytes > bytes_max) {
      const auto limit = std::to_string(bytes_max);
      co_return fail(
          Error(ErrorKind::refused, "the answer is larger than " + limit + " bytes").with_reason("answer_too_large"));
    }
  }
  collect_notifications();
  if (PQstatus(session_) != CONNECTION_OK) co_return fail(refused ? *std::move(refused) : lost("reading"));
  if (refused) co_return fail(*std::move(refused));
  co_return rows;
}

// ---- notifications

void Connection::collect_notifications() {
  while (auto* notification = PQnotifies(session_)) {
    notified_.emplace(notification->relname);
    PQfreemem(notification);
  }
}

Result<void> Connection::forget_notifications(const std::string& channel) {
  if (!is_open()) return fail(ErrorKind::unavailable, "there is no session");
  if (auto taken = take_in(); !taken) return taken;
  notified_.erase(channel);
  return {};
}

Task<Result<bool>> Connection::until_notified(std::string channel) {
  collect_notifications();
  while (!notified_.contains(channel)) {
    auto more = co_await read_more();
    if (!more) co_return fail(std::move(more).error());
  }
  co_return true;
}

Task<Result<bool>> Connection::wait_notified(std::string channel, async::Steady deadline) {
  if (!is_open()) co_return fail(ErrorKind::unavailable, "there is no session");
  // A wait that is cut short leaves the protocol whole, unlike a query.
  auto waiting = until_notified(channel);
  auto ended = co_await async::before(std::move(waiting), clock_, deadline);
  if (ended && !*ended) co_return std::move(*ended);
  co_return notified_.erase(channel) > 0;
}

}  // namespace bundlesync::catalog::postgres
