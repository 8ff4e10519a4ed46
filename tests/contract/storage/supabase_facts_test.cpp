#include "ripe_clock.hpp"
#include "storage/retrying.hpp"
#include "supabase_bed.hpp"

#include <fmt/format.h>

#include <algorithm>

// What a client of Supabase Storage must not get wrong, fact by fact. The stand-in behaves as the real server was
// observed to; these tests hold the client to it, and the stand-in, too.
namespace bundlesync::storage::contract {
namespace {

using tests::StorageFault;
using tests::supabase::Answer;
using tests::supabase::error_answer;
using tests::supabase::find_header;

class SupabaseFacts : public SupabaseBed {};

TEST_F(SupabaseFacts, AMissingObjectIsHttp400WithTheMeaningInItsBody) {
  const Error error = error_of_download("t/v1/gone");
  EXPECT_EQ(server_.requests().back().status, 400);
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_EQ(error.reason(), "object_missing");
  EXPECT_EQ(error.text(),
            "there is no object 't/v1/gone' in " + server_.url() +
                "/template-artifacts: storage answered NoSuchKey as role service_role, whose key never expires\n"
                "hint: was the version published to this bucket?\n"
                "hint: what this key may not read looks the same: is there a select policy on storage.objects for role "
                "service_role?");
}

TEST_F(SupabaseFacts, AnExpiredKeyLooksLikeAMissingBucketUnlessTheAuthenticatedRouteIsAsked) {
  server_.put(bucket, "t/v1/a", "x");
  key_ = Secret(server_.token("bundlesync_reader", std::chrono::system_clock::now() - std::chrono::hours(1)));
  const Error error = error_of_download("t/v1/a");
  EXPECT_EQ(error.kind(), ErrorKind::unauthorised);
  EXPECT_EQ(error.reason(), "key_expired");
  EXPECT_TRUE(
      error.fact().starts_with("storage answered AccessDenied to the download of 't/v1/a' as role "
                               "bundlesync_reader, whose key expired 20"))
      << error.fact();
  EXPECT_TRUE(error.fact().ends_with(": \"exp\" claim timestamp check failed")) << error.fact();
  ASSERT_FALSE(run(storage_->stat("t/v1/a")));
  for (const auto& request : server_.requests()) {
    EXPECT_NE(request.target.find("/authenticated/"), std::string::npos) << request.target;
  }
}

TEST_F(SupabaseFacts, AMissingPermissionToReadLooksLikeAMissingObject) {
  server_.put(bucket, "t/v1/a", "x");
  use_role("anon");
  EXPECT_EQ(error_of_download("t/v1/a").reason(), "object_missing");
  EXPECT_EQ(error_of_download("t/v1/a").hints().back(),
            "what this key may not read looks the same: is there a select policy on storage.objects for role anon?");
  EXPECT_EQ(run(storage_->stat("t/v1/a")).error().reason(), "object_missing");
  EXPECT_TRUE(run(storage_->list("t")).value().empty());
  const auto uploaded = upload("t/v1/b", "y");
  ASSERT_FALSE(uploaded);
  EXPECT_EQ(uploaded.error().kind(), ErrorKind::unauthorised);
  EXPECT_EQ(upload("t/v1/a", "y").error().reason(), "access_denied") << "never object_exists";
  EXPECT_EQ(remove("t/v1/a").error().reason(), "access_denied");
  EXPECT_EQ(server_.keys(bucket), std::vector<std::string>{"t/v1/a"});

  use_role("bundlesync_reader");
  EXPECT_EQ(download("t/v1/a").value(), "x");
  EXPECT_EQ(
      upload("t/v1/b", "y").error().fact(),
      "storage answered AccessDenied to the upload of 't/v1/b' as role bundlesync_reader, whose key never expires: "
      "new row violates row-level security policy");
}

TEST_F(SupabaseFacts, ACreateIsNotAtomicAndNeverAsksToReplace) {
  // Both are judged before either is stored; the last to finish wins.
  server_.hold("t/v1/one");
  test::Ended<Result<void>> first;
  test::Ended<Result<void>> second;
  test::begin(loop_, storage_->upload("t/v1/one", std::string(2 << 20, 'a'), "text/plain"), first);
  test::begin(loop_, storage_->upload("t/v1/one", std::string(2 << 20, 'b'), "text/plain"), second);
  ASSERT_TRUE(test::run_until(loop_, [this] { return server_.waiting() == 2; }));
  server_.release("t/v1/one");
  ASSERT_TRUE(test::run_until(loop_, [&] { return first.done() && second.done(); }));
  EXPECT_TRUE(*first.value || *second.value);
  const std::string kept = server_.object(bucket, "t/v1/one").value();
  EXPECT_EQ(kept, std::string(2 << 20, kept.front()));
  EXPECT_EQ(upload("t/v1/one", "c").error().reason(), "object_exists");
  EXPECT_EQ(server_.object(bucket, "t/v1/one").value(), kept);
  for (const auto& request : server_.requests()) EXPECT_EQ(find_header(request.headers, "x-upsert"), nullptr);
}

TEST_F(SupabaseFacts, NoRequestIsConditionalOrForARange) {
  server_.put(bucket, "t/v1/a", "x");
  ASSERT_TRUE(download("t/v1/a"));
  ASSERT_TRUE(run(storage_->stat("t/v1/a")));
  ASSERT_TRUE(run(storage_->list("t")));
  ASSERT_TRUE(upload("t/v1/b", "y"));
  ASSERT_TRUE(remove("t/v1/b"));
  EXPECT_EQ(server_.requests().size(), 5U);
  for (const auto& request : server_.requests()) {
    for (const auto* name : {"if-none-match", "if-match", "if-modified-since", "if-range", "range", "expect"}) {
      EXPECT_EQ(find_header(request.headers, name), nullptr) << request.method << " " << name;
    }
    // A HEAD has no body to say why.
    EXPECT_NE(request.method, "HEAD");
  }
}

TEST_F(SupabaseFacts, AnEtagProvesNothingAndIsNotLookedAt) {
  StorageFault lies;
  Answer answer;
  answer.headers = {{"etag", "\"00000000000000000000000000000000\""}, {"content-type", "text/plain"}};
  answer.body = "bytes";
  lies.answer = answer;
  server_.add(lies);
  EXPECT_EQ(download("t/v1/a").value(), "bytes");
}

TEST_F(SupabaseFacts, EveryUploadSaysItsLengthAndNoneIsChunked) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{300'000}}) {
    ASSERT_TRUE(upload(fmt::format("t/v1/{}", bytes), std::string(bytes, 'x')));
    const auto seen = server_.requests().back();
    EXPECT_FALSE(seen.chunked);
    ASSERT_NE(find_header(seen.headers, "content-length"), nullptr);
    EXPECT_EQ(*find_header(seen.headers, "content-length"), std::to_string(bytes));
  }
}

TEST_F(SupabaseFacts, TheSizeLimitAndTypesOfTheBucketAreTheServersToJudge) {
  tests::supabase::Bucket narrow;
  narrow.name = bucket;
  narrow.bytes_max = 1000;
  narrow.types = {"text/*", "application/json"};
  server_.create_bucket(narrow);
  EXPECT_TRUE(upload("t/v1/at", std::string(1000, 'x')));
  const auto over = upload("t/v1/over", std::string(1001, 'x'));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind(), ErrorKind::refused);
  EXPECT_EQ(over.error().reason(), "entity_too_large");
  EXPECT_EQ(over.error().hints(),
            std::vector<std::string>{"raise the bucket's file size limit, or publish a smaller file"});
  EXPECT_EQ(upload("t/v1/image", "x", "image/png").error().reason(), "invalid_mime_type");
  EXPECT_EQ(server_.keys(bucket), std::vector<std::string>{"t/v1/at"});
}

TEST_F(SupabaseFacts, KeysThatTheServerForbidsAreRefusedBeforeItIsAsked) {
  for (const char c : std::string("~#%[]{}\\^`|\"<>\x01\x7f")) {
    const std::string key = "t/v1/a" + std::string(1, c) + "b";
    EXPECT_EQ(error_of_download(key).reason(), "key_invalid") << key;
    EXPECT_EQ(upload(key, "x").error().reason(), "key_invalid") << key;
  }
  EXPECT_EQ(upload("t/v1/é", "x").error().reason(), "key_invalid");
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(SupabaseFacts, DotSegmentsAreRefusedBeforeTheServerIsAsked) {
  for (const std::string key : {"t/../a", "t/./a", "..", "t/.."}) {
    EXPECT_EQ(error_of_download(key).reason(), "key_invalid") << key;
    EXPECT_EQ(upload(key, "x").error().reason(), "key_invalid") << key;
    EXPECT_EQ(remove(key).error().reason(), "key_invalid") << key;
  }
  EXPECT_TRUE(server_.requests().empty());
  EXPECT_TRUE(upload("t/v1/a=.b-c..d", "x"));
  EXPECT_EQ(download("t/v1/a=.b-c..d").value(), "x");
}

TEST_F(SupabaseFacts, EveryAllowedByteArrivesAsItIs) {
  const std::string key = "t/v1.0.0+x/_!.*'()&$@=;+,- z/A-Z 0";
  ASSERT_TRUE(upload(key, "x"));
  EXPECT_EQ(server_.keys(bucket), std::vector<std::string>{key});
  EXPECT_EQ(run(storage_->list("t/v1.0.0+x")).value().at(0).key, key);
}

struct Passing {
  int http_status;
  const char* status_code;
  const char* code;
};

TEST_F(SupabaseFacts, WhatMayPassIsTriedAgainWithoutARetryAfter) {
  RipeClock clock;
  const auto retrying = RetryingStorage::around(std::move(storage_), clock, RetryPolicy(), 1);
  server_.put(bucket, "t/v1/a", "x");
  for (const auto& [http_status, status_code, code] :
       {Passing{544, "544", "DatabaseTimeout"}, Passing{429, "429", "SlowDown"}, Passing{500, "500", "DatabaseError"},
        Passing{500, "500", "InternalError"}, Passing{400, "503", "DatabaseReadOnly"},
        Passing{400, "503", "LockTimeout"}, Passing{400, "423", "ResourceLocked"}}) {
    StorageFault fault;
    fault.times = 2;
    fault.answer = error_answer(http_status, status_code, "e", "m", code);
    server_.forget_requests();
    server_.add(fault);
    StringSink sink;
    const auto done = run(retrying->download("t/v1/a", 10, sink));
    EXPECT_TRUE(done) << code << ": " << done.error().text();
    EXPECT_EQ(server_.requests().size(), 3U) << code;
  }
}

TEST_F(SupabaseFacts, WhatIsFinalIsAskedOnce) {
  RipeClock clock;
  const auto retrying = RetryingStorage::around(std::move(storage_), clock, RetryPolicy(), 1);
  for (const auto& [http_status, status_code, code] :
       {Passing{400, "400", "InvalidRequest"}, Passing{400, "404", "NoSuchKey"}, Passing{400, "404", "NoSuchBucket"},
        Passing{400, "409", "KeyAlreadyExists"}, Passing{400, "413", "EntityTooLarge"},
        Passing{400, "415", "InvalidMimeType"}, Passing{416, "416", "InvalidRange"},
        Passing{400, "403", "AccessDenied"}}) {
    server_.clear_faults();
    StorageFault fault;
    fault.answer = error_answer(http_status, status_code, "e", "m", code);
    server_.add(fault);
    server_.forget_requests();
    EXPECT_FALSE(run(retrying->stat("t/v1/a"))) << code;
    EXPECT_EQ(server_.requests().size(), 1U) << code;
  }
}

TEST_F(SupabaseFacts, ALostBackingFileIsAnErrorAndNoMissingObject) {
  server_.put(bucket, "t/v1/a", "x");
  server_.lose_backing(bucket, "t/v1/a");
  EXPECT_EQ(error_of_download("t/v1/a").reason(), "internal_error");
  EXPECT_EQ(error_of_download("t/v1/a").kind(), ErrorKind::unavailable);
  EXPECT_EQ(run(storage_->stat("t/v1/a")).value().size, 1U) << "info reads the database only";
}

TEST_F(SupabaseFacts, NothingIsAskedBesideObjects) {
  server_.put(bucket, "t/v1/a", "x");
  ASSERT_TRUE(download("t/v1/a"));
  ASSERT_EQ(server_.requests().size(), 1U) << "neither /health nor /status tells anything";
  EXPECT_EQ(server_.requests().front().target, "/storage/v1/object/authenticated/template-artifacts/t/v1/a");
}

TEST_F(SupabaseFacts, AConnectionIsKeptForLessTimeThanTheServerKeepsIt) {
  EXPECT_LT(http::Options().idle_time, std::chrono::seconds(61));
  server_.put(bucket, "t/v1/a", "x");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(download("t/v1/a"));
  for (const auto& request : server_.requests()) EXPECT_EQ(request.connection, 1U);
}

TEST_F(SupabaseFacts, TheLongestKeysStayWithinTheServersHeaderLimit) {
  const std::string padding(5'900 - server_.token("service_role").size(), 'p');
  const std::string token = tests::supabase::sign_token(
      R"({"role":"service_role","pad":")" + padding.substr(0, padding.size() * 3 / 4) + "\"}",
      tests::SupabaseServer::Options().secret);
  ASSERT_GT(token.size(), 5'500U);
  key_ = Secret(token);
  const std::string key = "t/" + std::string(240, '(') + "/" + std::string(240, ')') + "/" + std::string(240, '@') +
                          "/" + std::string(240, '=') + "/" + std::string(50, '+');
  ASSERT_TRUE(upload(key, "x")) << upload(key, "x").error().text();
  key_ = Secret(std::string(7'000, 'k'));
  EXPECT_EQ(error_of_download("t/v1/a").fact(), "storage.key is longer than 6 KiB");
}

}  // namespace
}  // namespace bundlesync::storage::contract
