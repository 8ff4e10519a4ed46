#include "storage/supabase/answer.hpp"

#include "support/supabase/token.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace bundlesync::storage::supabase {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

const system_clock::time_point now(seconds(1'800'000'000));
constexpr const char* as_anon = "as role anon, whose key expires 2027-01-15T09:00:00Z";

Secret anon() {
  return Secret(tests::supabase::token_for("anon", "secret", now + seconds(3600)));
}

http::Response response(int status, std::string body, std::string type = "application/json") {
  http::Response made;
  made.status = status;
  made.body = std::move(body);
  if (!type.empty()) made.headers.push_back({"content-type", std::move(type)});
  return made;
}

http::Response coded(int status, std::string_view status_code, std::string_view code,
                     std::string_view message = "because") {
  return response(status, fmt::format(R"({{"statusCode":"{}","error":"e","message":"{}","code":"{}"}})", status_code,
                                      message, code));
}

Error error_to(const http::Response& given, std::string_view verb = "download", const Secret& key = anon()) {
  const Asked asked(verb, "t/v1/a", "supabase+https://h/storage/v1/b", "b");
  return error_of(read_answer(given), asked, key, now);
}

struct Row {
  int http_status;
  const char* status_code;
  const char* code;
  ErrorKind kind;
  const char* reason;
};

/// Section by section as the server's errors are listed: what each means for whoever asked.
TEST(SupabaseAnswer, IsClassedByItsBody) {
  const std::vector<Row> rows = {
      {400, "404", "NoSuchKey", ErrorKind::not_found, "object_missing"},
      {400, "404", "NoSuchBucket", ErrorKind::not_found, "no_such_bucket"},
      {400, "403", "AccessDenied", ErrorKind::unauthorised, "access_denied"},
      {403, "403", "AccessDenied", ErrorKind::unauthorised, "access_denied"},
      {400, "400", "InvalidJWT", ErrorKind::unauthorised, "access_denied"},
      {400, "409", "KeyAlreadyExists", ErrorKind::conflict, "object_exists"},
      {400, "409", "ResourceAlreadyExists", ErrorKind::conflict, "object_exists"},
      {400, "409", "BucketAlreadyExists", ErrorKind::conflict, "bucket_exists"},
      {400, "409", "ResourceNotEmpty", ErrorKind::conflict, "resource_not_empty"},
      {400, "413", "EntityTooLarge", ErrorKind::refused, "entity_too_large"},
      {400, "415", "InvalidMimeType", ErrorKind::refused, "invalid_mime_type"},
      {416, "416", "InvalidRange", ErrorKind::failed, "invalid_range"},
      {400, "400", "InvalidKey", ErrorKind::refused, "key_invalid"},
      {400, "400", "InvalidBucketName", ErrorKind::failed, "invalid_bucket_name"},
      {400, "400", "InvalidRequest", ErrorKind::failed, "invalid_request"},
      {404, "404", "InvalidRequest", ErrorKind::failed, "invalid_request"},
      {400, "400", "MissingParameter", ErrorKind::failed, "missing_parameter"},
      {400, "400", "InvalidParameter", ErrorKind::failed, "invalid_parameter"},
      {429, "429", "SlowDown", ErrorKind::unavailable, "slow_down"},
      {544, "544", "DatabaseTimeout", ErrorKind::unavailable, "database_timeout"},
      {400, "503", "DatabaseReadOnly", ErrorKind::unavailable, "database_read_only"},
      {400, "503", "LockTimeout", ErrorKind::unavailable, "lock_timeout"},
      {400, "423", "ResourceLocked", ErrorKind::unavailable, "resource_locked"},
      {400, "503", "DatabaseSchemaMismatch", ErrorKind::unavailable, "database_schema_mismatch"},
      {400, "503", "DatabaseInvalidObjectDefinition", ErrorKind::unavailable, "database_invalid_object_definition"},
      {500, "500", "DatabaseError", ErrorKind::unavailable, "database_error"},
      {500, "500", "InternalError", ErrorKind::unavailable, "internal_error"},
      {400, "503", "SomethingNew", ErrorKind::unavailable, "http_400"},
      {400, "429", "SomethingNew", ErrorKind::unavailable, "http_400"},
      {400, "544", "SomethingNew", ErrorKind::unavailable, "http_400"},
      {400, "400", "SomethingNew", ErrorKind::failed, "http_400"},
      {400, "404", "SomethingNew", ErrorKind::failed, "http_400"},
      {400, "403", "SomethingNew", ErrorKind::unauthorised, "access_denied"},
      {544, "", "", ErrorKind::unavailable, "http_544"},
  };
  for (const auto& row : rows) {
    const Error error = error_to(coded(row.http_status, row.status_code, row.code));
    EXPECT_EQ(error.kind(), row.kind) << row.code << " " << row.status_code << ": " << error.text();
    EXPECT_EQ(error.reason(), row.reason) << row.code << " " << row.status_code;
    EXPECT_EQ(error.may_pass(), row.kind == ErrorKind::unavailable) << row.code;
  }
}

TEST(SupabaseAnswer, OfAGatewayIsClassedByItsStatus) {
  for (const int status : {429, 500, 502, 503, 504, 520, 544}) {
    EXPECT_EQ(error_to(response(status, "<html>", "text/html")).kind(), ErrorKind::unavailable) << status;
  }
  for (const int status : {401, 403}) {
    EXPECT_EQ(error_to(response(status, "<html>", "text/html")).kind(), ErrorKind::unauthorised) << status;
  }
  // An address that is wrong must never look like an object that was removed.
  for (const int status : {201, 204, 206, 304, 400, 404, 405, 408, 409, 431}) {
    EXPECT_EQ(error_to(response(status, "", "")).kind(), ErrorKind::failed) << status;
  }
  EXPECT_EQ(error_to(response(502, "<html>secret</html>", "text/html; charset=utf-8")).text(),
            fmt::format("storage answered HTTP 502 to the download of 't/v1/a' {}: an answer of text/html\n"
                        "hint: the same call may succeed later",
                        as_anon));
  EXPECT_EQ(error_to(response(503, "", "")).fact(),
            fmt::format("storage answered HTTP 503 to the download of 't/v1/a' {}: an answer without a body", as_anon));
  EXPECT_EQ(
      error_to(response(404, R"({"message":"Route GET:/x not found","error":"Not Found","statusCode":404})")).text(),
      fmt::format("storage answered HTTP 404 to the download of 't/v1/a' {}: Route GET:/x not found\n"
                  "hint: is storage.url right? behind Supabase it ends in /storage/v1",
                  as_anon));
}

TEST(SupabaseAnswer, ThatMayBeAMissingPermissionSaysAsWhomItWasAsked) {
  EXPECT_EQ(
      error_to(coded(400, "404", "NoSuchKey", "Object not found")).text(),
      fmt::format("there is no object 't/v1/a' in supabase+https://h/storage/v1/b: storage answered NoSuchKey {}\n"
                  "hint: was the version published to this bucket?\n"
                  "hint: what this key may not read looks the same: is there a select policy on storage.objects "
                  "for role anon?",
                  as_anon));
  EXPECT_EQ(
      error_to(coded(400, "404", "NoSuchBucket"), "upload", Secret("sb_publishable_x")).text(),
      "there is no bucket 'b' for the upload of 't/v1/a': storage answered NoSuchBucket with a publishable key "
      "(sb_publishable_…)\n"
      "hint: was the bucket made, and is storage.bucket right?\n"
      "hint: what this key may not read looks the same: is there a select policy on storage.objects for its role?");
}

TEST(SupabaseAnswer, ThatDeniesSaysWhatToDo) {
  EXPECT_EQ(
      error_to(coded(400, "403", "AccessDenied", "new row violates row-level security policy"), "upload").text(),
      fmt::format("storage answered AccessDenied to the upload of 't/v1/a' {}: new row violates row-level security "
                  "policy\nhint: this key may not write here: publish with the service role's key",
                  as_anon));
  EXPECT_EQ(error_to(coded(400, "403", "AccessDenied", "signature verification failed")).hints(),
            std::vector<std::string>{"is storage.key a key of this project?"});
  const auto no_header = response(400, R"({"statusCode":"400","error":"Error","code":"InvalidRequest",)"
                                       R"("message":"headers must have required property 'authorization'"})");
  const Error without_gateway = error_to(no_header, "download", Secret("sb_secret_x"));
  EXPECT_EQ(without_gateway.kind(), ErrorKind::unauthorised);
  EXPECT_EQ(without_gateway.hints(), std::vector<std::string>{"this server knows no sb_ keys: give storage.key a JWT, "
                                                              "or the gateway's address"});
}

TEST(SupabaseAnswer, ToAnExpiredKeySaysSo) {
  const Secret old(tests::supabase::token_for("anon", "secret", now - seconds(3600)));
  const Error by_itself = error_to(coded(400, "403", "AccessDenied", "whatever"), "download", old);
  EXPECT_EQ(by_itself.reason(), "key_expired");
  EXPECT_EQ(by_itself.text(),
            "storage answered AccessDenied to the download of 't/v1/a' as role anon, whose key expired "
            "2027-01-15T07:00:00Z: whatever\n"
            "hint: the key has expired: make a new one and put it where storage.key is set");
  const Error told = error_to(coded(400, "403", "AccessDenied", R"(\"exp\" claim timestamp check failed)"));
  EXPECT_EQ(told.reason(), "key_expired");
}

TEST(SupabaseAnswer, OfAnExistingObjectIsAConflict) {
  EXPECT_EQ(error_to(coded(400, "409", "KeyAlreadyExists"), "upload").text(),
            "the object 't/v1/a' exists already in supabase+https://h/storage/v1/b");
}

TEST(SupabaseAnswer, NeverCarriesTheKeyOn) {
  const Secret sentinel("sentinel-key-7f3a");
  const Error error =
      error_to(coded(400, "400", "Other", "you sent sentinel-key-7f3a, and \\n a line"), "download", sentinel);
  EXPECT_EQ(
      error.fact(),
      "storage answered HTTP 400 to the download of 't/v1/a' with a key that is no JWT: you sent <key>, and ? a line");
}

TEST(SupabaseAnswer, MayBeAnything) {
  for (const auto* body : {"", "null", "[]", "{", "{}", R"({"code":7,"statusCode":true,"message":{}})",
                           R"({"statusCode":503})", R"({"code":"NoSuchKey","code":"AccessDenied"})", "\xff\xfe"}) {
    const Error error = error_to(response(400, body));
    const bool busy = std::string_view(body).find("503") != std::string_view::npos;
    EXPECT_EQ(error.kind(), busy ? ErrorKind::unavailable : ErrorKind::failed) << body;
  }
}

}  // namespace
}  // namespace bundlesync::storage::supabase
