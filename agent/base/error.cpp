#include "base/error.hpp"

namespace bundlesync {

Error Error::with_hint(std::string hint) && {
  hints_.push_back(std::move(hint));
  return std::move(*this);
}

Error Error::with_reason(std::string_view reason) && {
  reason_ = reason;
  return std::move(*this);
}

Error Error::within(std::string_view what) && {
  fact_.insert(0, std::string(what) + ": ");
  return std::move(*this);
}

std::string Error::text() const {
  std::string text = fact_;
  for (const auto& hint : hints_) text += "\nhint: " + hint;
  return text;
}

std::string Error::line() const {
  std::string line = fact_;
  for (const auto& hint : hints_) line += " (hint: " + hint + ")";
  return line;
}

ExitCode Error::exit_code() const {
  switch (kind_) {
    case ErrorKind::usage:
      return ExitCode::usage;
    case ErrorKind::unauthorised:
      return ExitCode::unauthorised;
    case ErrorKind::conflict:
      return ExitCode::conflict;
    case ErrorKind::held:
      return ExitCode::held;
    case ErrorKind::not_converged:
      return ExitCode::not_converged;
    case ErrorKind::failed:
    case ErrorKind::unavailable:
    case ErrorKind::timed_out:
    case ErrorKind::not_found:
    case ErrorKind::refused:
    case ErrorKind::damaged:
    case ErrorKind::no_space:
    case ErrorKind::cancelled:
      break;
  }
  return ExitCode::failed;
}

bool Error::may_pass() const {
  // A full disk empties when old trees expire, so it is worth another try.
  return kind_ == ErrorKind::unavailable || kind_ == ErrorKind::timed_out || kind_ == ErrorKind::no_space;
}

}  // namespace bundlesync
