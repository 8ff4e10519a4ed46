#include "bed.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

// The plan that this project began with names seven scenarios; here they are, with a store that is a directory.
namespace bundlesync::tests {
namespace {

namespace fs = std::filesystem;

class SeedScenarios : public AgentBed {};

Files read_directory(const fs::path& directory) {
  Files files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file() || entry.path().filename() == "manifest.json") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    files[fs::relative(entry.path(), directory).string()] = {std::istreambuf_iterator<char>(file), {}};
  }
  return files;
}

TEST_F(SeedScenarios, FirstSyncDownloadsWhatWasPublished) {
  publish("alpha", "1.0.0", true);
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  agent->wait_for({"activate ", "alpha=-→1.0.0", "source=remote"});
  agent->wait_for({"[PROOF] source=remote template=alpha version=1.0.0", "path=master.md"});
  EXPECT_EQ(agent->messages_with({"[PROOF] source=remote template=alpha version=1.0.0", "sha256="}).size(), 3U);
  EXPECT_TRUE(agent->messages_with({"[PROOF]", "source=cache"}).empty()) << agent->log();
  EXPECT_TRUE(comes_to_say(*agent, "alpha", "current"));
  EXPECT_EQ(text_of(agent->status_of("alpha"), "version"), "1.0.0");
  EXPECT_TRUE(comes_to_answer(*agent, "/readyz", 200));
  EXPECT_EQ(agent->stop().code, 0);
}

TEST_F(SeedScenarios, TheExampleBundleIsServedByteForByte) {
  const fs::path example = fs::path(BUNDLESYNC_EXAMPLES) / "section7/1.0.0";
  const Files files = read_directory(example);
  ASSERT_GE(files.size(), 10U);
  const Ended ended =
      command({"publish", example.string(), "--template", "section7", "--version", "1.0.0", "--set-default"},
              {{"BUNDLESYNC_DATABASE_URL", server_.url(database_)}});
  ASSERT_EQ(ended.code, 0) << ended.err;
  oracle_.add("section7", "1.0.0", files);
  const auto agent = start();
  EXPECT_TRUE(comes_to_show("section7", "1.0.0")) << agent->log();
  agent->wait_for({"[PROOF] source=remote template=section7", "role=system", "locale=fr"});
  agent->wait_for({"[PROOF] source=remote template=section7", "kind=json_config", "locale=-"});
}

TEST_F(SeedScenarios, SecondStartUsesWhatIsOnDisk) {
  publish("alpha", "1.0.0", true);
  {
    const auto first = start();
    ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << first->log();
    EXPECT_EQ(first->stop().code, 0);
  }
  const auto before = fingerprint(target_ / "..bundlesync/trees");
  store_.take_away();  // not one byte can be downloaded
  const auto second = start();
  second->wait_for({"[PROOF] source=cache template=alpha version=1.0.0", "bytes=0", "path=master.md"});
  ASSERT_TRUE(comes_to_say(*second, "alpha", "current")) << second->log();
  EXPECT_EQ(shown("alpha"), "1.0.0");
  EXPECT_EQ(second->messages_with({"[PROOF]"}).size(), 3U) << second->log();
  EXPECT_TRUE(second->messages_with({"fetched"}).empty()) << second->log();
  EXPECT_LE(metric(*second, "bundlesync_download_bytes_total"), 0) << second->get("/metrics").body;
  EXPECT_EQ(fingerprint(target_ / "..bundlesync/trees"), before);
}

TEST_F(SeedScenarios, IntegrityIsCheckedBeforeAnythingIsShown) {
  publish("alpha", "1.0.0", true);
  store_.corrupt(key("alpha", "1.0.0", "master.md"));
  const auto agent = start({{"BUNDLESYNC_TEMPLATES", "alpha"}});
  const auto line = agent->wait_for({"refuse template=alpha version=1.0.0 reason=digest_mismatch"});
  EXPECT_NE(line.find("next_try=when_the_row_changes"), std::string::npos) << line;
  EXPECT_EQ(shown("alpha"), "");
  EXPECT_EQ(view_link(target_), "");
  EXPECT_EQ(agent->get("/readyz").status, 503);
  EXPECT_EQ(agent->get("/healthz").status, 200);
}

TEST_F(SeedScenarios, DamageOnDiskIsFoundAtTheNextStartAndMended) {
  publish("alpha", "1.0.0", true);
  {
    const auto first = start();
    ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << first->log();
  }
  const fs::path file = fs::canonical(target_ / "alpha/master.md");
  fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(file, std::ios::binary) << "somebody wrote here\n";
  const auto second = start();
  second->wait_for({"repaired", "what alpha shows is damaged"});
  EXPECT_TRUE(wait_until(std::chrono::seconds(10), [&] {
    const Look look = Reader(target_, oracle_).look("alpha");
    return look.version == "1.0.0";
  })) << second->log();
}

class StorageGone : public AgentBed {
 protected:
  StorageGone() {
    write(home_ / "fallback/alpha/master.md", "the fallback\n");
    oracle_.add("alpha", "filesystem", {{"master.md", "the fallback\n"}});
    environment_["BUNDLESYNC_FALLBACK_DIR"] = home_ / "fallback";
    environment_["BUNDLESYNC_TEMPLATES"] = "alpha";
  }
  static void write(const fs::path& path, const std::string& bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }
};

TEST_F(StorageGone, KeepsTheLastGoodVersionRatherThanTheFallback) {
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  const std::string view = view_link(target_);
  store_.take_away();
  move("alpha", "1.1.0");
  agent->wait_for({"retrying template=alpha version=1.1.0 reason=storage_unavailable"});
  EXPECT_EQ(shown("alpha"), "1.0.0");
  EXPECT_EQ(view_link(target_), view);
  EXPECT_TRUE(agent->messages_with({"fallback "}).empty()) << agent->log();
  EXPECT_TRUE(comes_to_answer(*agent, "/readyz", 200));
  store_.bring_back();
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0", std::chrono::seconds(20))) << agent->log();
}

TEST_F(StorageGone, ShowsTheFallbackWhereThereIsNoLastGoodVersion) {
  publish("alpha", "1.0.0", true);
  store_.take_away();
  const auto before = fingerprint(home_ / "fallback");
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "filesystem")) << agent->log();
  agent->wait_for({"[PROOF] source=filesystem template=alpha version=filesystem", "path=master.md"});
  agent->wait_for({"fallback template=alpha source=filesystem reason=storage_unavailable"});
  EXPECT_EQ(fingerprint(home_ / "fallback"), before);
  store_.bring_back();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0", std::chrono::seconds(20))) << agent->log();
  agent->wait_for({"activate ", "alpha=filesystem→1.0.0", "source=remote"});
  EXPECT_EQ(fingerprint(home_ / "fallback"), before);
}

TEST_F(StorageGone, PrefersALocalManifestToBareFiles) {
  publish("alpha", "1.0.0", true);
  store_.take_away();
  write(home_ / "local/alpha/main.md", "the local one\n");
  write(home_ / "local/alpha/manifest.json",
        R"({"template": "alpha", "version": "0.9.0", "artifacts": [{"kind": "master_prompt", "path": "main.md",
            "locale": null, "content_type": "text/markdown"}], "prompts": []})");
  oracle_.add("alpha", "0.9.0", {{"main.md", "the local one\n"}});
  const auto agent = start({{"BUNDLESYNC_LOCAL_DIR", home_ / "local"}});
  ASSERT_TRUE(comes_to_show("alpha", "0.9.0")) << agent->log();
  agent->wait_for({"[PROOF] source=local template=alpha version=0.9.0 kind=master_prompt", "path=main.md"});
}

TEST_F(SeedScenarios, RollbackIsOneUpdateAndDownloadsNothing) {
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  move("alpha", "1.1.0");
  ASSERT_TRUE(comes_to_show("alpha", "1.1.0")) << agent->log();
  const double downloaded = metric(*agent, "bundlesync_download_bytes_total");
  EXPECT_GT(downloaded, 0);
  store_.take_away();
  sql("update templates set default_version_id = '" + version_id("alpha", "1.0.0") + "' where name = 'alpha'");
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0", one_second)) << agent->log();
  const auto line = agent->wait_for({"activate ", "alpha=1.1.0→1.0.0"});
  EXPECT_NE(line.find("source=cache"), std::string::npos) << line;
  agent->wait_for({"[PROOF] source=cache template=alpha version=1.0.0", "bytes=0", "path=master.md"});
  EXPECT_EQ(metric(*agent, "bundlesync_download_bytes_total"), downloaded);
}

}  // namespace
}  // namespace bundlesync::tests
