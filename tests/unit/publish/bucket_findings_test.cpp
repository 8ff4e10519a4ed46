#include "publish/bucket_findings.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bundlesync::publish {
namespace {

/// "drift policy: …", a line each.
std::string lines(const std::vector<Finding>& findings) {
  std::string text;
  for (const auto& finding : findings) {
    text += std::string(to_string(finding.standing)) + " " + finding.what + ": " + finding.text + "\n";
  }
  return text;
}

storage::Bucket as_wanted() {
  return wanted_bucket(bundle::Limits());
}

catalog::ReadRule rule() {
  catalog::ReadRule rule;
  rule.bucket = "b";
  rule.role = "reader";
  rule.policy = "bundlesync_read_b";
  rule.condition = "(bucket_id = 'b'::text)";
  return rule;
}

catalog::ReadAccess access() {
  catalog::ReadAccess found;
  found.row_security = found.role_exists = found.may_use_schema = found.may_select = true;
  found.role_can_be_assumed = true;
  found.policies = {{"bundlesync_read_b", "select", true, {"reader"}, "(bucket_id = 'b'::text)"}};
  return found;
}

TEST(BucketFindings, ABucketAsItShouldBeHasNoDrift) {
  const auto findings = compare("b", as_wanted(), as_wanted());
  EXPECT_EQ(lines(findings),
            "ok bucket: 'b' is there\nok private: it is private: nobody reads without a key\n"
            "ok size_limit: its limit of one file is 16MiB\nok types: it takes the 12 types of bundles\n");
  EXPECT_EQ(exit_code(findings), ExitCode::done);
}

TEST(BucketFindings, EveryDifferenceIsNamedAndSetupTakesItBack) {
  storage::Bucket found;
  found.is_public = true;
  found.types = {"image/png", "text/*", "application/json", "application/octet-stream"};
  const auto findings = compare("b", as_wanted(), found);
  EXPECT_EQ(lines(findings),
            "ok bucket: 'b' is there\ndrift private: it is public: anybody who knows a path downloads without a key\n"
            "drift size_limit: its limit of one file is none, and limits.file is 16MiB\n"
            "drift types: it does not take application/jsonl, application/pdf, application/toml, "
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document, application/xml, "
            "application/yaml\n");
  EXPECT_EQ(exit_code(findings), ExitCode::differences);
  const auto after = mended(as_wanted(), found);
  EXPECT_EQ(exit_code(compare("b", as_wanted(), after)), ExitCode::done);
  EXPECT_NE(std::ranges::find(after.types, "image/png"), after.types.end()) << "what somebody added stays";
}

TEST(BucketFindings, ABucketThatTakesEverythingAndOneThatIsNotThereAreDrift) {
  storage::Bucket open = as_wanted();
  open.types.clear();
  EXPECT_EQ(compare("b", as_wanted(), open).back(),
            Finding(Standing::drift, "types", "it takes content of every type", "bundlesync bucket setup changes it"));
  EXPECT_EQ(lines(compare("b", as_wanted(), std::nullopt)),
            "drift bucket: there is no bucket 'b', or this key may not see it\n");
}

TEST(BucketFindings, AccessAsItShouldBeHasNoDrift) {
  const auto findings = compare(rule(), access());
  EXPECT_EQ(lines(findings),
            "ok row_security: row-level security of storage.objects is on\n"
            "ok role: reader is there, and storage can become it\n"
            "ok grants: reader may select from storage.objects, as far as policies go\n"
            "ok policy: bundlesync_read_b lets reader select where (bucket_id = 'b'::text)\n"
            "ok other_policies: no other policy opens this bucket\n");
  EXPECT_EQ(exit_code(findings), ExitCode::done);
}

TEST(BucketFindings, AnythingMoreOrLessThanThePolicyIsDrift) {
  const auto policy_of = [](const catalog::Policy& policy) {
    auto found = access();
    found.policies = {policy};
    return compare(rule(), found)[3];
  };
  const std::string name = "bundlesync_read_b";
  const std::string condition = rule().condition;
  EXPECT_EQ(policy_of({name, "all", true, {"reader"}, condition}).text,
            "bundlesync_read_b lets reader all where (bucket_id = 'b'::text)");
  EXPECT_EQ(policy_of({name, "select", true, {"anon", "reader"}, condition}).standing, Standing::drift);
  EXPECT_EQ(policy_of({name, "select", true, {"reader"}, "true"}).standing, Standing::drift);
  EXPECT_EQ(policy_of({name, "select", false, {"reader"}, condition}).standing, Standing::drift);
  EXPECT_EQ(policy_of({"other", "select", true, {"reader"}, condition}).text,
            "there is no policy bundlesync_read_b on storage.objects");
}

TEST(BucketFindings, ARoleThatCannotReadOrMayDoMoreIsDrift) {
  auto found = access();
  found.row_security = false;
  EXPECT_EQ(compare(rule(), found)[0].standing, Standing::drift);
  found = access();
  found.role_exists = false;
  EXPECT_EQ(compare(rule(), found)[1].text, "there is no role reader");
  found = access();
  found.role_passes_policies = true;
  EXPECT_EQ(compare(rule(), found)[1].text, "role reader passes every policy");
  found = access();
  found.role_can_be_assumed = false;
  EXPECT_EQ(compare(rule(), found)[1].text, "storage cannot become reader: it is not granted to authenticator");
  found.role_can_be_assumed.reset();
  EXPECT_EQ(compare(rule(), found)[1].standing, Standing::not_proven);
  found = access();
  found.may_use_schema = false;
  EXPECT_EQ(compare(rule(), found)[2].text, "reader may not select from storage.objects at all");
}

TEST(BucketFindings, OtherPoliciesThatMayOpenTheBucketAreNamedAndThoseOfOtherBucketsAreNot) {
  auto found = access();
  found.policies.push_back({"avatars", "all", true, {"public"}, "(bucket_id = 'avatars'::text)"});
  found.policies.push_back({"backend", "all", true, {"service_role"}, "true"});
  found.policies.push_back({"mine",
                            "all",
                            true,
                            {"public"},
                            "((bucket_id = 'avatars'::text) AND is_admin()) (bucket_id = 'avatars'::text)"});
  found.policies.push_back({"narrows", "select", false, {"public"}, "true"});
  EXPECT_EQ(compare(rule(), found).back().standing, Standing::ok);
  found.policies.push_back({"everything", "select", true, {"anon", "authenticated"}, "true"});
  found.policies.push_back({"write b", "insert", true, {"authenticated"}, "(bucket_id = 'b'::text)"});
  const auto findings = compare(rule(), found);
  EXPECT_EQ(findings.back().text,
            "other policies may open this bucket, too: everything (select to anon, authenticated); write b (insert to "
            "authenticated)");
  EXPECT_EQ(exit_code(findings), ExitCode::done);
}

TEST(BucketFindings, APolicyIsOfAnotherBucketOnlyWhereItsConditionSaysSoForCertain) {
  for (const std::string condition :
       {"(bucket_id <> 'avatars'::text)", "(bucket_id IS NOT NULL)", "(bucket_id ~~ 'a%'::text)", "is_admin()",
        "((bucket_id = 'avatars'::text) OR true)", "((bucket_id = 'avatars'::text) OR (bucket_id = 'b'::text))",
        "(bucket_id = ANY (ARRAY['avatars'::text, 'b'::text]))", "(NOT (bucket_id = 'avatars'::text))",
        "((bucket_id = 'b'::text) AND is_admin())", "(bucket_id = 'avatars'::text) true",
        "(((bucket_id = 'avatars'::text) OR is_admin()) AND (name <> ' AND '::text))",
        "(bucket_id IN ( SELECT buckets.id FROM storage.buckets))"}) {
    auto found = access();
    found.policies.push_back({"other", "select", true, {"public"}, condition});
    EXPECT_EQ(compare(rule(), found).back().text, "other policies may open this bucket, too: other (select to public)")
        << condition;
  }
  for (const std::string condition :
       {"(bucket_id = 'avatars'::text)", "((bucket_id = 'avatars'::text) AND (name ~~ 'x) OR (%'::text))",
        "((name <> ''' AND '''::text) AND ((bucket_id = 'avatars'::text) AND is_admin()))"}) {
    auto found = access();
    found.policies.push_back({"other", "select", true, {"public"}, condition});
    EXPECT_EQ(compare(rule(), found).back().standing, Standing::ok) << condition;
  }
}

TEST(BucketFindings, TheAgentsUserMustReadAndNotWrite) {
  EXPECT_EQ(agent_may_not_write(false).standing, Standing::ok);
  EXPECT_EQ(agent_may_not_write(true).text, "this user may write: an agent that runs as it may publish");
  EXPECT_EQ(agent_may_not_write(true).standing, Standing::failed);
  EXPECT_EQ(agent_may_read(std::string("a/b.md")).text, "this user can read a/b.md");
  EXPECT_EQ(agent_may_read(std::string()).standing, Standing::not_proven);
  EXPECT_EQ(agent_may_read(fail(ErrorKind::unauthorised, "no")).standing, Standing::failed);
}

TEST(BucketFindings, ADirectoryThatEverybodyMayWriteIsDrift) {
  storage::file::DirectoryFacts facts;
  facts.mode = 0755;
  facts.owner = "prompts";
  facts.group = "staff";
  facts.readable = true;
  facts.file_system = "ext4";
  EXPECT_EQ(lines(compare("/s", facts)),
            "ok directory: /s is there, mode 0755\nok writers: owner prompts may write, and root\n"
            "ok readable: this user may read it\nok medium: on ext4, of this machine\n");
  facts.mode = 02775;
  EXPECT_EQ(compare("/s", facts)[1].text, "owner prompts and group staff may write, and root");
  facts.mode = 01777;
  facts.file_system = "nfs";
  facts.is_network = true;
  facts.readable = false;
  const auto findings = compare("/s", facts);
  EXPECT_EQ(findings[0].text, "/s is there, mode 1777");
  EXPECT_EQ(findings[1].standing, Standing::drift);
  EXPECT_EQ(findings[2].text, "this user may not read it");
  EXPECT_EQ(findings[3].text, "on nfs, a network file system: others may write there too, by their own rules");
  EXPECT_EQ(exit_code(compare("/s", std::nullopt)), ExitCode::differences);
}

TEST(BucketFindings, WhatWasDriftAndIsGoodNowWasChanged) {
  const std::vector<Finding> before = {
      {Standing::ok, "a", "A"}, {Standing::drift, "b", "no B"}, {Standing::drift, "c", "no C"}};
  const std::vector<Finding> after = {
      {Standing::ok, "a", "A"}, {Standing::ok, "b", "B"}, {Standing::drift, "c", "no C"}, {Standing::ok, "d", "D"}};
  EXPECT_EQ(lines(settled(before, after)), "ok a: A\nchanged b: B\ndrift c: no C\nchanged d: D\n");
}

TEST(BucketFindings, TheWorstFindingIsTheExitCode) {
  const auto of = [](std::vector<Standing> standings) {
    std::vector<Finding> findings;
    for (const auto standing : standings) findings.emplace_back(standing, "w", "t");
    return exit_code(findings);
  };
  using enum Standing;
  EXPECT_EQ(of({ok, changed, not_proven}), ExitCode::done);
  EXPECT_EQ(of({ok, drift}), ExitCode::differences);
  EXPECT_EQ(of({drift, failed}), ExitCode::failed);
  EXPECT_EQ(of({failed, denied, drift}), ExitCode::unauthorised);
}

}  // namespace
}  // namespace bundlesync::publish
