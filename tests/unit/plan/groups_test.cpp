#include "unit/plan/world.hpp"

#include <gtest/gtest.h>

namespace bundlesync::plan::test {
namespace {

/// section7 and intake shown at 1.0.0; both then moved to 2.0.0 by change 700.
struct TwoMoved : World {
  WantedTemplate section7 = wanted_template("section7", "2.0.0", 2, 700);
  WantedTemplate intake = wanted_template("intake", "2.0.0", 2, 700);
  TwoMoved() {
    show(wanted_template("section7", "1.0.0", 1, 600));
    show(wanted_template("intake", "1.0.0", 1, 601));
    want(section7);
    want(intake);
  }
};

TEST(Groups, MovesOfOneChangeGoTogether) {
  TwoMoved world;
  world.on_disk(*world.section7.current);
  world.on_disk(*world.intake.current);
  const Plan plan = world.decide();
  EXPECT_EQ(moves(plan), "intake=2.0.0,section7=2.0.0");
  EXPECT_EQ(plan.activate[0].change, 700u);
}

TEST(Groups, OneOnItsWayKeepsTheOtherWaiting) {
  TwoMoved world;
  world.on_disk(*world.section7.current);
  const Plan plan = world.decide();
  EXPECT_EQ(moves(plan), "");
  EXPECT_EQ(status(plan, "section7"), "fetching waits_for_change");
  EXPECT_EQ(fetches(plan), "intake=2.0.0");
}

TEST(Groups, OneRefusedBlocksTheOtherAndSaysByWhom) {
  TwoMoved world;
  world.on_disk(*world.section7.current);
  world.fail(*world.intake.current, "digest_mismatch", true, 2);
  const Plan plan = world.decide();
  EXPECT_EQ(moves(plan), "");
  EXPECT_EQ(status(plan, "section7"), "blocked waits_for_change");
  EXPECT_EQ(plan.status.at("section7").detail, "by=intake");
  EXPECT_EQ(status(plan, "intake"), "refused digest_mismatch");
}

TEST(Groups, AThirdTemplateMovedLaterIsNotHeldUp) {
  TwoMoved world;
  world.on_disk(*world.section7.current);
  world.fail(*world.intake.current, "digest_mismatch", true, 2);
  world.show(wanted_template("letter", "1.0.0", 1, 602));
  world.on_disk(*world.want(wanted_template("letter", "1.1.0", 2, 701)).current);
  EXPECT_EQ(moves(world.decide()), "letter=1.1.0");
}

TEST(Groups, MendedByALaterChangeBothMoveInOnePass) {
  TwoMoved world;
  world.on_disk(*world.section7.current);
  world.on_disk(*world.want(wanted_template("intake", "2.0.1", 3, 702)).current);
  EXPECT_EQ(moves(world.decide()), "section7=2.0.0 | intake=2.0.1");
}

TEST(Groups, WaitsForAMemberThatHasMovedOnSince) {
  TwoMoved world;
  world.on_disk(*world.section7.current);
  world.want(wanted_template("intake", "2.0.1", 3, 702));  // mended, and on its way
  EXPECT_EQ(moves(world.decide()), "") << "the change is never shown in half";
  EXPECT_EQ(status(world.decide(), "section7"), "fetching waits_for_change");
}

TEST(Groups, OneThatIsHeldBackHoldsBackThoseThatMovedWithIt) {
  TwoMoved world;
  world.on_disk(*world.section7.current);
  world.on_disk(*world.want(wanted_template("intake", "2.0.1", 3, 702)).current);
  world.show(wanted_template("letter", "1.0.0", 1, 603));
  world.fail(*world.want(wanted_template("letter", "2.0.0", 2, 702)).current, "digest_mismatch", true, 2);
  const Plan plan = world.decide();
  EXPECT_EQ(moves(plan), "");
  EXPECT_EQ(plan.status.at("intake").detail, "by=letter");
  EXPECT_EQ(plan.status.at("section7").detail, "by=intake");
}

TEST(Groups, ATemplateThatShowsNothingWaitsForNobody) {
  TwoMoved world;
  const auto fresh = world.want(wanted_template("letter", "1.0.0", 1, 700));
  world.on_disk(*fresh.current);
  EXPECT_EQ(moves(world.decide()), "letter=1.0.0");
}

TEST(Groups, ATemplateThatCannotBeHadStandsInTheWayEvenWhenItNeverShowedAnything) {
  TwoMoved world;
  world.on_disk(*world.section7.current);
  world.on_disk(*world.intake.current);
  world.fail(*world.want(wanted_template("letter", "1.0.0", 1, 700)).current, "object_missing", false, 1);
  const Plan plan = world.decide();
  EXPECT_EQ(moves(plan), "");
  EXPECT_EQ(plan.status.at("intake").detail, "by=letter");
}

TEST(Groups, RowsOlderThanUsAreGroupsOfTheirOwn) {
  World world;
  world.show(wanted_template("section7", "1.0.0", 1));
  world.show(wanted_template("intake", "1.0.0", 1));
  world.on_disk(*world.want(wanted_template("section7", "2.0.0", 2)).current);
  world.fail(*world.want(wanted_template("intake", "2.0.0", 2)).current, "digest_mismatch", true, 2);
  EXPECT_EQ(moves(world.decide()), "section7=2.0.0");
}

TEST(Groups, ARollbackOfOneMemberFreesBoth) {
  TwoMoved world;
  world.on_disk(*world.section7.current);
  auto back = wanted_template("intake", "1.0.0", 3, 703);
  world.want(back);
  EXPECT_EQ(moves(world.decide()), "section7=2.0.0 | intake=1.0.0");
}

TEST(Groups, ADisabledMemberDoesNotStandInTheWay) {
  TwoMoved world;
  world.on_disk(*world.section7.current);
  world.desired.templates["intake"].enabled = false;
  EXPECT_EQ(moves(world.decide()), "section7=2.0.0");
  EXPECT_EQ(status(world.decide(), "intake"), "disabled not_enabled");
}

TEST(Groups, ADisabledMemberLeavesItsLastGoodTogetherWithTheOthersOfItsChange) {
  TwoMoved world;
  world.desired.templates["intake"].current.reset();
  world.offer_fallback("intake", "bare");
  const Plan waiting = world.decide();
  EXPECT_EQ(moves(waiting), "") << "section7 is on its way";
  EXPECT_EQ(status(waiting, "intake"), "fetching waits_for_change");
  EXPECT_EQ(waiting.status.at("intake").detail, "by=section7");
  world.on_disk(*world.section7.current);
  const Plan plan = world.decide();
  EXPECT_EQ(moves(plan), "intake=filesystem,section7=2.0.0");
  EXPECT_EQ(plan.activate[0].change, 700u);
}

TEST(Groups, ADisabledTemplateThatShowsNothingYetWaitsForNobody) {
  TwoMoved world;
  auto letter = wanted_template("letter", "1.0.0", 1, 700);
  letter.enabled = false;
  world.want(letter);
  world.offer_fallback("letter", "bare");
  EXPECT_EQ(moves(world.decide()), "letter=filesystem");
}

TEST(Groups, OneThatTurnsOutUnavailableLeavesOutWhoeverMovedWithItAndNobodyElse) {
  TwoMoved world;
  world.on_disk(*world.section7.current);
  world.on_disk(*world.want(wanted_template("intake", "2.0.1", 3, 702)).current);  // moved with section7, then again
  world.on_disk(*world.want(wanted_template("letter", "1.0.0", 1, 700)).current);  // new: waits for nobody
  world.show(wanted_template("terms", "1.0.0", 1, 604));
  world.on_disk(*world.want(wanted_template("terms", "1.1.0", 2, 703)).current);
  Plan plan = world.decide();
  ASSERT_EQ(moves(plan), "letter=1.0.0 | section7=2.0.0 | intake=2.0.1 | terms=1.1.0");
  const auto left = [&](const std::set<std::string>& unavailable) {
    Plan shown;
    shown.activate = groups_without(plan.activate, unavailable, world.desired);
    return moves(shown);
  };
  EXPECT_EQ(left({}), moves(plan));
  EXPECT_EQ(left({"intake"}), "letter=1.0.0 | terms=1.1.0");
  EXPECT_EQ(left({"letter"}), "intake=2.0.1 | terms=1.1.0");
  EXPECT_EQ(left({"section7"}), "letter=1.0.0 | intake=2.0.1 | terms=1.1.0")
      << "intake stands later: nobody waited for";
}

}  // namespace
}  // namespace bundlesync::plan::test
