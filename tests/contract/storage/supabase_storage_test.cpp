#include "ripe_clock.hpp"
#include "storage/retrying.hpp"
#include "supabase_bed.hpp"
#include "support/certificates.hpp"
#include "support/temp_dir.hpp"

#include <fmt/format.h>

#include <fstream>

// Credentials, gateways, pages and faults.
namespace bundlesync::storage::contract {
namespace {

using tests::StorageFault;
using tests::supabase::Answer;
using tests::supabase::find_header;

class Supabase : public SupabaseBed {};

TEST_F(Supabase, SendsAJwtTwice) {
  server_.put(bucket, "t/v1/a", "x");
  ASSERT_TRUE(download("t/v1/a"));
  const auto seen = server_.requests().back();
  EXPECT_EQ(*find_header(seen.headers, "authorization"), "Bearer " + key_.reveal());
  EXPECT_EQ(*find_header(seen.headers, "apikey"), key_.reveal());
}

TEST_F(Supabase, SendsAnSbKeyToTheGatewayOnly) {
  server_.put(bucket, "t/v1/a", "x");
  server_.know_gateway_key("sb_publishable_good", "bundlesync_reader");
  key_ = Secret("sb_publishable_good");
  EXPECT_EQ(download("t/v1/a").value(), "x");
  EXPECT_EQ(find_header(server_.requests().back().headers, "authorization"), nullptr);

  key_ = Secret("sb_secret_wrong");
  EXPECT_EQ(error_of_download("t/v1/a").text(),
            "storage answered HTTP 401 to the download of 't/v1/a' with a secret key (sb_secret_…): Invalid API key\n"
            "hint: is storage.key a key of this project?");
}

TEST_F(Supabase, SaysThatAServerWithoutAGatewayKnowsNoSbKeys) {
  key_ = Secret("sb_publishable_good");
  const Error error = error_of_download("t/v1/a");
  EXPECT_EQ(error.kind(), ErrorKind::unauthorised);
  EXPECT_EQ(error.text(),
            "storage answered InvalidRequest to the download of 't/v1/a' with a publishable key (sb_publishable_…): "
            "headers must have required property 'authorization'\n"
            "hint: this server knows no sb_ keys: give storage.key a JWT, or the gateway's address");
}

TEST_F(Supabase, ReadsItsKeyBeforeEveryRequest) {
  server_.put(bucket, "t/v1/a", "x");
  ASSERT_TRUE(download("t/v1/a"));
  use_role("bundlesync_reader");
  ASSERT_TRUE(download("t/v1/a"));
  ASSERT_TRUE(download("t/v1/a"));
  EXPECT_EQ(keys_read_, 3);
  EXPECT_EQ(*find_header(server_.requests().back().headers, "apikey"), key_.reveal());
  EXPECT_EQ(used_, (std::vector<std::string>{"service_role", "bundlesync_reader"}));
}

TEST_F(Supabase, AsksOnceMoreWithAnotherKeyWhenTheFirstIsTurnedAway) {
  server_.put(bucket, "t/v1/a", "x");
  const std::string old = server_.token("bundlesync_reader");
  server_.change_secret("another-secret-with-at-least-32-characters");
  next_keys({old, server_.token("bundlesync_reader")});
  EXPECT_EQ(download("t/v1/a").value(), "x");
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(Supabase, AsksNoMoreWithTheSameKeyOrATurnedAwaySecondOne) {
  server_.put(bucket, "t/v1/a", "x");
  const std::string old = server_.token("bundlesync_reader");
  const std::string older = server_.token("anon");
  server_.change_secret("another-secret-with-at-least-32-characters");
  next_keys({old});
  EXPECT_EQ(error_of_download("t/v1/a").reason(), "access_denied");
  EXPECT_EQ(server_.requests().size(), 1U);
  EXPECT_EQ(keys_read_, 2);

  server_.forget_requests();
  next_keys({old, older, server_.token("service_role")});
  const Error error = error_of_download("t/v1/a");
  EXPECT_EQ(server_.requests().size(), 2U);
  EXPECT_NE(error.fact().find("as role anon"), std::string::npos) << "as whom it was asked last: " << error.fact();
}

TEST_F(Supabase, WaitsForAKeyThatCannotBeReadJustNow) {
  SupabaseOptions options;
  options.bucket = bucket;
  options.key = []() -> Result<Secret> { return fail(ErrorKind::usage, "cannot read '/run/key': no file"); };
  storage_ = SupabaseStorage::open(loop_.get_executor(), http::parse_origin(server_.origin()).value(), http::Options(),
                                   std::move(options))
                 .value();
  const Error error = error_of_download("t/v1/a");
  EXPECT_EQ(error.text(), "storage.key: cannot read '/run/key': no file");
  EXPECT_TRUE(error.may_pass());
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(Supabase, NeverPutsItsKeyIntoAnError) {
  const std::string sentinel = "sentinel-0d1f2c3b4a";
  key_ = Secret(sentinel);
  std::vector<Error> errors = {error_of_download("t/v1/a"), upload("t/v1/a", "x").error(), remove("t/v1/a").error(),
                               run(storage_->list("t")).error(), run(storage_->stat("t/v1/a")).error()};
  StorageFault echo;
  Answer answer = tests::supabase::error_answer(400, "400", "e", "you sent Bearer " + sentinel, "Nothing");
  answer.headers.emplace_back("x-echo", sentinel);
  echo.answer = answer;
  server_.add(echo);
  errors.push_back(error_of_download("t/v1/a"));
  server_.stop();
  errors.push_back(error_of_download("t/v1/a"));
  for (const Error& error : errors) {
    EXPECT_EQ(error.text().find(sentinel), std::string::npos) << error.text();
    EXPECT_EQ(error.line().find(sentinel), std::string::npos);
  }
  EXPECT_EQ(storage_->describe().find(sentinel), std::string::npos);
}

TEST_F(Supabase, ListsAcrossPages) {
  for (int i = 0; i < 2'345; ++i) server_.put(bucket, fmt::format("t/v1/{:05}", i), "x");
  server_.put(bucket, "t/v10/other", "x");
  const auto listed = run(storage_->list("t/v1"));
  ASSERT_TRUE(listed) << listed.error().text();
  EXPECT_EQ(listed->size(), 2'345U);
  EXPECT_EQ(listed->front().key, "t/v1/00000");
  EXPECT_EQ(listed->back().key, "t/v1/02344");
  EXPECT_EQ(server_.requests().size(), 3U);
}

TEST_F(Supabase, EndsAListThatNeverEnds) {
  StorageFault fault;
  fault.answer = tests::supabase::json_answer(R"({"hasNext":true,"nextCursor":"again","folders":[],"objects":[]})");
  server_.add(fault);
  const auto listed = run(storage_->list("t"));
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().fact(), "there are more than 100 pages of objects below 't'");
  EXPECT_EQ(server_.requests().size(), 100U);
}

TEST_F(Supabase, HandsOnHtmlThatCameInPlaceOfTheFileForItsDigestToTell) {
  StorageFault portal;
  Answer answer;
  answer.headers = {{"content-type", "text/html"}};
  answer.body = "<html>log in</html>";
  portal.answer = answer;
  server_.add(portal);
  EXPECT_EQ(download("t/v1/a").value(), "<html>log in</html>");
}

TEST_F(Supabase, TakesABrokenConnectionForOneThatMayPass) {
  server_.put(bucket, "t/v1/a", std::string(10'000, 'x'));
  StorageFault cut;
  cut.cut_after = 3'000;
  cut.times = 1;
  server_.add(cut);
  EXPECT_EQ(error_of_download("t/v1/a").reason(), "truncated");
  EXPECT_EQ(error_of_download("t/v1/a").fact(), "no error");
  server_.stop();
  const Error away = error_of_download("t/v1/a");
  EXPECT_EQ(away.kind(), ErrorKind::unavailable);
  server_.start();
  EXPECT_EQ(download("t/v1/a").value().size(), 10'000U);
}

TEST_F(Supabase, TakesARedirectForNothingThatTheContentEarned) {
  StorageFault redirect;
  Answer answer;
  answer.status = 302;
  answer.headers = {{"location", "http://127.0.0.1:9/elsewhere"}};
  redirect.answer = answer;
  server_.add(redirect);
  const Error error = error_of_download("t/v1/a");
  EXPECT_EQ(error.kind(), ErrorKind::failed) << "a version is not refused for good by somebody's proxy";
  EXPECT_EQ(error.reason(), "redirect");
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(Supabase, SaysThatAnAddressIsWrongAndNotThatObjectsAreGone) {
  SupabaseOptions options;
  options.path = "/storage/v2";
  options.bucket = bucket;
  options.key = [this]() -> Result<Secret> { return key_; };
  storage_ = SupabaseStorage::open(loop_.get_executor(), http::parse_origin(server_.origin()).value(), http::Options(),
                                   std::move(options))
                 .value();
  const auto removed = remove("t/v1/a");
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().text(),
            "storage answered HTTP 404 to the removal of 't/v1/a' as role service_role, whose key never expires: Route "
            "DELETE:/storage/v2/object/template-artifacts/t/v1/a not found\n"
            "hint: is storage.url right? behind Supabase it ends in /storage/v1");
}

TEST_F(Supabase, RefusesAContentTypeThatNoHeaderCanCarry) {
  for (const std::string type : {"text/plain\r\nx-upsert: true", "text", "text/pl\xc3\xa9in"}) {
    EXPECT_EQ(upload("t/v1/a", "x", type).error().reason(), "invalid_mime_type") << type;
  }
  EXPECT_TRUE(server_.requests().empty());
  ASSERT_TRUE(upload("t/v1/a", "x", ""));
  EXPECT_EQ(server_.type(bucket, "t/v1/a"), "application/octet-stream");
  ASSERT_TRUE(upload("t/v1/b", "x", "text/markdown; charset=utf-8"));
  EXPECT_EQ(server_.type(bucket, "t/v1/b"), "text/markdown; charset=utf-8");
}

TEST_F(Supabase, ComparesWhatAnUploadThatBrokeMayHaveLeft) {
  RipeClock clock;
  const auto retrying = RetryingStorage::around(std::move(storage_), clock, RetryPolicy(), 1);
  StorageFault lost_answer;
  lost_answer.method = "POST";
  lost_answer.cut_after = 0;
  lost_answer.times = 1;
  server_.add(lost_answer);
  const auto done = run(retrying->upload("t/v1/a", "mine", "text/plain"));
  EXPECT_TRUE(done) << done.error().text();
  EXPECT_EQ(server_.object(bucket, "t/v1/a"), "mine");
}

class SupabaseTls : public testing::Test {
 protected:
  SupabaseTls() {
    const auto leaf = authority_.issue({"127.0.0.1"});
    write("ca.pem", authority_.certificate_pem());
    write("leaf.pem", leaf.certificate_pem);
    write("leaf.key", leaf.key_pem);
    tests::SupabaseServer::Options options;
    options.certificate_file = home_ / "leaf.pem";
    options.key_file = home_ / "leaf.key";
    server_ = std::make_unique<tests::SupabaseServer>(options);
    tests::supabase::Bucket bucket;
    bucket.name = "b";
    server_->create_bucket(bucket);
    server_->put("b", "t/v1/a", "over TLS");
  }
  void write(const std::string& name, const std::string& text) { std::ofstream(home_ / name) << text; }
  Result<std::string> download(const std::string& ca_file) {
    SupabaseOptions options;
    options.bucket = "b";
    options.key = [this]() -> Result<Secret> { return Secret(server_->token("service_role")); };
    http::Options http_options;
    http_options.ca_file = ca_file;
    asio::io_context loop(1);
    const auto storage = SupabaseStorage::open(loop.get_executor(), http::parse_origin(server_->origin()).value(),
                                               std::move(http_options), std::move(options))
                             .value();
    StringSink sink;
    auto done = test::run(loop, storage->download("t/v1/a", 100, sink));
    if (!done) return fail(std::move(done.error()));
    return sink.bytes();
  }

  tests::TempDir home_;
  tests::CertificateAuthority authority_;
  std::unique_ptr<tests::SupabaseServer> server_;
};

TEST_F(SupabaseTls, IsTrustedWithTheCertificateThatTheSettingNames) {
  const auto done = download(home_ / "ca.pem");
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(*done, "over TLS");
}

TEST_F(SupabaseTls, GetsNoKeyWithoutTrust) {
  const auto done = download("");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason(), "tls_untrusted");
  EXPECT_TRUE(server_->requests().empty());
}

}  // namespace
}  // namespace bundlesync::storage::contract
