#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"
#include "storage/http/client.hpp"
#include "storage/supabase/key.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

/// What an answer of Supabase Storage that is not 200 means. Pure.
namespace bundlesync::storage::supabase {

/// The server answers most failures with HTTP 400 and says what it means in the body.
struct Answer {
  int http_status = 0;
  std::string code;         ///< "NoSuchKey"; empty where the body has none (a gateway, an unknown route)
  std::string status_code;  ///< of the body: "404"; empty where it has none
  std::string message;      ///< as the body has it; empty where it has none
  std::string body_kind;    ///< of a body that is no JSON object: "an answer of text/html", "an answer without a body"

  /// The code, else "HTTP 502": how errors name the answer.
  std::string name() const;
  /// The same call may be answered otherwise later: HTTP 429 and from 500 on (544 too), or such a statusCode.
  bool may_pass() const;
  /// The key was not taken, or may not do this: AccessDenied, HTTP 401 and 403, no Authorization seen.
  bool denies() const;
};

Answer read_answer(const http::Response& response);

/// What was asked, for errors.
struct Asked {
  Asked(std::string_view verb_, std::string_view key_, std::string_view storage_, std::string_view bucket_)
      : verb(verb_), key(key_), storage(storage_), bucket(bucket_) {}
  std::string_view verb;  ///< "download"
  std::string_view key;   ///< of the object, or the prefix
  std::string_view storage;
  std::string_view bucket;
};

/// not_found (object_missing, no_such_bucket), unauthorised (access_denied, key_expired), conflict (object_exists),
/// unavailable (slow_down, database_timeout, …, http_502), refused for content (entity_too_large, invalid_mime_type,
/// key_invalid), failed for everything else. Says as whom storage was asked and when that key expires, because a
/// missing object and a missing permission look the same here.
Error error_of(const Answer& answer, const Asked& asked, const Secret& key, std::chrono::system_clock::time_point now);

}  // namespace bundlesync::storage::supabase
