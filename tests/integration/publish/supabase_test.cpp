#include "bed.hpp"
#include "storage/retrying.hpp"
#include "storage/supabase/supabase_storage.hpp"
#include "support/supabase_server.hpp"

// Publishing into the stand-in for Supabase Storage.
namespace bundlesync::publish {
namespace {

constexpr const char* bucket = "template-artifacts";

class PublishOverSupabase : public PublishBed {
 protected:
  void SetUp() override {
    PublishBed::SetUp();
    tests::supabase::Bucket made;
    made.name = bucket;
    server_.create_bucket(made);
    use("service_role");
  }
  void use(std::string_view role) {
    storage::SupabaseOptions options;
    options.bucket = bucket;
    options.key = [key = Secret(server_.token(role))]() -> Result<Secret> { return key; };
    supabase_ =
        storage::SupabaseStorage::open(loop_.get_executor(), storage::http::parse_origin(server_.origin()).value(),
                                       storage::http::Options(), std::move(options))
            .value();
  }
  Result<PublishResult> publish(const std::filesystem::path& directory, const std::string& version,
                                bool set_default = false) {
    return test::run(loop_,
                     publish::publish(*catalog_, *supabase_, request(directory, version, set_default), no_steps_));
  }
  std::string stored(const std::string& key) { return server_.object(bucket, key).value_or("(none)"); }

  asio::io_context loop_{1};
  tests::SupabaseServer server_;
  std::unique_ptr<storage::Storage> supabase_;
};

TEST_F(PublishOverSupabase, EveryFileIsAnObjectWithItsBytesAndType) {
  const auto done = publish(bundle("one", "one"), "1.0.0", true);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->outcome, Outcome::published);
  EXPECT_EQ(server_.keys(bucket), (std::vector<std::string>{"section7/v1.0.0/master.md", "section7/v1.0.0/system.md"}));
  EXPECT_EQ(stored("section7/v1.0.0/master.md"), "master one");
  EXPECT_EQ(server_.type(bucket, "section7/v1.0.0/master.md"), "text/markdown");
  EXPECT_EQ(status_of("1.0.0"), "stable");
  EXPECT_EQ(default_version(), "1.0.0");
}

TEST_F(PublishOverSupabase, TheSameContentAgainUploadsNothing) {
  const auto one = bundle("one", "one");
  ASSERT_TRUE(publish(one, "1.0.0"));
  server_.forget_requests();
  const auto again = publish(one, "1.0.0");
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->outcome, Outcome::already_there);
  for (const auto& seen : server_.requests()) EXPECT_NE(seen.target.find("/object/authenticated/"), std::string::npos);
}

TEST_F(PublishOverSupabase, WhatADeadPublisherLeftIsReplacedAndNothingElseIsKept) {
  server_.put(bucket, "section7/v1.0.0/master.md", "half of something else");
  server_.put(bucket, "section7/v1.0.0/stray.md", "not of this version");
  server_.put(bucket, "section7/v1.0.01/other.md", "of another version");
  const auto done = publish(bundle("one", "one"), "1.0.0");
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(stored("section7/v1.0.0/master.md"), "master one");
  EXPECT_EQ(stored("section7/v1.0.0/stray.md"), "(none)");
  EXPECT_EQ(stored("section7/v1.0.01/other.md"), "of another version");
  for (const auto& seen : server_.requests()) {
    EXPECT_EQ(tests::supabase::find_header(seen.headers, "x-upsert"), nullptr)
        << "an object is never replaced in place";
  }
}

TEST_F(PublishOverSupabase, AKeyThatMayNotWriteLeavesNoTraceAndTheRightOnePublishes) {
  use("anon");
  const auto one = bundle("one", "one");
  const auto refused = publish(one, "1.0.0", true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit_code(), ExitCode::unauthorised);
  EXPECT_NE(
      refused.error().text().find("as role anon, whose key never expires: new row violates row-level security "
                                  "policy\nhint: this key may not write here: publish with the service role's key"),
      std::string::npos)
      << refused.error().text();
  EXPECT_TRUE(server_.keys(bucket).empty());
  EXPECT_EQ(sql("select count(*) from public.template_versions"), "0");
  EXPECT_EQ(default_version(), "");

  use("service_role");
  const auto done = publish(one, "1.0.0", true);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(status_of("1.0.0"), "stable");
  EXPECT_EQ(default_version(), "1.0.0");
}

TEST_F(PublishOverSupabase, AnObjectThatAnotherOneOverwroteIsFoundWhenItIsReadBack) {
  AtStep swap(Step::uploaded, [this] { server_.put(bucket, "section7/v1.0.0/master.md", "somebody else's"); });
  auto asked = request(bundle("one", "one"), "1.0.0", true);
  const auto done = test::run(loop_, publish::publish(*catalog_, *supabase_, asked, swap));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason(), "read_back_differs");
  EXPECT_EQ(status_of("1.0.0"), "draft");
  EXPECT_EQ(default_version(), "");
}

}  // namespace
}  // namespace bundlesync::publish
