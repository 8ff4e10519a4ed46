#include "disk/alternatives.hpp"

#include "crash/world.hpp"
#include "disk/target.hpp"
#include "disk/trees.hpp"

#include <gtest/gtest.h>

#include <array>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bundlesync::disk {
namespace {

namespace fs = std::filesystem;
using testing::fingerprint;
using testing::TempDir;
using testing::write_text;

class AlternativesTest : public ::testing::Test {
 protected:
  ~AlternativesTest() override { EXPECT_EQ(fingerprint(dir_.path()), before_); }
  Alternatives scanned(Result<Alternatives> (*scan)(Files&, const fs::path&, const Limits&)) {
    before_ = fingerprint(dir_.path());
    auto found = scan(files_, dir_.path(), limits_);
    EXPECT_TRUE(found) << found.error().text();
    return std::move(*found);
  }
  static std::vector<std::string> paths(const plan::Alternative& alternative) {
    std::vector<std::string> paths;
    for (const auto& file : alternative.bundle.files) paths.push_back(file.path);
    return paths;
  }
  TempDir dir_;
  RealFiles files_;
  Limits limits_;
  std::vector<std::string> before_;
};

TEST_F(AlternativesTest, AreNoneWithoutADirectory) {
  EXPECT_TRUE(scan_local(files_, dir_.path() / "none", limits_)->by_template.empty());
  EXPECT_TRUE(scan_filesystem(files_, dir_.path() / "none", limits_)->by_template.empty());
}

TEST_F(AlternativesTest, TakeBareFilesOfTheFallbackDirectory) {
  write_text(dir_.path() / "section7/master.fr.md", "bonjour");
  write_text(dir_.path() / "section7/parts/a.json", "{}");
  write_text(dir_.path() / "section7/.hidden", "x");
  write_text(dir_.path() / "section7/bad\nname", "x");
  write_text(dir_.path() / "empty/.keep", "");
  write_text(dir_.path() / "loose", "x");
  const auto found = scanned(scan_filesystem);
  ASSERT_EQ(found.by_template.size(), 1U);
  const auto& alternative = found.by_template.at("section7");
  EXPECT_EQ(paths(alternative), (std::vector<std::string>{"master.fr.md", "parts/a.json"}));
  EXPECT_EQ(alternative.source, plan::Source::filesystem);
  EXPECT_EQ(alternative.bundle.version, "filesystem");
  EXPECT_EQ(alternative.bundle.files[0].sha256, Digest::of("bonjour"));
  EXPECT_EQ(alternative.bundle.files[0].kind, "master");
  EXPECT_EQ(alternative.bundle.files[0].locale, "fr");
  EXPECT_EQ(alternative.manifest, bundle::manifest_digest(alternative.bundle.files));
  ASSERT_EQ(found.warnings.size(), 1U);
  EXPECT_NE(found.warnings[0].find("is left out: "), std::string::npos);
}

/// As kubelet makes it: ..data names a directory of this moment, and links lead through it.
TEST_F(AlternativesTest, FollowTheLinksOfAConfigMapMount) {
  const fs::path mount = dir_.path() / "section7";
  write_text(mount / "..2026_03_01_09_30_00.1/master.md", "hello");
  fs::create_directory_symlink("..2026_03_01_09_30_00.1", mount / "..data");
  fs::create_symlink("..data/master.md", mount / "master.md");
  const auto found = scanned(scan_filesystem);
  EXPECT_EQ(paths(found.by_template.at("section7")), std::vector<std::string>{"master.md"});
  EXPECT_EQ(found.warnings, std::vector<std::string>());
}

TEST_F(AlternativesTest, LeaveOutWhatLeadsOutsideOrIsNoFile) {
  TempDir elsewhere;
  write_text(elsewhere.path() / "secret", "s");
  write_text(dir_.path() / "section7/master.md", "hello");
  fs::create_symlink(elsewhere.path() / "secret", dir_.path() / "section7/leak.md");
  fs::create_directory_symlink(elsewhere.path(), dir_.path() / "outside");
  fs::create_directory_symlink(".", dir_.path() / "section7/loop");
  ASSERT_EQ(::mkfifo((dir_.path() / "section7/pipe").c_str(), 0600), 0);
  const auto found = scanned(scan_filesystem);
  ASSERT_EQ(found.by_template.size(), 1U);
  for (const auto& path : paths(found.by_template.at("section7"))) {
    EXPECT_TRUE(path.ends_with("master.md")) << path;
  }
  ASSERT_GE(found.warnings.size(), 2U);
  EXPECT_EQ(found.warnings.front(),
            (dir_.path() / "section7/leak.md").string() + " is left out: it leads out of the directory");
}

TEST_F(AlternativesTest, LeaveOutWhatIsTooLarge) {
  limits_.file_bytes_max = 10;
  limits_.files_max = 2;
  write_text(dir_.path() / "large/a", "12345678901");
  write_text(dir_.path() / "large/b", "1");
  for (const auto* name : {"a", "b", "c"}) write_text(dir_.path() / "many" / name, name);
  const auto found = scanned(scan_filesystem);
  EXPECT_EQ(paths(found.by_template.at("large")), std::vector<std::string>{"b"});
  EXPECT_FALSE(found.by_template.contains("many"));
  EXPECT_EQ(found.warnings,
            (std::vector<std::string>{(dir_.path() / "large/a").string() + " is left out: it has more than 10 bytes",
                                      (dir_.path() / "many").string() + " is left out: it has more than 2 files"}));
}

TEST_F(AlternativesTest, KeepOneOfTwoNamesThatDifferOnlyInCase) {
  write_text(dir_.path() / "section7/Master.md", "A");
  write_text(dir_.path() / "section7/master.md", "B");
  const auto found = scanned(scan_filesystem);
  EXPECT_EQ(found.by_template.at("section7").bundle.files.size(), 1U);
  EXPECT_EQ(found.warnings.size(), 1U);
}

TEST_F(AlternativesTest, TakeALocalManifestAndItsFiles) {
  write_text(dir_.path() / "section7/manifest.json",
             R"({"template": "section7", "version": "2.0.0", "default_locale": "fr",
                 "artifacts": [{"kind": "master_prompt", "path": "m.md", "locale": "fr", "content_type": "text/markdown"}],
                 "prompts": [{"role": "system", "locale": "fr", "path": "s.md"}]})");
  write_text(dir_.path() / "section7/m.md", "master");
  write_text(dir_.path() / "section7/s.md", "system");
  write_text(dir_.path() / "section7/not-listed", "x");
  write_text(dir_.path() / "bare/file", "x");
  const auto found = scanned(scan_local);
  ASSERT_EQ(found.by_template.size(), 1U);
  const auto& alternative = found.by_template.at("section7");
  EXPECT_EQ(alternative.source, plan::Source::local);
  EXPECT_EQ(alternative.bundle.version, "2.0.0");
  EXPECT_EQ(alternative.bundle.default_locale, "fr");
  EXPECT_EQ(paths(alternative), (std::vector<std::string>{"m.md", "s.md"}));
  EXPECT_EQ(alternative.bundle.files[1].role, "system");
  EXPECT_EQ(found.warnings, std::vector<std::string>());
  EXPECT_EQ(testing::read_text(alternative_path(dir_.path(), "section7", "m.md")), "master");
}

TEST_F(AlternativesTest, LeaveOutALocalManifestThatCannotBeUsed) {
  const auto manifest = [&](const std::string& name, const std::string& text) {
    write_text(dir_.path() / name / "manifest.json", text);
    write_text(dir_.path() / name / "m.md", "master");
  };
  const std::string artifact = R"("artifacts": [{"kind": "k", "path": "m.md"}])";
  manifest("garbled", "{");
  manifest("other", R"({"template": "section7", "version": "1.0.0", )" + artifact + "}");
  manifest("noversion", R"({"template": "noversion", )" + artifact + "}");
  manifest("missing", R"({"template": "missing", "version": "1.0.0", "artifacts": [{"kind": "k", "path": "x.md"}]})");
  manifest("escape", R"({"version": "1.0.0", "artifacts": [{"kind": "k", "path": "../other/m.md"}]})");
  manifest("digest", R"({"version": "1.0.0", "artifacts": [{"kind": "k", "path": "m.md", "sha256": ")" +
                         Digest::of("else").hex() + R"("}]})");
  const auto found = scanned(scan_local);
  EXPECT_EQ(found.by_template.size(), 0U);
  EXPECT_GE(found.warnings.size(), 6U);
}

/// As the kernel tells it: closing a file that was open for writing is an event of its own, written or not.
TEST_F(AlternativesTest, AreNeverOpenedForWriting) {
  write_text(dir_.path() / "section7/master.fr.md", "bonjour");
  write_text(dir_.path() / "section7/manifest.json", "{}");
  before_ = fingerprint(dir_.path());
  const Fd events(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  constexpr std::uint32_t writing =
      IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
  for (const auto& path : {dir_.path(), dir_.path() / "section7"}) {
    ASSERT_GE(::inotify_add_watch(events.get(), path.c_str(), writing | IN_OPEN), 0);
  }
  const auto found = scan_filesystem(files_, dir_.path(), limits_);
  (void)scan_local(files_, dir_.path(), limits_);
  ASSERT_TRUE(found && found->by_template.contains("section7"));
  {
    TempDir elsewhere;
    Target::Options options;
    options.path = elsewhere.path();
    auto target = Target::open(files_, options);
    ASSERT_TRUE(target);
    auto trees = Trees::make(**target);
    const auto& alternative = found->by_template.at("section7");
    auto stage = trees->begin(alternative.bundle, alternative.manifest);
    ASSERT_TRUE(stage) << stage.error().text();
    for (const auto& file : alternative.bundle.files) {
      EXPECT_TRUE((*stage)->take_from(alternative_path(dir_.path(), "section7", file.path), file).value());
    }
  }
  std::size_t opened = 0;
  alignas(inotify_event) std::array<char, 4096> buffer{};
  for (auto size = ::read(events.get(), buffer.data(), buffer.size()); size > 0;
       size = ::read(events.get(), buffer.data(), buffer.size())) {
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      EXPECT_EQ(event->mask & writing, 0U) << std::string(event->len > 0 ? event->name : "");
      if ((event->mask & IN_OPEN) != 0) ++opened;
      at += sizeof(inotify_event) + event->len;
    }
  }
  EXPECT_GT(opened, 2U) << "and it would have been seen";
}

}  // namespace
}  // namespace bundlesync::disk
