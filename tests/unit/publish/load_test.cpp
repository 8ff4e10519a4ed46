#include "publish/load.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bundlesync::publish {
namespace {

namespace fs = std::filesystem;

class Load : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "bundlesync-load-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    home_ = name;
    request_.directory = home_ / "bundle";
    request_.template_name = "section7";
    request_.version = "1.0.0";
    fs::create_directories(request_.directory);
  }
  void TearDown() override { fs::remove_all(home_); }

  void write(const std::string& path, const std::string& bytes) {
    fs::create_directories((request_.directory / path).parent_path());
    std::ofstream(request_.directory / path) << bytes;
  }
  Loaded loaded() {
    auto result = load(request_);
    EXPECT_TRUE(result);
    return result ? std::move(*result) : Loaded();
  }
  std::vector<std::string> paths(const Loaded& loaded) {
    std::vector<std::string> found;
    for (const auto& file : loaded.bundle.files) found.push_back(file.path);
    return found;
  }
  /// "reason path" of every problem.
  std::vector<std::string> problems(const Loaded& loaded) {
    std::vector<std::string> found;
    for (const auto& problem : loaded.problems) found.push_back(problem.reason + " " + problem.path);
    return found;
  }

  fs::path home_;
  CheckRequest request_;
};

TEST_F(Load, GuessesABundleFromBareFiles) {
  write("section7_master.fr.md", "# bonjour\n");
  write("config/settings.json", "{}");
  write(".git/config", "x");
  write(".hidden", "x");
  write("config/.hidden", "x");
  const auto result = loaded();
  EXPECT_TRUE(result.guessed);
  EXPECT_EQ(problems(result), std::vector<std::string>{});
  EXPECT_EQ(paths(result), (std::vector<std::string>{"config/settings.json", "section7_master.fr.md"}));
  const auto& master = result.bundle.files[1];
  EXPECT_EQ(master.kind, "section7_master");
  EXPECT_EQ(master.locale, "fr");
  EXPECT_EQ(master.content_type, "text/markdown");
  EXPECT_EQ(master.storage_path, "section7/v1.0.0/section7_master.fr.md");
  EXPECT_EQ(master.sha256, Digest::of("# bonjour\n"));
  EXPECT_EQ(master.size, 10U);
  EXPECT_EQ(result.bytes.at("section7_master.fr.md"), "# bonjour\n");
}

TEST_F(Load, ReadsWhatTheManifestLists) {
  write("manifest.json", R"({"template": "other", "version": "9.9.9", "default_locale": "fr",
    "artifacts": [{"kind": "master_prompt", "path": "master.md", "locale": "fr"}],
    "prompts": [{"role": "system", "locale": "fr", "path": "system.md"}]})");
  write("master.md", "master");
  write("system.md", "system");
  const auto result = loaded();
  EXPECT_FALSE(result.guessed);
  EXPECT_EQ(problems(result), std::vector<std::string>{});
  EXPECT_EQ(result.bundle.template_name, "section7") << "the flag overrides the manifest";
  EXPECT_EQ(result.bundle.version, "1.0.0");
  ASSERT_EQ(paths(result), (std::vector<std::string>{"master.md", "system.md"}));
  EXPECT_EQ(result.bundle.files[1].kind, "prompt_system");
  EXPECT_EQ(result.bundle.files[1].role, "system");
  EXPECT_EQ(result.bundle.files[1].storage_path, "section7/v1.0.0/system.md");
}

TEST_F(Load, TakesNamesFromTheManifest) {
  request_.template_name.clear();
  request_.version.clear();
  write("manifest.json", R"({"template": "intake", "version": "2.0.0", "artifacts": [{"kind": "a", "path": "a"}]})");
  write("a", "x");
  const auto result = loaded();
  EXPECT_EQ(result.bundle.template_name, "intake");
  EXPECT_EQ(result.bundle.files.at(0).storage_path, "intake/v2.0.0/a");
}

TEST_F(Load, ReportsEveryProblemAtOnce) {
  write("manifest.json", R"({"artifacts": [{"kind": "a", "path": "gone.md"}, {"kind": "b", "path": "../up.md"},
    {"kind": "c", "path": "changed.md", "sha256": ")" +
                             std::string(64, '0') + R"("},
    {"kind": "d", "path": "sized.md", "size": 99}]})");
  write("changed.md", "x");
  write("sized.md", "x");
  write("extra.md", "x");
  const auto result = loaded();
  EXPECT_FALSE(result.publishable());
  EXPECT_EQ(problems(result),
            (std::vector<std::string>{"path_dotdot ../up.md", "digest_mismatch changed.md", "file_unlisted extra.md",
                                      "file_missing gone.md", "size_mismatch sized.md"}));
}

TEST_F(Load, CallsABrokenManifestAProblem) {
  write("manifest.json", R"({"artifacts": [], "artefacts": []})");
  const auto result = loaded();
  EXPECT_EQ(problems(result), std::vector<std::string>{"json_unknown_key manifest.json"});
  EXPECT_FALSE(result.publishable());
}

TEST_F(Load, LetsNoLinkLeadOutOfTheDirectory) {
  std::ofstream(home_ / "secret") << "secret";
  write("inside/real.md", "real");
  fs::create_symlink("inside/real.md", request_.directory / "good.md");
  write("manifest.json", R"({"artifacts": [{"kind": "a", "path": "bad.md"}, {"kind": "b", "path": "good.md"}]})");
  fs::create_symlink("../secret", request_.directory / "bad.md");
  const auto result = loaded();
  ASSERT_EQ(problems(result), std::vector<std::string>{"link_leads_out bad.md"});
  EXPECT_EQ(result.problems[0].text, "unable to read 'bad.md' in " + request_.directory.string() +
                                         ": a symbolic link leads out of the directory");
  EXPECT_FALSE(result.bytes.contains("bad.md"));
  EXPECT_EQ(result.bytes.at("good.md"), "real");
}

TEST_F(Load, WaitsForNoFifo) {
  ASSERT_EQ(::mkfifo((request_.directory / "pipe").c_str(), 0600), 0);
  write("a.md", "x");
  const auto result = loaded();
  EXPECT_EQ(problems(result), std::vector<std::string>{"not_regular pipe"});
}

TEST_F(Load, ReadsNothingAboveTheLimits) {
  request_.limits.file_bytes_max = 10;
  request_.limits.bundle_bytes_max = 15;
  write("a.md", "1234567890");
  write("b.md", "12345678901");
  const auto result = loaded();
  EXPECT_EQ(problems(result), (std::vector<std::string>{"bundle_too_large ", "file_too_large b.md"}));
  EXPECT_FALSE(result.bytes.contains("b.md"));

  request_.limits.files_max = 1;
  EXPECT_EQ(problems(loaded()), std::vector<std::string>{"too_many_files "});
}

TEST_F(Load, EndsALoopOfDirectoryLinks) {
  write("a/file.md", "x");
  fs::create_directory_symlink("..", request_.directory / "a/loop");
  const auto result = loaded();
  EXPECT_FALSE(result.publishable());
}

TEST_F(Load, SaysThatThereIsNoDirectory) {
  request_.directory = home_ / "gone";
  const auto result = load(request_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().exit_code(), ExitCode::usage);
  EXPECT_EQ(result.error().text(), "unable to open the directory '" + request_.directory.string() +
                                       "': No such file or directory\n"
                                       "hint: name the directory that holds the bundle's files and its manifest.json");
}

TEST_F(Load, MissesFilesAndNames) {
  request_.version.clear();
  const auto result = loaded();
  EXPECT_EQ(problems(result), (std::vector<std::string>{"version_missing ", "bundle_empty "}));
}

TEST_F(Load, ChecksWithoutAsking) {
  write("a.md", "x");
  const auto good = check(request_);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->exit_code(), ExitCode::done);
  EXPECT_EQ(good->manifest_sha256.size(), 64U);
  EXPECT_EQ(good->bytes, 1U);
  write("b c/..bad", "x");
  fs::rename(request_.directory / "a.md", request_.directory / "a~.md");
  const auto bad = check(request_);
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->exit_code(), ExitCode::lint);
  EXPECT_EQ(bad->manifest_sha256, "");
}

TEST(SourceCommit, IsTheFirstThatLooksLikeOne) {
  for (const char* name : {"GITHUB_SHA", "CI_COMMIT_SHA", "BITBUCKET_COMMIT", "CIRCLE_SHA1", "GIT_COMMIT"})
    ::unsetenv(name);
  EXPECT_EQ(source_commit_from_environment(), "");
  ::setenv("GITHUB_SHA", "not a commit", 1);
  ::setenv("GIT_COMMIT", "0123456789abcdef", 1);
  EXPECT_EQ(source_commit_from_environment(), "0123456789abcdef");
  ::unsetenv("GITHUB_SHA");
  ::unsetenv("GIT_COMMIT");
}

}  // namespace
}  // namespace bundlesync::publish
