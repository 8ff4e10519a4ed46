#include "cli/damage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace bundlesync::cli {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class DamageTest : public testing::Test {
 protected:
  DamageTest() {
    std::string pattern = (fs::temp_directory_path() / "bundlesync-damage-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    tree_ = pattern;
    add("a.md", "alpha");
    add("prompts/b.md", "beta");
    std::ofstream(tree_ / ".bundle.json") << "{}";
  }
  ~DamageTest() override { fs::remove_all(tree_); }
  void add(const std::string& path, const std::string& text) {
    bundle::File file;
    file.path = path;
    file.sha256 = Digest::of(text);
    bundle_.files.push_back(file);
    write(path, text);
  }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((tree_ / path).parent_path());
    std::ofstream(tree_ / path) << text;
  }
  std::vector<std::string> found() const {
    std::vector<std::string> lines;
    for (const auto& damage : damages(tree_, bundle_)) lines.push_back(damage.path + " " + damage.reason);
    return lines;
  }

  fs::path tree_;
  bundle::Bundle bundle_;
};

TEST_F(DamageTest, FindsNothingInATreeThatIsWhole) {
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(DamageTest, NamesEveryFileThatIsOtherThanItShouldBe) {
  write("a.md", "Alpha");
  fs::remove(tree_ / "prompts/b.md");
  write("prompts/c.md", "new");
  fs::create_directory(tree_ / "empty");
  EXPECT_THAT(found(), ElementsAre("a.md file_changed", "empty file_extra", "prompts/b.md file_missing",
                                   "prompts/c.md file_extra"));
}

TEST_F(DamageTest, SaysWhatDigestThereIsAndWhichShouldBe) {
  write("a.md", "Alpha");
  const auto all = damages(tree_, bundle_);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].text, "has sha256 " + Digest::of("Alpha").hex() + ", expected " + Digest::of("alpha").hex());
}

TEST_F(DamageTest, FollowsNoLink) {
  fs::rename(tree_ / "a.md", tree_ / "prompts/moved.md");
  fs::create_symlink("prompts/moved.md", tree_ / "a.md");
  EXPECT_THAT(found(), ElementsAre("a.md not_a_file", "prompts/moved.md file_extra"));
}

}  // namespace
}  // namespace bundlesync::cli
