#include "scenario/stage.hpp"

#include <boost/asio/post.hpp>

namespace bundlesync::scenario {
namespace {

class Activate : public Stage {
 protected:
  /// The tree that a template shows now.
  fs::path tree(const std::string& name) const { return fs::canonical(prompts() / name); }
  static void remove_tree(const fs::path& tree) {
    for (const auto& entry : fs::recursive_directory_iterator(tree)) {
      if (entry.is_directory()) fs::permissions(entry.path(), fs::perms::owner_all);
    }
    fs::permissions(tree, fs::perms::owner_all);
    fs::remove_all(tree);
  }
  static void overwrite(const fs::path& tree, const std::string& path, const std::string& content) {
    fs::permissions(tree, fs::perms::owner_all);
    fs::permissions(tree / path, fs::perms::owner_all);
    std::ofstream(tree / path, std::ios::binary) << content;
  }
  bool is_linked(const std::string& name) const { return fs::exists(fs::symlink_status(prompts() / "..data" / name)); }
};

TEST_F(Activate, ALiveTreeThatIsRemovedIsBuiltAgainAndStopsNoOtherTemplate) {
  move({publish("section7", "1.0.0", {{"p.md", "a1"}}), publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  clock_.advance(std::chrono::seconds(10));
  settle();
  remove_tree(tree("section7"));
  move({publish("intake", "1.1.0", {{"p.md", "b2"}})});
  settle();
  EXPECT_EQ(read("intake/p.md"), "b2");
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(state_of("section7"), "current");
  EXPECT_TRUE(reporter_->failures.empty()) << reporter_->failures[0].text();
  ASSERT_EQ(reporter_->repairs.size(), 1u);
  EXPECT_TRUE(reporter_->repairs[0].starts_with("what section7 shows is damaged and will be built again: tree "));
  EXPECT_TRUE(reporter_->repairs[0].ends_with(": there is none"));
}

TEST_F(Activate, ALiveTreeThatIsRemovedAndCannotBeHadLeavesTheView) {
  move({publish("section7", "1.0.0", {{"p.md", "a1"}}), publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  clock_.advance(std::chrono::seconds(10));
  settle();
  remove_tree(tree("section7"));
  storage_.drop("section7/v1.0.0/p.md");
  move({publish("intake", "1.1.0", {{"p.md", "b2"}})});
  settle();
  EXPECT_EQ(read("intake/p.md"), "b2");
  EXPECT_FALSE(is_linked("section7")) << "no link dangles";
  EXPECT_EQ(state_of("section7"), "retrying object_missing");
  storage_.put("section7/v1.0.0/p.md", "a1");
  clock_.advance(std::chrono::seconds(31));
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(state_of("section7"), "current");
}

TEST_F(Activate, ATreeThatIsReplacedByAFileIsBuiltAgain) {
  move({publish("section7", "1.0.0", {{"p.md", "a1"}}), publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  clock_.advance(std::chrono::seconds(10));
  settle();
  const fs::path gone = tree("section7");
  remove_tree(gone);
  std::ofstream(gone, std::ios::binary) << "mine";
  move({publish("intake", "1.1.0", {{"p.md", "b2"}})});
  settle();
  EXPECT_EQ(read("intake/p.md"), "b2");
  EXPECT_EQ(read("section7/p.md"), "a1");
}

TEST_F(Activate, APrefetchedTreeThatWasRemovedIsFetchedAgain) {
  const auto one = publish("section7", "1.0.0", {{"p.md", "a1"}});
  catalog_["section7"].current = one;
  move({publish("section7", "1.1.0", {{"p.md", "a2"}})});
  settle();
  clock_.advance(std::chrono::seconds(61));
  settle();
  settle();
  ASSERT_TRUE(reporter_->last("section7")->prefetched);
  remove_tree(tree("section7").parent_path() / bundle::tree_name("1.0.0", one.manifest));
  move({one});
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_TRUE(reporter_->failures.empty()) << reporter_->failures[0].text();
}

}  // namespace
}  // namespace bundlesync::scenario
