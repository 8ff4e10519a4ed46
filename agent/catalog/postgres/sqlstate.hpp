#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace bundlesync::catalog::postgres {

/// The schema that this build was written for; it works with one version older or newer.
inline constexpr int schema_version = 1;

/// What the server said, as an Error. `state` is the five-character SQLSTATE, `words` its message in one line.
/// 28*, 42501: unauthorised. 53300: no_space, reason too_many_connections. 08*, 57P0*, 53*: unavailable. 57014:
/// timed_out. 25006 ("cannot execute … during recovery"): failed, reason listen_refused. 42883, 3F000: usage, the
/// schema is missing. 3D000: usage. Everything else: failed with reason sqlstate_<state>.
Error sql_error(std::string_view state, std::string words);

/// What libpq said when no connection came about: the SQLSTATE is in it when the server gave one (PQERRORS_VERBOSE).
/// TLS that cannot be had or verified is `usage`, everything without a SQLSTATE else is `unavailable`.
Error connect_error(std::string_view message);

/// libpq's words when the server's certificate was not to be trusted, and what to say of that.
bool is_tls_not_verified(std::string_view message);
Error tls_error(ErrorKind kind, std::string fact);

/// One line: runs of white space are one blank, no blank at the ends.
std::string one_line(std::string_view text);

}  // namespace bundlesync::catalog::postgres
