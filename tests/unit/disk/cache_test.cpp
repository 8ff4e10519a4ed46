#include "unit/disk/tree_fixture.hpp"

namespace bundlesync::disk {
namespace {

namespace fs = std::filesystem;
using testing::make_goods;
using testing::write_text;

class CacheTest : public TreeFixture {
 protected:
  CacheTest() {
    auto stage = begin(goods_);
    for (const auto& file : goods_.bundle.files) put(*stage, goods_, file);
  }
  /// Bytes that the cache gives for a file, in a stage of its own.
  bool has(const std::string& path) {
    auto stage = begin(goods_);
    for (const auto& file : goods_.bundle.files) {
      if (file.path == path) return stage->take_from_disk(file).value();
    }
    return false;
  }
};

TEST_F(CacheTest, HoldsEachContentOnce) {
  EXPECT_EQ(trees_->cache_use()->files, 3U);
  EXPECT_GE(trees_->cache_use()->bytes, 3000U);
}

TEST_F(CacheTest, GivesBytesBackWhenTheirStageIsDropped) {
  EXPECT_TRUE(has("master.md"));
  EXPECT_EQ(trees_->cache_use()->files, 3U);
  EXPECT_TRUE(has("master.md"));
}

TEST_F(CacheTest, RemovesBytesThatSomebodyChanged) {
  const fs::path file = cached(goods_.bytes.at("master.md"));
  fs::permissions(file, fs::perms::owner_all);
  write_text(file, "edited");
  EXPECT_FALSE(has("master.md"));
  EXPECT_FALSE(fs::exists(file));
}

/// Storage has the bytes: whoever wants them fetches them, and does not meet this file again.
TEST_F(CacheTest, RemovesBytesThatCannotBeRead) {
  const fs::path file = cached(goods_.bytes.at("master.md"));
  files_.bad_sector(file);
  EXPECT_FALSE(has("master.md"));
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(CacheTest, KeepsBytesThatCannotBeOpenedOnlyNow) {
  const fs::path file = cached(goods_.bytes.at("master.md"));
  files_.refuse_to_open(file.filename().string(), EMFILE);
  auto stage = begin(goods_);
  for (const auto& one : goods_.bundle.files) {
    if (one.path != "master.md") continue;
    auto taken = stage->take_from_disk(one);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().fact(), "cannot open " + file.string() + ": too many open files");
  }
  stage.reset();
  files_.heal();
  EXPECT_TRUE(has("master.md"));
}

TEST_F(CacheTest, RemovesALinkInItsPlaceAndFollowsItNever) {
  testing::TempDir elsewhere;
  write_text(elsewhere.path() / "file", goods_.bytes.at("master.md"));
  const fs::path file = cached(goods_.bytes.at("master.md"));
  fs::remove(file);
  fs::create_symlink(elsewhere.path() / "file", file);
  EXPECT_FALSE(has("master.md"));
  EXPECT_FALSE(fs::is_symlink(file));
  EXPECT_EQ(testing::read_text(elsewhere.path() / "file"), goods_.bytes.at("master.md"));
}

TEST_F(CacheTest, EvictsByLastUseAndThenDownToTheBudget) {
  using std::chrono::hours;
  EXPECT_EQ(trees_->evict_cache(hours(24), 1 << 20)->files, 3U);
  const auto one = trees_->cache_use()->bytes / 3;
  const auto left = trees_->evict_cache(hours(24), one);
  ASSERT_TRUE(left);
  EXPECT_LE(left->bytes, one);
  EXPECT_EQ(trees_->cache_use()->files, left->files);
  EXPECT_EQ(trees_->evict_cache(std::chrono::seconds(0), 1 << 20)->files, 0U);
  EXPECT_EQ(trees_->cache_use()->files, 0U);
}

/// Ages are counted in this process: a restart, or a clock that jumps, makes nothing older.
TEST_F(CacheTest, FindsEverythingYoungAfterARestart) {
  for (const auto& [path, bytes] : goods_.bytes) fs::last_write_time(cached(bytes), fs::file_time_type::min());
  reopen();
  EXPECT_EQ(trees_->evict_cache(std::chrono::hours(1), 1 << 20)->files, 3U);
}

}  // namespace
}  // namespace bundlesync::disk
