#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bundlesync::storage::supabase {

/// A key goes into two headers, and the server takes 16 KiB of them, the path included.
inline constexpr std::size_t jwt_bytes_max = 6 << 10;

/// What a token says about itself. Nobody has checked its signature here: this is for messages, never for decisions.
struct JwtClaims {
  std::string role;  ///< "anon" where the token names none, as the server takes it; at most 63 bytes, printable
  std::optional<std::chrono::system_clock::time_point> expires;  ///< absent: never
};

/// Reads the claims of a token in compact form. Nothing for a text that is no such token: not three segments of
/// base64url without padding, longer than jwt_bytes_max, a header or payload that is no JSON object (a key twice counts
/// as that), a role that is no text, or an exp that is no time up to the year 9999.
std::optional<JwtClaims> read_jwt(std::string_view token);

}  // namespace bundlesync::storage::supabase
