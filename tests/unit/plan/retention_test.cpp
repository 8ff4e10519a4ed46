#include "plan/retention.hpp"

#include <gtest/gtest.h>

namespace bundlesync::plan {
namespace {

KeptTree tree(std::string name, int age_seconds, std::uint64_t bytes = 100) {
  KeptTree result;
  result.id = TreeId{"section7", std::move(name)};
  result.age = std::chrono::seconds(age_seconds);
  result.bytes = bytes;
  return result;
}

std::string names(const std::vector<TreeId>& ids) {
  std::string text;
  for (const auto& id : ids) text += (text.empty() ? "" : ",") + id.name;
  return text;
}

TEST(Retention, KeepsYoungTreesAndTheLastThree) {
  RetentionPolicy policy;
  EXPECT_EQ(names(expired({tree("a", 9000), tree("b", 8000), tree("c", 7000), tree("d", 10)}, policy)), "a");
  EXPECT_EQ(names(expired({tree("a", 5), tree("b", 4), tree("c", 3), tree("d", 2), tree("e", 1)}, policy)), "");
}

TEST(Retention, NeverLetsLiveOrPinnedTreesGo) {
  RetentionPolicy policy;
  policy.count = 0;
  auto live = tree("live", 99999);
  live.live = true;
  auto pinned = tree("pinned", 99999);
  pinned.pinned = true;
  EXPECT_EQ(names(expired({live, pinned, tree("old", 99999)}, policy)), "old");
}

TEST(Retention, LetsACondemnedTreeGoAsSoonAsNothingShowsIt) {
  auto bad = tree("bad", 1);
  bad.condemned = true;
  EXPECT_EQ(names(expired({bad}, {})), "bad");
  bad.live = true;
  EXPECT_EQ(names(expired({bad}, {})), "");
}

TEST(Retention, ReclaimsOldestFirstAndOnlyAsMuchAsIsNeeded) {
  RetentionPolicy policy;
  policy.bytes_max = 1000;
  const auto plan = reclaim({tree("young", 1), tree("old", 50), tree("older", 60)}, 900, 150, policy);
  EXPECT_TRUE(plan.fits);
  EXPECT_EQ(names(plan.remove), "older");
}

TEST(Retention, RemovesNothingWhenItWouldNotHelp) {
  RetentionPolicy policy;
  policy.bytes_max = 1000;
  const auto plan = reclaim({tree("old", 50)}, 1000, 500, policy);
  EXPECT_FALSE(plan.fits);
  EXPECT_EQ(names(plan.remove), "");
}

TEST(Retention, RoomCountsWhatCouldBeReclaimed) {
  RetentionPolicy policy;
  policy.bytes_max = 1000;
  auto live = tree("live", 1, 300);
  live.live = true;
  EXPECT_EQ(room({live, tree("old", 50, 200)}, 550, 50, policy), 700u);
  EXPECT_EQ(room({live}, 5000, 0, policy), 0u);
}

}  // namespace
}  // namespace bundlesync::plan
