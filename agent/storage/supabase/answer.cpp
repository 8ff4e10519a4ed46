#include "storage/supabase/answer.hpp"

#include "base/json_read.hpp"
#include "storage/key_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bundlesync::storage::supabase {
namespace {

/// What the server's codes mean here. `reason` is also what metrics count, so it comes from this table or is a status.
struct Meaning {
  std::string_view code;
  ErrorKind kind;
  std::string_view reason;
  std::string_view hint;
};

constexpr std::string_view busy = "the same call may succeed later";
constexpr std::string_view look_at_storage = "look at the storage server and its database";

constexpr std::array meanings = {
    Meaning{"NoSuchKey", ErrorKind::not_found, "object_missing", ""},
    Meaning{"NoSuchBucket", ErrorKind::not_found, "no_such_bucket", ""},
    Meaning{"AccessDenied", ErrorKind::unauthorised, "access_denied", ""},
    Meaning{"InvalidJWT", ErrorKind::unauthorised, "access_denied", ""},
    Meaning{"KeyAlreadyExists", ErrorKind::conflict, "object_exists", ""},
    Meaning{"ResourceAlreadyExists", ErrorKind::conflict, "object_exists", ""},
    Meaning{"EntityTooLarge", ErrorKind::refused, "entity_too_large",
            "raise the bucket's file size limit, or publish a smaller file"},
    Meaning{"InvalidMimeType", ErrorKind::refused, "invalid_mime_type",
            "add the type to the bucket's allowed mime types, or give the file another content_type"},
    Meaning{"InvalidKey", ErrorKind::refused, "key_invalid", "rename the file"},
    Meaning{"SlowDown", ErrorKind::unavailable, "slow_down", "the storage's database has no connection left"},
    Meaning{"DatabaseTimeout", ErrorKind::unavailable, "database_timeout", "the storage's database is busy or locked"},
    Meaning{"DatabaseReadOnly", ErrorKind::unavailable, "database_read_only",
            "the project's database is read-only: is its disk full?"},
    Meaning{"LockTimeout", ErrorKind::unavailable, "lock_timeout", "somebody else writes this object"},
    Meaning{"ResourceLocked", ErrorKind::unavailable, "resource_locked", "somebody else writes this object"},
    Meaning{"DatabaseError", ErrorKind::unavailable, "database_error", look_at_storage},
    Meaning{"DatabaseSchemaMismatch", ErrorKind::unavailable, "database_schema_mismatch", look_at_storage},
    Meaning{"DatabaseInvalidObjectDefinition", ErrorKind::unavailable, "database_invalid_object_definition",
            look_at_storage},
    Meaning{"InternalError", ErrorKind::unavailable, "internal_error", look_at_storage},
    Meaning{"InvalidBucketName", ErrorKind::failed, "invalid_bucket_name", "is storage.bucket right?"},
    Meaning{"InvalidRequest", ErrorKind::failed, "invalid_request", "is storage.url that of a Supabase Storage?"},
    Meaning{"InvalidParameter", ErrorKind::failed, "invalid_parameter", ""},
    Meaning{"MissingParameter", ErrorKind::failed, "missing_parameter", ""},
    Meaning{"InvalidRange", ErrorKind::failed, "invalid_range", ""},
    Meaning{"ResourceNotEmpty", ErrorKind::conflict, "resource_not_empty", ""},
    Meaning{"BucketAlreadyExists", ErrorKind::conflict, "bucket_exists", ""},
};

bool retried(int status) {
  return status >= 500 || status == 429;
}

std::string text_of(const boost::json::object& body, std::string_view key) {
  const auto* value = body.if_contains(key);
  if (value == nullptr) return "";
  if (const auto* text = value->if_string()) return std::string(text->data(), text->size());
  // Answers that no route made (a bad URL, a broken request) carry the status as a number.
  const auto* number = value->if_int64();
  return number == nullptr ? "" : std::to_string(*number);
}

std::string kind_of_body(const http::Response& response) {
  if (response.body.empty()) return "an answer without a body";
  std::string type(response.header("Content-Type"));
  type = type.substr(0, std::min(type.find(';'), std::size_t{64}));
  const bool plain = !type.empty() && std::ranges::all_of(type, [](char c) { return c > ' ' && c <= '~'; });
  return "an answer of " + (plain ? type : std::string("no known type"));
}

const Meaning* find_meaning(const Answer& answer) {
  const auto found = std::ranges::find(meanings, std::string_view(answer.code), &Meaning::code);
  return found == meanings.end() ? nullptr : &*found;
}

bool says_no_authorization(const Answer& answer) {
  return answer.code == "InvalidRequest" && answer.message.find("'authorization'") != std::string::npos;
}

ErrorKind kind_of_status(const Answer& answer) {
  if (answer.denies()) return ErrorKind::unauthorised;
  return answer.may_pass() ? ErrorKind::unavailable : ErrorKind::failed;
}

std::string hint_of_status(const Answer& answer) {
  if (answer.may_pass()) return std::string(busy);
  if (answer.http_status == 404) return "is storage.url right? behind Supabase it ends in /storage/v1";
  return "is storage.url that of a Supabase Storage?";
}

Error missing(const Answer& answer, const Asked& asked, const KeyFacts& whom, std::string_view as) {
  const bool bucket = answer.code == "NoSuchBucket";
  const std::string what =
      bucket ? fmt::format("there is no bucket '{}' for the {} of {}", asked.bucket, asked.verb, quoted_key(asked.key))
             : fmt::format("there is no object {} in {}", quoted_key(asked.key), asked.storage);
  Error error(
      ErrorKind::not_found, fmt::format("{}: storage answered {} {}", what, answer.code, as),
      bucket ? "was the bucket made, and is storage.bucket right?" : "was the version published to this bucket?");
  return std::move(error)
      .with_hint(
          fmt::format("what this key may not read looks the same: is there a select policy on storage.objects for {}?",
                      whom.kind == KeyFacts::Kind::jwt ? "role " + whom.role : std::string("its role")))
      .with_reason(bucket ? "no_such_bucket" : "object_missing");
}

Error denied(Error error, const Answer& answer, const KeyFacts& whom, std::chrono::system_clock::time_point now) {
  const bool told = answer.message.find("\"exp\" claim") != std::string::npos;
  if (whom.expired(now) || told) {
    return std::move(error)
        .with_hint("the key has expired: make a new one and put it where storage.key is set")
        .with_reason("key_expired");
  }
  error = std::move(error).with_reason("access_denied");
  if (says_no_authorization(answer)) {
    return std::move(error).with_hint(
        "this server knows no sb_ keys: give storage.key a JWT, or the gateway's address");
  }
  if (answer.message.find("row-level security") != std::string::npos || answer.message == "Access denied") {
    return std::move(error).with_hint("this key may not write here: publish with the service role's key");
  }
  return std::move(error).with_hint("is storage.key a key of this project?");
}

}  // namespace

std::string Answer::name() const {
  return find_meaning(*this) != nullptr ? code : fmt::format("HTTP {}", http_status);
}

bool Answer::may_pass() const {
  constexpr std::array<std::string_view, 5> passing = {"429", "423", "503", "500", "544"};
  return retried(http_status) || std::ranges::find(passing, std::string_view(status_code)) != passing.end();
}

bool Answer::denies() const {
  if (!code.empty() && find_meaning(*this) != nullptr) {
    return code == "AccessDenied" || code == "InvalidJWT" || says_no_authorization(*this);
  }
  return http_status == 401 || http_status == 403 || status_code == "403" || status_code == "401";
}

Answer read_answer(const http::Response& response) {
  Answer answer;
  answer.http_status = response.status;
  const auto body = json::parse(response.body, "the answer");
  if (!body || !body->is_object()) {
    answer.body_kind = kind_of_body(response);
    return answer;
  }
  answer.code = text_of(body->get_object(), "code");
  answer.status_code = text_of(body->get_object(), "statusCode");
  answer.message = text_of(body->get_object(), "message");
  return answer;
}

Error error_of(const Answer& answer, const Asked& asked, const Secret& key, std::chrono::system_clock::time_point now) {
  const KeyFacts whom = facts_of(key);
  const std::string as = whom.whom(now);
  const Meaning* meaning = find_meaning(answer);
  if (meaning != nullptr && meaning->kind == ErrorKind::not_found) return missing(answer, asked, whom, as);
  if (meaning != nullptr && meaning->reason == "object_exists") {
    return Error(ErrorKind::conflict,
                 fmt::format("the object {} exists already in {}", quoted_key(asked.key), asked.storage))
        .with_reason(meaning->reason);
  }

  const std::string said = answer.body_kind.empty() ? quotable(answer.message, key) : answer.body_kind;
  const std::string fact = fmt::format("storage answered {} to the {} of {} {}{}{}", answer.name(), asked.verb,
                                       quoted_key(asked.key), as, said.empty() ? "" : ": ", said);
  if (answer.denies()) return denied(Error(ErrorKind::unauthorised, fact), answer, whom, now);
  if (meaning == nullptr) {
    return Error(kind_of_status(answer), fact, hint_of_status(answer))
        .with_reason(fmt::format("http_{}", answer.http_status));
  }
  // Whatever the code says: a status that may pass is tried again.
  const ErrorKind kind = answer.may_pass() ? ErrorKind::unavailable : meaning->kind;
  Error error = Error(kind, fact).with_reason(meaning->reason);
  return meaning->hint.empty() ? error : std::move(error).with_hint(std::string(meaning->hint));
}

}  // namespace bundlesync::storage::supabase
