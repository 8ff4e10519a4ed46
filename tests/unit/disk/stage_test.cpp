#include "unit/disk/tree_fixture.hpp"

#include <sys/stat.h>

namespace bundlesync::disk {
namespace {

namespace fs = std::filesystem;
using testing::fingerprint;
using testing::left_overs;
using testing::make_goods;
using testing::read_text;
using testing::write_text;

class StageTest : public TreeFixture {};

TEST_F(StageTest, BecomesATreeThatNobodyMayWrite) {
  const mode_t before = ::umask(0077);
  const TreeId tree = build(goods_);
  ::umask(before);
  EXPECT_EQ(tree.name, "1.0.0-" + goods_.manifest().short_hex());
  for (const auto& [path, bytes] : goods_.bytes) {
    EXPECT_EQ(read_text(path_of(tree) / path), bytes);
    EXPECT_EQ(mode(path_of(tree) / path), 0444U);
  }
  EXPECT_EQ(mode(path_of(tree)), 0555U);
  EXPECT_EQ(mode(path_of(tree) / "parts"), 0555U);
  EXPECT_EQ(mode(path_of(tree) / ".bundle.json"), 0444U);
  EXPECT_EQ(mode(path_of(tree).parent_path()), 0755U);
  EXPECT_EQ(left_overs(dir_.path()), std::vector<std::string>());
}

TEST_F(StageTest, RefusesOneByteTooMany) {
  auto stage = begin(goods_);
  auto out = stage->create(goods_.bundle.files[0]);
  ASSERT_TRUE(out);
  const std::string& bytes = goods_.bytes.at("config.json");
  ASSERT_TRUE((*out)->write(bytes));
  auto more = (*out)->write("x");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().kind(), ErrorKind::refused);
  EXPECT_EQ(more.error().reason(), "size_mismatch");
  const std::string size = std::to_string(bytes.size());
  EXPECT_EQ(more.error().fact(), "section7 1.0.0: config.json has more than " + size + " bytes, expected " + size);
}

TEST_F(StageTest, RefusesFewerBytesAndOtherBytes) {
  auto stage = begin(goods_);
  const auto& file = goods_.bundle.files[0];
  const std::string& bytes = goods_.bytes.at(file.path);
  auto out = stage->create(file);
  ASSERT_TRUE(out);
  ASSERT_TRUE((*out)->write(bytes.substr(1)));
  EXPECT_EQ((*out)->finish().error().reason(), "size_mismatch");
  EXPECT_FALSE((*out)->finish());  // it stays refused

  std::string other = bytes;
  other[0] = '!';
  out = stage->create(file);
  ASSERT_TRUE(out) << out.error().text();
  ASSERT_TRUE((*out)->write(other));
  auto finished = (*out)->finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().reason(), "digest_mismatch");
  EXPECT_EQ(finished.error().fact(),
            "section7 1.0.0: config.json has sha256 " + Digest::of(other).hex() + ", expected " + file.sha256.hex());
  EXPECT_FALSE(stage->commit());
}

TEST_F(StageTest, IsNotCommittedWithAFileMissing) {
  auto stage = begin(goods_);
  for (std::size_t i = 1; i < goods_.bundle.files.size(); ++i) put(*stage, goods_, goods_.bundle.files[i]);
  auto tree = stage->commit();
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().fact(), "section7 1.0.0: config.json is not finished");
}

TEST_F(StageTest, LeavesItsVerifiedBytesInTheCacheWhenDropped) {
  auto stage = begin(goods_);
  put(*stage, goods_, goods_.bundle.files[1]);
  auto unfinished = stage->create(goods_.bundle.files[0]);
  ASSERT_TRUE(unfinished);
  ASSERT_TRUE((*unfinished)->write("{"));
  unfinished->reset();
  stage.reset();
  EXPECT_EQ(left_overs(dir_.path()), std::vector<std::string>());
  EXPECT_EQ(read_text(cached(goods_.bytes.at("master.md"))), goods_.bytes.at("master.md"));
  EXPECT_EQ(trees_->cache_use()->files, 1U);

  auto again = begin(goods_);
  EXPECT_TRUE(again->take_from_disk(goods_.bundle.files[1]).value());
  EXPECT_FALSE(again->take_from_disk(goods_.bundle.files[0]).value());
  EXPECT_EQ(trees_->cache_use()->files, 0U);  // by rename: bytes lie in one place
}

TEST_F(StageTest, TakesFromATreeWithoutSharingItsFile) {
  const TreeId first = build(goods_);
  const auto next = make_goods("section7", "1.1.0");
  const TreeId second = build(next);
  EXPECT_EQ(read_text(path_of(second) / "config.json"), goods_.bytes.at("config.json"));
  EXPECT_EQ(fs::hard_link_count(path_of(first) / "config.json"), 1U);
  overwrite(path_of(first) / "config.json", "edited");
  EXPECT_EQ(read_text(path_of(second) / "config.json"), goods_.bytes.at("config.json"));
}

TEST_F(StageTest, NeverTakesAChangedCopy) {
  const TreeId first = build(goods_);
  std::string edited = goods_.bytes.at("config.json");
  edited[0] = '!';
  overwrite(path_of(first) / "config.json", edited);
  const auto next = make_goods("section7", "1.1.0");
  auto stage = begin(next);
  EXPECT_FALSE(stage->take_from_disk(next.bundle.files[0]).value());
  EXPECT_FALSE(stage->take_from_disk(next.bundle.files[0]).value());
  put(*stage, next, next.bundle.files[0]);  // nothing is in the way of the right bytes
}

/// Storage has the bytes: a copy that cannot be read is as good as none, and is not met again.
TEST_F(StageTest, ForgetsATreesCopyWithABadSector) {
  const TreeId first = build(goods_);
  const auto next = make_goods("section7", "1.1.0");
  files_.bad_sector(path_of(first) / "config.json");
  auto stage = begin(next);
  auto taken = stage->take_from_disk(next.bundle.files[0]);
  ASSERT_TRUE(taken) << taken.error().text();
  EXPECT_FALSE(*taken);
  files_.heal();
  EXPECT_FALSE(stage->take_from_disk(next.bundle.files[0]).value()) << "its place is forgotten";
  put(*stage, next, next.bundle.files[0]);
}

TEST_F(StageTest, ForgetsATreesCopyThatCannotBeOpened) {
  build(goods_);
  const auto next = make_goods("section7", "1.1.0");
  auto stage = begin(next);
  files_.refuse_to_open("config.json", EMFILE);
  auto taken = stage->take_from_disk(next.bundle.files[0]);
  ASSERT_FALSE(taken) << "with too many files open nothing can be fetched either";
  EXPECT_EQ(taken.error().kind(), ErrorKind::unavailable);
  files_.refuse_to_open("config.json", EIO);
  EXPECT_FALSE(stage->take_from_disk(next.bundle.files[0]).value());
  files_.heal();
  EXPECT_FALSE(stage->take_from_disk(next.bundle.files[0]).value()) << "its place is forgotten";
}

TEST_F(StageTest, FailsWhereACopyCannotBeWritten) {
  build(goods_);
  const auto next = make_goods("section7", "1.1.0");
  auto stage = begin(next);
  for (const auto& [code, words] : {std::pair(ENOSPC, "no space left on device"), {EIO, "input/output error"}}) {
    files_.fail_copies(code);
    auto taken = stage->take_from_disk(next.bundle.files[0]);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().fact(), std::string("cannot copy section7 1.1.0: config.json: ") + words);
  }
  files_.heal();
  EXPECT_TRUE(stage->take_from_disk(next.bundle.files[0]).value()) << "its place is not forgotten";
}

TEST_F(StageTest, FetchesTwinsOnce) {
  auto stage = begin(goods_);
  put(*stage, goods_, goods_.bundle.files[2]);
  EXPECT_TRUE(stage->take_from_disk(goods_.bundle.files[3]).value());
}

TEST_F(StageTest, TakesAFallbackFileOnlyWithTheWantedDigest) {
  testing::TempDir fallback;
  write_text(fallback.path() / "good", goods_.bytes.at("config.json"));
  write_text(fallback.path() / "bad", "other");
  const auto before = fingerprint(fallback.path());
  auto stage = begin(goods_);
  const auto& file = goods_.bundle.files[0];
  EXPECT_FALSE(stage->take_from(fallback.path() / "bad", file).value());
  EXPECT_FALSE(stage->take_from(fallback.path() / "none", file).value());
  EXPECT_FALSE(stage->take_from(fallback.path(), file).value());
  EXPECT_TRUE(stage->take_from(fallback.path() / "good", file).value());
  EXPECT_EQ(fingerprint(fallback.path()), before);
}

TEST_F(StageTest, GivesBackAnIntactTreeInsteadOfAnother) {
  const TreeId tree = build(goods_);
  const auto before = fingerprint(path_of(tree));
  EXPECT_EQ(build(goods_), tree);
  EXPECT_EQ(fingerprint(path_of(tree)), before);
  EXPECT_EQ(trees_->list()->size(), 1U);
  EXPECT_EQ(left_overs(dir_.path()), std::vector<std::string>());
}

TEST_F(StageTest, TakesAnotherNameBesideADamagedTree) {
  const TreeId tree = build(goods_);
  overwrite(path_of(tree) / "master.md", "edited");
  const TreeId second = build(goods_);
  EXPECT_EQ(second.name, tree.name + ".2");
  EXPECT_TRUE(trees_->condemned(tree));
  EXPECT_TRUE(trees_->verify(second, goods_.manifest()));
  EXPECT_EQ(read_text(path_of(tree) / "master.md"), "edited");  // somebody may be reading it
  trees_->condemn(second);
  EXPECT_EQ(build(goods_).name, tree.name + ".3");
}

TEST_F(StageTest, IsNotBegunForWhatBreaksARule) {
  const auto reason = [&](const testing::Goods& goods, const Digest& manifest) {
    auto stage = trees_->begin(goods.bundle, manifest);
    EXPECT_FALSE(stage);
    return stage ? "" : stage.error().reason();
  };
  EXPECT_EQ(reason(goods_, Digest::of("other")), "manifest_mismatch");
  auto bad = goods_;
  bad.bundle.files[0].path = "../escape";
  EXPECT_EQ(reason(bad, bad.manifest()), "path_dotdot");
  bad = goods_;
  bad.bundle.template_name = "..";
  EXPECT_EQ(reason(bad, bad.manifest()), "name_hidden");
  bad = goods_;
  bad.bundle.version = "1/../../x";
  EXPECT_EQ(reason(bad, bad.manifest()), "version_invalid");
  EXPECT_TRUE(fs::is_empty(own("trees")));
}

TEST_F(StageTest, TakesNoFileOfAnotherBundle) {
  auto stage = begin(goods_);
  const auto other = make_goods("section7", "9.9.9");
  EXPECT_FALSE(stage->create(other.bundle.files[1]));
  EXPECT_FALSE(stage->take_from_disk(other.bundle.files[1]));
}

}  // namespace
}  // namespace bundlesync::disk
