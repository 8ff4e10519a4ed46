#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"
#include "storage/http/client.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::storage::supabase {

/// What may be said of a storage key: never the key itself.
struct KeyFacts {
  enum class Kind { jwt, secret, publishable, unknown };
  Kind kind = Kind::unknown;
  std::string role;  ///< of a JWT; else "sb_secret", "sb_publishable", "unknown"
  std::optional<std::chrono::system_clock::time_point> expires;  ///< of a JWT that says so
  bool operator==(const KeyFacts&) const = default;

  /// "as role anon, whose key expires 2027-01-01T00:00:00Z"; "… whose key expired …", "… whose key never expires";
  /// "with a secret key (sb_secret_…)".
  std::string whom(std::chrono::system_clock::time_point now) const;
  bool expired(std::chrono::system_clock::time_point now) const { return expires && *expires <= now; }
  /// Why it can do more than read: "passes every policy of the project"; empty where it may not.
  std::string_view privilege() const;
};

KeyFacts facts_of(const Secret& key);

/// The headers that carry the key: a JWT goes in Authorization and apikey, an sb_ key in apikey only (the gateway turns
/// away one in Authorization). usage: a key that no header can carry.
Result<std::vector<http::Header>> headers_of(const Secret& key);

/// A key of the same form that is not this one: no server takes it.
Secret spoiled(const Secret& key);

/// `text`, which a stranger wrote, as an error may carry it: on one line, bounded, and without the key.
std::string quotable(std::string_view text, const Secret& key);

}  // namespace bundlesync::storage::supabase
