#pragma once

#include "base/exit_code.hpp"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync {

/// What sort of failure it is, for code that decides what to do next. People read fact() and hints().
enum class ErrorKind {
  failed,         ///< tried, did not work, and nothing more is known
  usage,          ///< a setting, flag or argument is wrong: exit 2
  unavailable,    ///< a peer or resource is away: the same call may succeed later
  timed_out,      ///< a deadline passed: the same call may succeed later
  not_found,      ///< the thing named does not exist
  unauthorised,   ///< the credentials do not allow it: exit 4
  conflict,       ///< somebody else was first, or it exists with other content: exit 5
  refused,        ///< content breaks a rule: final until the content changes; reason() says which rule
  damaged,        ///< bytes on this disk are not what they were when they were accepted
  no_space,       ///< the disk or the byte budget is full
  held,           ///< another agent holds the target: exit 7
  not_converged,  ///< the time was up before the wanted state was reached: exit 6
  cancelled,      ///< we were told to stop
};

/// A fact with its values, in lower case and without a full stop, then hints: what to do about it.
/// Built by constructors only: brace-made aggregates are destroyed twice by g++ 12 beside a co_await.
class Error {
 public:
  Error(ErrorKind kind, std::string fact) : kind_(kind), fact_(std::move(fact)) {}
  Error(ErrorKind kind, std::string fact, std::string hint) : kind_(kind), fact_(std::move(fact)) {
    hints_.push_back(std::move(hint));
  }

  ErrorKind kind() const { return kind_; }
  const std::string& fact() const { return fact_; }
  const std::vector<std::string>& hints() const { return hints_; }
  /// A stable code for metrics and logs ("digest_mismatch", "path_dotdot"); empty where the kind says enough.
  const std::string& reason() const { return reason_; }

  // By value, so that `error = std::move(error).with_hint(…)` is no move onto itself.
  Error with_hint(std::string hint) &&;
  Error with_reason(std::string_view reason) &&;
  /// Puts `what` and ": " before the fact, for a caller that knows more than the callee:
  /// within("reading manifest.json") makes "reading manifest.json: …".
  Error within(std::string_view what) &&;

  /// "fact\nhint: …\nhint: …", as it follows "error: " on stderr.
  std::string text() const;
  /// "fact (hint: …)" on one line, for the log.
  std::string line() const;
  /// The exit code that a command ends with when this error is its result.
  ExitCode exit_code() const;
  /// True when doing the same again later can succeed without anybody changing anything: unavailable, timed_out,
  /// no_space.
  bool may_pass() const;

 private:
  ErrorKind kind_;
  std::string fact_;
  std::vector<std::string> hints_;
  std::string reason_;
};

template <class T = void>
using Result = std::expected<T, Error>;

/// `return fail(ErrorKind::usage, "…", "…");` from any function that returns a Result.
inline std::unexpected<Error> fail(ErrorKind kind, std::string fact) {
  return std::unexpected(Error(kind, std::move(fact)));
}
inline std::unexpected<Error> fail(ErrorKind kind, std::string fact, std::string hint) {
  return std::unexpected(Error(kind, std::move(fact), std::move(hint)));
}
inline std::unexpected<Error> fail(Error error) {
  return std::unexpected(std::move(error));
}

}  // namespace bundlesync
