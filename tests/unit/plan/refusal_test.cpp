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

}  // namespace
}  // namespace bundlesync::plan::test
