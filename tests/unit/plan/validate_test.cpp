#include "unit/plan/world.hpp"

#include <gtest/gtest.h>

namespace bundlesync::plan::test {
namespace {

using Answer = Validation::Answer;

/// section7 shows 1.0.0 and wants 1.1.0, whose bytes are here; the validator is asked about what was never shown.
struct Validated : World {
  Validated() {
    policy.templates = {"section7"};
    policy.validate = true;
    desired.templates["section7"] = wanted_template("section7", "1.1.0", 2);
    const auto old = version("section7", "1.0.0");
    auto& shown = observed.view.templates["section7"];
    shown.tree = tree(old);
    shown.version = old.version;
    shown.manifest = old.manifest;
    shown.epoch = desired.epoch;
    shown.template_id = "id-section7";
    shown.generation = 1;
    observed.complete[content()] = tree(wanted());
  }
  const WantedVersion& wanted() const { return *desired.templates.at("section7").current; }
  ContentKey content() const { return key(wanted()); }
  void answer(Answer given, std::uint64_t generation, bool due = false) {
    observed.validations[content()] = Validation{given, "its words", generation, due};
  }
  std::string state() const {
    const auto status = decide().status.at("section7");
    return std::string(to_string(status.state)) + " " + status.reason;
  }
};

TEST(Validating, AVersionThatIsCompleteIsAskedAboutAndNotYetShown) {
  const Validated world;
  const Plan plan = world.decide();
  ASSERT_EQ(plan.validate.size(), 1U);
  EXPECT_EQ(plan.validate[0].content, world.content());
  EXPECT_EQ(plan.validate[0].tree, tree(world.wanted()));
  EXPECT_EQ(plan.validate[0].generation, 2U);
  EXPECT_TRUE(plan.activate.empty());
  EXPECT_TRUE(plan.fetch.empty());
  EXPECT_FALSE(plan.settled());
  EXPECT_EQ(world.state(), "validating ");
}

TEST(Validating, GoesOnUntilThereIsAnAnswer) {
  Validated world;
  world.observed.validating.insert(world.content());
  world.answer(Answer::none, 2);
  EXPECT_EQ(world.decide().validate.size(), 1U) << "what is not in the plan is cancelled";
  EXPECT_EQ(world.state(), "validating ");
}

TEST(Validating, WhatIsAcceptedMoves) {
  Validated world;
  world.answer(Answer::accepted, 1);
  const Plan plan = world.decide();
  EXPECT_TRUE(plan.validate.empty());
  ASSERT_EQ(plan.activate.size(), 1U);
  EXPECT_EQ(plan.activate[0].moves[0].tree, tree(world.wanted()));
}

TEST(Validating, AVetoCountsForItsRowAlone) {
  Validated world;
  world.answer(Answer::vetoed, 2);
  EXPECT_EQ(world.state(), "refused vetoed");
  EXPECT_EQ(world.decide().status.at("section7").detail, "its words");
  EXPECT_TRUE(world.decide().settled());
  world.desired.templates["section7"].generation = 3;
  EXPECT_EQ(world.state(), "validating ");
}

TEST(Validating, WithoutAnAnswerItIsAskedAgainWhenDue) {
  Validated world;
  world.answer(Answer::none, 2);
  EXPECT_EQ(world.state(), "retrying validator_failed");
  EXPECT_TRUE(world.decide().validate.empty());
  world.answer(Answer::none, 2, true);
  EXPECT_EQ(world.state(), "validating ");
}

TEST(Validating, NobodyIsAskedWhereTheSettingsNameNobody) {
  Validated world;
  world.policy.validate = false;
  EXPECT_TRUE(world.decide().validate.empty());
  EXPECT_EQ(world.decide().activate.size(), 1U);
}

TEST(Validating, WhatIsMissingIsFetchedFirst) {
  Validated world;
  world.observed.complete.clear();
  EXPECT_TRUE(world.decide().validate.empty());
  EXPECT_EQ(world.decide().fetch.size(), 1U);
}

TEST(Validating, TheOthersOfItsChangeWait) {
  Validated world;
  world.policy.templates = {"*"};
  world.desired.templates["section7"].change = 7;
  world.desired.templates["intake"] = wanted_template("intake", "2.0.0", 5, 7);
  world.desired.moved_together[7] = {"section7", "intake"};
  const auto& other = *world.desired.templates["intake"].current;
  world.observed.complete[key(other)] = tree(other);
  world.observed.validations[key(other)].answer = Answer::accepted;
  auto& shown = world.observed.view.templates["intake"];
  shown = world.observed.view.templates["section7"];
  shown.template_id = "id-intake";
  const Plan plan = world.decide();
  EXPECT_TRUE(plan.activate.empty());
  EXPECT_EQ(plan.status.at("intake").state, State::fetching) << "on its way";
  EXPECT_EQ(plan.status.at("intake").reason, "waits_for_change");
}

}  // namespace
}  // namespace bundlesync::plan::test
