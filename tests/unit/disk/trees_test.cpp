#include "bundle/bundle_json.hpp"
#include "unit/disk/tree_fixture.hpp"

#include <unistd.h>

namespace bundlesync::disk {
namespace {

namespace fs = std::filesystem;
using testing::fingerprint;
using testing::left_overs;
using testing::make_goods;
using testing::read_text;
using testing::write_text;

class TreesTest : public TreeFixture {
 protected:
  TreesTest() : tree_(build(goods_)) {}
  /// The reason why the tree is not what it was, or nothing.
  std::string damage() {
    auto verified = trees_->verify(tree_, goods_.manifest());
    if (verified) return "";
    EXPECT_EQ(verified.error().kind(), ErrorKind::damaged) << verified.error().text();
    fact_ = verified.error().fact();
    return verified.error().reason();
  }
  TreeId tree_;
  std::string fact_;
};

TEST_F(TreesTest, ListsWhatIsFinished) {
  write_text(own("trees/section7/.stage-0123456789abcdef/x"), "x");
  write_text(own("trees/section7/notes"), "x");
  write_text(own("trees/..hidden/1.0.0-9f2c4be07a11/x"), "x");
  auto all = trees_->list();
  ASSERT_TRUE(all) << all.error().text();
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ((*all)[0].id, tree_);
  EXPECT_EQ((*all)[0].bundle, goods_.bundle);
  EXPECT_EQ((*all)[0].manifest, goods_.manifest());
  EXPECT_GE((*all)[0].bytes, 3000U);
  EXPECT_GE(trees_->bytes_used().value(), (*all)[0].bytes);
}

/// It is there and takes space, so it is listed; what it says about itself is not believed.
TEST_F(TreesTest, ListsATreeWithAGarbledTextAsNobodys) {
  overwrite(path_of(tree_) / ".bundle.json", "{\"template\": \"../..\"}");
  auto all = trees_->list();
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ((*all)[0].id, tree_);
  EXPECT_EQ((*all)[0].bundle, bundle::Bundle());
  EXPECT_TRUE((*all)[0].manifest.is_zero());
}

TEST_F(TreesTest, VerifiesEveryByte) {
  EXPECT_EQ(damage(), "");
  EXPECT_EQ(trees_->verify(tree_, goods_.manifest())->bundle, goods_.bundle);
  std::string edited = goods_.bytes.at("parts/twin.md");
  edited.back() = '!';
  overwrite(path_of(tree_) / "parts/twin.md", edited);
  EXPECT_EQ(damage(), "file_changed");
  EXPECT_EQ(fact_, "tree section7/" + tree_.name + ": parts/twin.md has sha256 " + Digest::of(edited).hex() +
                       ", expected " + Digest::of(goods_.bytes.at("parts/twin.md")).hex());
  overwrite(path_of(tree_) / "parts/twin.md", "short");
  EXPECT_EQ(damage(), "file_changed");
}

TEST_F(TreesTest, NamesWhatIsMissingExtraOrNoFile) {
  const fs::path file = path_of(tree_) / "parts/twin.md";
  overwrite(file, "x");
  fs::remove(file);
  EXPECT_EQ(damage(), "file_missing");
  EXPECT_EQ(fact_, "tree section7/" + tree_.name + ": parts/twin.md is missing");
  // Looking at it repaired the directory's mode each time.
  const auto allow = [&] { fs::permissions(file.parent_path(), fs::perms::owner_all); };
  allow();
  fs::create_symlink("example.md", file);
  EXPECT_EQ(damage(), "not_a_file");
  allow();
  fs::remove(file);
  fs::create_directory(file);
  EXPECT_EQ(damage(), "not_a_file");
  allow();
  fs::remove(file);
  write_text(file, goods_.bytes.at("parts/twin.md"));
  EXPECT_EQ(damage(), "");
  overwrite(path_of(tree_) / "parts/more", "x");
  EXPECT_EQ(damage(), "file_extra");
  EXPECT_EQ(fact_, "tree section7/" + tree_.name + ": parts/more does not belong to it");
}

/// A neighbour who edits a file and .bundle.json together: the digest comes from elsewhere.
TEST_F(TreesTest, BelievesTheGivenManifestAndNotTheTrees) {
  auto edited = goods_;
  edited.bytes["master.md"] = "edited";
  edited.bundle.files[1].sha256 = Digest::of("edited");
  edited.bundle.files[1].size = 6;
  overwrite(path_of(tree_) / "master.md", "edited");
  overwrite(path_of(tree_) / ".bundle.json", bundle::bundle_to_json(edited.bundle));
  EXPECT_EQ(damage(), "manifest_changed");
  EXPECT_EQ(fact_, "tree section7/" + tree_.name + ": manifest " + edited.manifest().hex() + ", expected " +
                       goods_.manifest().hex());
  auto renamed = goods_;
  renamed.bundle.version = "6.6.6";
  overwrite(path_of(tree_) / "master.md", goods_.bytes.at("master.md"));
  overwrite(path_of(tree_) / ".bundle.json", bundle::bundle_to_json(renamed.bundle));
  EXPECT_EQ(damage(), "manifest_changed");
}

TEST_F(TreesTest, RepairsModesThatSomebodyChanged) {
  const fs::path tree = path_of(tree_);
  for (const auto& path : {tree, tree / "parts", tree / "master.md", tree / ".bundle.json", tree / "parts/twin.md"}) {
    fs::permissions(path, fs::perms::group_write | fs::perms::set_gid, fs::perm_options::add);
  }
  EXPECT_EQ(damage(), "");
  EXPECT_EQ(mode(tree), 0555U);
  EXPECT_EQ(mode(tree / "parts"), 0555U);
  EXPECT_EQ(mode(tree / "master.md"), 0444U);
  EXPECT_EQ(mode(tree / ".bundle.json"), 0444U);
  EXPECT_EQ(mode(tree / "parts/twin.md"), 0444U);
  for (const auto& path : {tree / "parts/twin.md", tree / "parts", tree / ".bundle.json", tree}) {
    fs::permissions(path, fs::perms::none);
  }
  EXPECT_EQ(damage(), "");
  EXPECT_EQ(mode(tree / "parts"), 0555U);
}

TEST_F(TreesTest, FindsNoTreeUnderANameThatIsNone) {
  for (const auto* name : {"", "..", "../section7", "1.0.0", ".stage-0123456789abcdef"}) {
    EXPECT_EQ(trees_->verify({"section7", name}, goods_.manifest()).error().reason(), "tree_missing") << name;
  }
  EXPECT_EQ(trees_->verify({"../trees/section7", tree_.name}, goods_.manifest()).error().reason(), "tree_missing");
  EXPECT_EQ(trees_->verify({"intake", tree_.name}, goods_.manifest()).error().reason(), "tree_missing");
}

TEST_F(TreesTest, UsesACondemnedTreeNeverAgain) {
  trees_->condemn(tree_);
  EXPECT_EQ(damage(), "condemned");
  const auto next = make_goods("section7", "1.1.0");
  EXPECT_FALSE(begin(next)->take_from_disk(next.bundle.files[0]).value());
}

TEST_F(TreesTest, RemovesATreeWholeAndForgetsIt) {
  trees_->condemn(tree_);
  ASSERT_TRUE(trees_->remove(tree_));
  EXPECT_FALSE(fs::exists(path_of(tree_)));
  EXPECT_EQ(left_overs(dir_.path()), std::vector<std::string>());
  EXPECT_TRUE(trees_->remove(tree_));  // it is removed already
  EXPECT_EQ(build(goods_), tree_);
  EXPECT_EQ(damage(), "");
  EXPECT_FALSE(trees_->remove({"section7", "../../state"}));
  EXPECT_TRUE(fs::exists(own("state")));
}

TEST_F(TreesTest, ACondemnedTreeThatVanishedLeavesItsNameToAnother) {
  trees_->condemn(tree_);
  fs::permissions(path_of(tree_), fs::perms::owner_write, fs::perm_options::add);  // to have another parent
  fs::rename(path_of(tree_), dir_.path() / "away");
  EXPECT_EQ(build(goods_), tree_);
  EXPECT_FALSE(trees_->condemned(tree_));
  EXPECT_EQ(damage(), "");
  const auto next = make_goods("section7", "1.1.0");
  EXPECT_TRUE(begin(next)->take_from_disk(next.bundle.files[0]).value()) << "its bytes are known again";
}

/// A link in place of a template's folder leads nowhere.
TEST_F(TreesTest, WritesNothingThroughALink) {
  testing::TempDir elsewhere;
  fs::create_directory_symlink(elsewhere.path(), own("trees/intake"));
  const auto goods = make_goods("intake", "1.0.0");
  EXPECT_FALSE(trees_->begin(goods.bundle, goods.manifest()));
  EXPECT_TRUE(fs::is_empty(elsewhere.path()));
}

}  // namespace
}  // namespace bundlesync::disk
