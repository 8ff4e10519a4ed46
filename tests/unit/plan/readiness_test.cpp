#include "unit/plan/world.hpp"

#include <gtest/gtest.h>

namespace bundlesync::plan::test {
namespace {

struct ReadinessWorld : World {
  Readiness ask() const { return readiness(observed.view, observed.database_reached, policy); }
};

TEST(Readiness, NeedsEveryTemplateThatIsNamed) {
  ReadinessWorld world;
  world.policy.templates = {"section7", "intake", "extra*"};
  world.show(wanted_template("section7", "1.0.0", 1));
  EXPECT_FALSE(world.ask().ready);
  EXPECT_EQ(world.ask().missing, std::vector<std::string>{"intake"});
  world.show(wanted_template("intake", "1.0.0", 1));
  EXPECT_TRUE(world.ask().ready);
}

TEST(Readiness, WithGlobsOnlyNeedsOneTemplate) {
  ReadinessWorld world;
  EXPECT_FALSE(world.ask().ready);
  EXPECT_EQ(world.ask().missing, std::vector<std::string>{"*"});
  world.show(wanted_template("section7", "1.0.0", 1));
  EXPECT_TRUE(world.ask().ready);
}

TEST(Readiness, CountsOnlyWhatStartRequireAllows) {
  ReadinessWorld world;
  world.observed.database_reached = false;
  world.observed.view.templates["section7"].source = Source::filesystem;
  EXPECT_TRUE(world.ask().ready);
  world.policy.start_require = StartRequire::last_good;
  EXPECT_FALSE(world.ask().ready);
  world.show(wanted_template("section7", "1.0.0", 1));
  EXPECT_TRUE(world.ask().ready);
  world.policy.start_require = StartRequire::desired;
  EXPECT_FALSE(world.ask().ready);
  world.observed.database_reached = true;
  EXPECT_TRUE(world.ask().ready);
}

}  // namespace
}  // namespace bundlesync::plan::test
