#pragma once

#include "crash/world.hpp"
#include "fakes/unreadable_files.hpp"

#include <gtest/gtest.h>

namespace bundlesync::disk {

/// A target with trees, and goods to fill them.
class TreeFixture : public ::testing::Test {
 protected:
  TreeFixture() { reopen(); }

  void reopen() {
    Target::Options options;
    options.path = dir_.path();
    target_ = std::move(*Target::open(files_, options));
    trees_ = Trees::make(*target_);
  }
  std::unique_ptr<Stage> begin(const testing::Goods& goods) {
    auto stage = trees_->begin(goods.bundle, goods.manifest());
    EXPECT_TRUE(stage) << stage.error().text();
    return std::move(*stage);
  }
  static void put(Stage& stage, const testing::Goods& goods, const bundle::File& file) {
    auto out = stage.create(file);
    ASSERT_TRUE(out) << out.error().text();
    const std::string& bytes = goods.bytes.at(file.path);
    ASSERT_TRUE((*out)->write(std::string_view(bytes).substr(0, bytes.size() / 2)));
    ASSERT_TRUE((*out)->write(std::string_view(bytes).substr(bytes.size() / 2)));
    auto finished = (*out)->finish();
    ASSERT_TRUE(finished) << finished.error().text();
  }
  TreeId build(const testing::Goods& goods) {
    auto stage = begin(goods);
    for (const auto& file : goods.bundle.files) {
      auto taken = stage->take_from_disk(file);
      EXPECT_TRUE(taken) << taken.error().text();
      if (taken && !*taken) put(*stage, goods, file);
    }
    auto tree = stage->commit();
    EXPECT_TRUE(tree) << tree.error().text();
    return *tree;
  }
  std::filesystem::path own(const std::string& name) const { return dir_.path() / "..bundlesync" / name; }
  std::filesystem::path path_of(const TreeId& tree) const { return own("trees") / tree.template_name / tree.name; }
  std::filesystem::path cached(const std::string& bytes) const {
    const std::string hex = Digest::of(bytes).hex();
    return own("cache/sha256") / hex.substr(0, 2) / hex.substr(2);
  }
  /// What a neighbour might do to a file of a tree.
  static void overwrite(const std::filesystem::path& file, const std::string& bytes) {
    std::filesystem::permissions(file.parent_path(), std::filesystem::perms::owner_all);
    if (std::filesystem::exists(file)) std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    testing::write_text(file, bytes);
  }
  static unsigned mode(const std::filesystem::path& path) {
    return static_cast<unsigned>(std::filesystem::status(path).permissions());
  }

  testing::TempDir dir_;
  fakes::UnreadableFiles files_;
  std::unique_ptr<Target> target_;
  std::unique_ptr<Trees> trees_;
  testing::Goods goods_ = testing::make_goods("section7", "1.0.0");
};

}  // namespace bundlesync::disk
