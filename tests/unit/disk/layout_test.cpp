#include "disk/layout.hpp"

#include <gtest/gtest.h>

namespace bundlesync::disk::layout {
namespace {

TEST(Layout, PadsViewNumbersToEightDigitsAndTakesNoOtherSpelling) {
  EXPECT_EQ(view_name(42), "00000042");
  EXPECT_EQ(view_name(1'234'567'890), "1234567890");
  EXPECT_EQ(parse_view_name("00000042"), 42U);
  EXPECT_EQ(parse_view_name("1234567890"), 1'234'567'890U);
  for (const auto* bad : {"", "42", "00000000", "000000042", "0000004x", "-0000042", ".gone-0", "00000042/..",
                          "99999999999999999999999"}) {
    EXPECT_EQ(parse_view_name(bad), std::nullopt) << bad;
  }
}

TEST(Layout, KnowsItsOwnLinksOnly) {
  EXPECT_EQ(data_target(42), "..bundlesync/views/00000042");
  EXPECT_EQ(parse_data_target("..bundlesync/views/00000042"), 42U);
  for (const auto* bad :
       {"/..bundlesync/views/00000042", "..bundlesync/views/42", "../views/00000042", "..2026_01_01"}) {
    EXPECT_EQ(parse_data_target(bad), std::nullopt) << bad;
  }
  const plan::TreeId tree{"section7", "1.0.1-9f2c4be07a11"};
  EXPECT_EQ(tree_target(tree), "../../trees/section7/1.0.1-9f2c4be07a11");
  EXPECT_EQ(parse_tree_target(tree_target(tree)), tree);
  for (const auto* bad :
       {"../../trees/section7/../../../etc", "../../trees/../state/1.0.1-9f2c4be07a11", "/etc",
        "../../trees/section7/1.0.1-9f2c4be07a11/x", "../../trees/section7/.stage-0123456789abcdef"}) {
    EXPECT_EQ(parse_tree_target(bad), std::nullopt) << bad;
  }
}

TEST(Layout, KnowsATreesName) {
  for (const auto* good : {"1.0.1-9f2c4be07a11", "1.0.1-rc.1+x-9f2c4be07a11", "filesystem-9f2c4be07a11",
                           "1.0.1-9f2c4be07a11.2", "1.0.1-9f2c4be07a11.10"}) {
    EXPECT_TRUE(is_tree_name(good)) << good;
  }
  for (const auto* bad :
       {"", "9f2c4be07a11", "-9f2c4be07a11", "1.0.1", ".1-9f2c4be07a11", "1.0.1-9F2C4BE07A11", "1.0.1-9f2c4be07a1",
        "1.0.1-9f2c4be07a11.0", "1.0.1-9f2c4be07a11.x", "1/0-9f2c4be07a11", "1.0.1-9f2c4be07a11."}) {
    EXPECT_FALSE(is_tree_name(bad)) << bad;
  }
  EXPECT_EQ(version_of_tree_name("1.0.1-rc.1-9f2c4be07a11.2"), "1.0.1-rc.1");
}

TEST(Layout, NeverGivesAUniqueNameTwice) {
  const std::string one = unique(stage_prefix);
  EXPECT_NE(one, unique(stage_prefix));
  EXPECT_TRUE(is_unique(one, stage_prefix));
  EXPECT_FALSE(is_unique(one + "0", stage_prefix));
  EXPECT_FALSE(is_unique(".stage-by-somebody-elses", stage_prefix));
}

}  // namespace
}  // namespace bundlesync::disk::layout
