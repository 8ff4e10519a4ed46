#include "unit/plan/world.hpp"

#include <gtest/gtest.h>

namespace bundlesync::plan::test {
namespace {

std::string code(const WantedVersion& wanted, const Policy& policy = {}) {
  const auto refusal = refusal_of(wanted, policy);
  return refusal ? refusal->reason + (refusal->detail.empty() ? "" : " " + refusal->detail) : "";
}

WantedVersion with_path(std::string path) {
  auto wanted = version("section7", "1.0.0");
  wanted.bundle.files[0].path = std::move(path);
  wanted.manifest = bundle::manifest_digest(wanted.bundle.files);
  return wanted;
}

TEST(Refusal, AcceptsAGoodVersion) {
  EXPECT_EQ(code(version("section7", "1.0.0")), "");
}

TEST(Refusal, RefusesADraft) {
  auto wanted = version("section7", "1.0.0");
  wanted.status = "draft";
  EXPECT_EQ(code(wanted), "version_draft");
}

TEST(Refusal, TakesTheCatalogsOwnWordFirst) {
  auto wanted = version("section7", "1.0.0");
  wanted.problem = "sha256_invalid";
  EXPECT_EQ(code(wanted), "sha256_invalid");
}

TEST(Refusal, RefusesBadPathsEachWithItsCode) {
  EXPECT_EQ(code(with_path("../etc/passwd")), "path_dotdot path=../etc/passwd");
  EXPECT_EQ(code(with_path("/etc/passwd")), "path_absolute path=/etc/passwd");
  EXPECT_EQ(code(with_path(std::string(300, 'a'))), "path_too_long path=" + std::string(300, 'a'));
}

TEST(Refusal, RefusesAFileBesideADirectoryOfItsName) {
  auto wanted = with_path("a");
  wanted.bundle.files.push_back(file("a/b", "x"));
  wanted.manifest = bundle::manifest_digest(wanted.bundle.files);
  EXPECT_EQ(code(wanted), "path_under_file path=a/b");
}

TEST(Refusal, RefusesAnExtraOrMissingRow) {
  auto wanted = version("section7", "1.0.0");
  wanted.recorded_manifest = Digest::of("what was published");
  EXPECT_EQ(code(wanted),
            "manifest_mismatch want=" + wanted.recorded_manifest->hex() + " got=" + wanted.manifest.hex());
}

TEST(Refusal, RefusesBeforeAnythingIsDownloadedWhatIsTooLarge) {
  Policy policy;
  policy.file_bytes_max = 10;
  EXPECT_EQ(code(version("section7", "1.0.0"), policy), "file_too_large path=prompt.md bytes=14 limit=10");
  policy.file_bytes_max = 100;
  policy.bundle_bytes_max = 10;
  EXPECT_EQ(code(version("section7", "1.0.0"), policy), "bundle_too_large bytes=14 limit=10");
  policy.files_max = 0;
  EXPECT_EQ(code(version("section7", "1.0.0"), policy), "too_many_files files=1 limit=0");
}

TEST(Refusal, RefusesAVersionWithoutFiles) {
  auto wanted = version("section7", "1.0.0");
  wanted.bundle.files.clear();
  EXPECT_EQ(code(wanted), "no_files");
}

TEST(Refusal, TakesAVersionAsAnOpaqueLabel) {
  EXPECT_EQ(code(version("section7", "2024.06")), "");
  EXPECT_EQ(code(version("section7", "../x")), "version_invalid version=../x");
}

/// A world in which section7 shows 1.0.0 and wants 1.1.0, whose bytes are here, and every version needs a signature.
struct SignedWorld : World {
  bundle::SigningKey key = bundle::SigningKey::generate().value();

  SignedWorld() {
    policy.templates = {"section7"};
    policy.trust = std::make_shared<const bundle::Trust>(std::vector{key.public_key()});
    desired.templates["section7"] = wanted_template("section7", "1.1.0", 2);
    auto& shown = observed.view.templates["section7"];
    const auto old = version("section7", "1.0.0");
    shown.tree = tree(old);
    shown.version = old.version;
    shown.manifest = old.manifest;
    shown.epoch = desired.epoch;
    shown.template_id = "id-section7";
    shown.generation = 1;
    observed.complete[test::key(*wanted().current)] = tree(*wanted().current);
  }
  WantedTemplate& wanted() { return desired.templates["section7"]; }
  void sign(const bundle::SigningKey& by) {
    bundle::Signed what;
    what.template_name = "section7";
    what.version = "1.1.0";
    what.manifest = wanted().current->manifest;
    wanted().current->signature = bundle::sign(by, what);
  }
};

TEST(Trusting, AVersionWithoutItsSignatureIsRefusedAndTheOldOneStays) {
  SignedWorld world;
  const Plan plan = decide(world.desired, world.observed, world.policy);
  EXPECT_EQ(plan.status.at("section7").state, State::refused);
  EXPECT_EQ(plan.status.at("section7").reason, "signature_missing");
  EXPECT_TRUE(plan.settled()) << "nothing moves, nothing is fetched, nothing is dropped";
}

TEST(Trusting, ASignedVersionIsShown) {
  SignedWorld world;
  world.sign(world.key);
  const Plan plan = decide(world.desired, world.observed, world.policy);
  ASSERT_EQ(plan.activate.size(), 1U);
  EXPECT_EQ(plan.activate[0].moves.at(0).content.version, "1.1.0");
}

TEST(Trusting, AVersionByAnotherKeyIsNotEvenFetched) {
  SignedWorld world;
  world.observed.complete.clear();
  world.sign(bundle::SigningKey::generate().value());
  const Plan plan = decide(world.desired, world.observed, world.policy);
  EXPECT_EQ(plan.status.at("section7").reason, "signature_unknown_key");
  EXPECT_TRUE(plan.settled());
}

TEST(Trusting, WhatTheCatalogSaysOfItsDigestIsNotBelieved) {
  SignedWorld world;
  world.sign(world.key);
  auto& current = *world.wanted().current;
  current.bundle.files[0].sha256 = Digest::of("other bytes");
  current.manifest = bundle::manifest_digest(current.bundle.files);
  EXPECT_EQ(code(current, world.policy).substr(0, 23), "signature_other_content");
}

TEST(Trusting, APreviousDefaultWithoutSignatureIsNotPrefetched) {
  SignedWorld world;
  world.sign(world.key);
  world.wanted().previous = version("section7", "0.9.0");
  world.observed.prefetch_due = true;
  EXPECT_TRUE(decide(world.desired, world.observed, world.policy).fetch.empty());
  world.policy.trust = nullptr;
  EXPECT_EQ(decide(world.desired, world.observed, world.policy).fetch.size(), 1U) << "the same world without trust";
}

TEST(Trusting, LocalAndFallbackFilesNeedNoSignature) {
  SignedWorld world;
  world.observed.view.templates.clear();
  Alternative bare;
  bare.bundle = version("section7", "0.0.0").bundle;
  bare.manifest = bundle::manifest_digest(bare.bundle.files);
  world.observed.filesystem["section7"] = bare;
  const Plan plan = decide(world.desired, world.observed, world.policy);
  ASSERT_EQ(plan.activate.size(), 1U);
  EXPECT_EQ(plan.activate[0].moves.at(0).source, Source::filesystem);
  EXPECT_EQ(plan.status.at("section7").state, State::refused);
}

}  // namespace
}  // namespace bundlesync::plan::test
