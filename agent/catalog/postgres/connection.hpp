#pragma once

#include "async/clock.hpp"
#include "async/task.hpp"
#include "base/error.hpp"
#include "catalog/postgres/conninfo.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <libpq-fe.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bundlesync::catalog::postgres {

using Field = std::optional<std::string>;  ///< absent: null
using Row = std::vector<Field>;

/// One session over libpq on the loop, never blocking it. Every call has a deadline. After an error of kind unavailable
/// or timed_out, and after a cancelled call, the session is closed: a query that was cut short is never waited for and
/// the connection never used again.
///
/// libpq closes its descriptor when it likes, and another thread may get the number at once: Asio waits on a duplicate.
/// A duplicate keeps a closed connection open for the peer, so it goes before libpq may close its own (around every
/// step of connecting, before PQfinish), and as soon as libpq says that it has none.
class Connection {
 public:
  Connection(asio::any_io_executor executor, async::Clock& clock);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// To one host, whose address is known, within `limit`. Errors: see connect_error(), timed_out.
  Task<Result<void>> open(const Conninfo& info, const Host& host, async::Duration limit);
  /// Parameters are bound as text. refused (reason answer_too_large) above `bytes_max`, and then closed.
  Task<Result<std::vector<Row>>> query(std::string sql, std::vector<Field> parameters, async::Duration limit,
                                       std::string name, std::size_t bytes_max = std::size_t{1} << 20);
  /// Until a notification on `channel` came in since the last wait or forget_notifications(); false at the deadline.
  Task<Result<bool>> wait_notified(std::string channel, async::Steady deadline);
  /// What came in until now is known: the next wait is for later ones.
  Result<void> forget_notifications(const std::string& channel);

  /// Never waits, may be called twice.
  void close();
  bool is_open() const { return session_ != nullptr && established_; }
  bool tls() const;
  std::string role() const;
  std::string database() const;

 private:
  /// A call that did not come to its end (an exception, a timeout) leaves the protocol in the middle: closed.
  class Unfinished;
  using Wait = asio::posix::stream_descriptor::wait_type;

  Task<Result<void>> connect(const Conninfo& info, Host host);
  Task<Result<std::vector<Row>>> exchange(std::string sql, std::vector<Field> parameters, std::size_t bytes_max);
  Task<Result<void>> flush();
  Task<Result<void>> read_more();
  Task<Result<bool>> until_notified(std::string channel);
  Task<Result<void>> until(Wait what);

  Result<void> begin(const Conninfo& info, const Host& host);
  bool send(const std::string& sql, const std::vector<Field>& parameters);
  Result<void> take_in();
  void collect_notifications();
  Result<void> watch();
  void unwatch();
  Error lost(std::string_view doing);

  static void on_notice(void* self, const PGresult* notice);

  async::Clock& clock_;
  asio::posix::stream_descriptor watched_;
  PGconn* session_ = nullptr;
  bool established_ = false;
  std::set<std::string, std::less<>> notified_;  ///< channels
  std::string last_fatal_;                       ///< what the server said before it closed the session
};

}  // namespace bundlesync::catalog::postgres
