#include "cli/wanted.hpp"

#include <gtest/gtest.h>

namespace bundlesync::cli {
namespace {

TEST(Wanted, IsATemplateInOneVersionOrInAny) {
  EXPECT_EQ(parse_wanted("section7").value(), (Wanted{"section7", ""}));
  EXPECT_EQ(parse_wanted("section7@1.0.0-rc.1").value(), (Wanted{"section7", "1.0.0-rc.1"}));
  EXPECT_EQ(to_string(Wanted{"section7", "1.0.0"}), "section7 1.0.0");
  EXPECT_EQ(to_string(Wanted{"section7", ""}), "section7");
}

TEST(Wanted, RefusesWhatIsNoName) {
  EXPECT_EQ(parse_wanted("").error().kind(), ErrorKind::usage);
  EXPECT_EQ(parse_wanted("@1.0.0").error().fact(), "'' is no template name");
  EXPECT_EQ(parse_wanted("a/b").error().fact(), "'a/b' is no template name");
  EXPECT_EQ(parse_wanted("a@").error().fact(), "'' in 'a@' is no version");
  EXPECT_EQ(parse_wanted("a@1@2").error().fact(), "'1@2' in 'a@1@2' is no version");
}

TEST(Wanted, IsShownByTheViewThatHasIt) {
  plan::View view;
  view.templates["section7"].version = "1.0.0";
  EXPECT_TRUE(is_shown(Wanted{"section7", ""}, view));
  EXPECT_TRUE(is_shown(Wanted{"section7", "1.0.0"}, view));
  EXPECT_FALSE(is_shown(Wanted{"section7", "1.0"}, view));
  EXPECT_FALSE(is_shown(Wanted{"intake", ""}, view));
}

}  // namespace
}  // namespace bundlesync::cli
