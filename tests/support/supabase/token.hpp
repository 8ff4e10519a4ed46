#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bundlesync::tests::supabase {

/// A token in compact form with this JSON payload and header, signed with HMAC-SHA256.
std::string sign_token(std::string_view payload, std::string_view secret,
                       std::string_view header = R"({"alg":"HS256","typ":"JWT"})");
/// {"role":…,"exp":…}; without `expires` it is valid for ever.
std::string token_for(std::string_view role, std::string_view secret,
                      std::optional<std::chrono::system_clock::time_point> expires = std::nullopt);

/// Who asks, or why the token is not taken, in the server's words.
struct Verdict {
  std::string role;
  std::string sub;
  std::string problem;  ///< empty: the token is good
};
Verdict check_token(std::string_view token, std::string_view secret, std::chrono::system_clock::time_point now);

}  // namespace bundlesync::tests::supabase
