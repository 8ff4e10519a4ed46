#pragma once

#include "base/error.hpp"

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// A blocking session for commands that people run: one caller, one thread, no loop. The agent does not use it.
namespace bundlesync::catalog {

/// Text, or nothing for null. Bound, never pasted into the statement.
using Parameter = std::optional<std::string>;

/// What a statement answered. Rows and columns count from 0; asking beyond them is a bug and throws std::out_of_range.
class Rows {
 public:
  Rows() = default;
  explicit Rows(void* result);  ///< takes a PGresult over

  std::size_t size() const;
  std::size_t columns() const;
  bool empty() const { return size() == 0; }
  bool is_null(std::size_t row, std::size_t column) const;
  /// Empty for null. Valid as long as these Rows (or what they were moved to) live.
  std::string_view text(std::size_t row, std::size_t column) const;
  std::optional<std::string> value(std::size_t row, std::size_t column) const;
  /// How many rows an insert, update or delete touched; how many a select returned.
  std::size_t affected() const;

 private:
  void check(std::size_t row, std::size_t column) const;
  std::shared_ptr<void> result_;
};

/// Something the server said that is no error.
struct Notice {
  std::string severity;  ///< NOTICE, WARNING, …
  std::string message;
  std::string hint;  ///< empty when there is none
};

/// What sort of failure a SQLSTATE is: 28… and 42501 unauthorised; 08…, 57P…, 53300, 25006 unavailable; 57014, 55P03
/// timed_out; 23514 with our rules' codes refused; 40…, 23505 conflict; the rest failed.
ErrorKind kind_of_sqlstate(std::string_view sqlstate);

class Session {
 public:
  /// Connects with `conninfo` (a URL or keywords; the environment's PG* fill what is missing), then empties the
  /// search_path. Adds application_name=bundlesync and connect_timeout=5 unless given. Repeatable.
  /// Errors: unavailable, unauthorised, usage (the conninfo cannot be read). No error carries the password.
  static Result<Session> connect(const std::string& conninfo);

  /// One statement with its parameters, or, without parameters, several at once (then the last answer counts).
  /// Errors: kind_of_sqlstate(); reason() is the code of the rule that a guard of ours named ("version_frozen"), else
  /// the SQLSTATE. After unavailable the session is dead; make a new one.
  Result<Rows> exec(std::string_view sql, std::span<const Parameter> parameters);
  Result<Rows> exec(std::string_view sql, std::initializer_list<Parameter> parameters) {
    return exec(sql, std::span(parameters.begin(), parameters.size()));
  }
  Result<Rows> exec(std::string_view sql) { return exec(sql, std::span<const Parameter>()); }

  /// Runs `work` (returns Result<…>) between begin and commit. An error of it, or an exception, rolls back; the error
  /// is what comes back. Not nested.
  template <class Work>
  std::invoke_result_t<Work> transaction(Work work) {
    if (auto begun = exec("begin"); !begun) return fail(std::move(begun.error()));
    RollBack open{this};
    auto done = work();
    if (!done) return done;
    open.session = nullptr;
    if (auto ended = exec("commit"); !ended) return fail(std::move(ended.error()));
    return done;
  }

  /// What the server said since the last call, oldest first.
  std::vector<Notice> take_notices();
  /// Payloads of notifications that arrived so far (after `listen …`), waiting up to `patience` for the first.
  Result<std::vector<std::string>> notifications(std::chrono::milliseconds patience);
  int backend_pid() const;
  int server_version() const;  ///< as in 150008

 private:
  struct RollBack {
    Session* session;
    ~RollBack() {
      if (session != nullptr) (void)session->exec("rollback");
    }
  };
  struct Deleter {
    void operator()(void* connection) const;
  };

  Session() = default;
  Error error_from(void* result);

  std::unique_ptr<std::vector<Notice>> notices_ = std::make_unique<std::vector<Notice>>();  // the receiver points here
  std::unique_ptr<void, Deleter> connection_;
};

}  // namespace bundlesync::catalog
