#include "unit/plan/world.hpp"

#include <gtest/gtest.h>

namespace bundlesync::plan::test {
namespace {

Answer answer(bool full, std::vector<WantedTemplate> templates) {
  Answer result;
  result.full = full;
  result.epoch = "epoch-1";
  result.templates = std::move(templates);
  return result;
}

std::string names(const Desired& desired) {
  std::string text;
  for (const auto& [name, entry] : desired.templates) {
    text += (text.empty() ? "" : ",") + name + (entry.deleted ? " (deleted)" : "");
  }
  return text;
}

TEST(Merge, AFullAnswerReplacesEverything) {
  Desired desired;
  merge(desired, answer(true, {wanted_template("a", "1.0.0", 1), wanted_template("b", "1.0.0", 1)}));
  merge(desired, answer(true, {wanted_template("b", "1.1.0", 2)}));
  EXPECT_EQ(names(desired), "b");
  EXPECT_EQ(desired.templates["b"].generation, 2u);
}

TEST(Merge, APartialAnswerChangesOnlyWhatItNames) {
  Desired desired;
  merge(desired, answer(true, {wanted_template("a", "1.0.0", 1), wanted_template("b", "1.0.0", 1)}));
  merge(desired, answer(false, {wanted_template("b", "1.1.0", 2)}));
  EXPECT_EQ(names(desired), "a,b");
}

TEST(Merge, ARenamedTemplateLeavesItsOldName) {
  Desired desired;
  merge(desired, answer(true, {wanted_template("a", "1.0.0", 1)}));
  auto renamed = wanted_template("c", "1.0.0", 2);
  renamed.id = "id-a";
  merge(desired, answer(false, {renamed}));
  EXPECT_EQ(names(desired), "c");
}

TEST(Merge, ATemplateMadeAgainUnderItsNameIsNotHiddenByTheDeletedOne) {
  Desired desired;
  auto deleted = wanted_template("a", "1.0.0", 7);
  deleted.id = "id-old";
  deleted.deleted = true;
  merge(desired, answer(true, {wanted_template("a", "1.0.0", 1), deleted}));
  EXPECT_EQ(names(desired), "a");
  merge(desired, answer(true, {deleted, wanted_template("a", "1.0.0", 1)}));
  EXPECT_EQ(names(desired), "a");
}

TEST(Merge, ANewEpochForgetsTheOldOne) {
  Desired desired;
  merge(desired, answer(true, {wanted_template("a", "1.0.0", 1)}));
  auto next = answer(false, {wanted_template("b", "1.0.0", 1)});
  next.epoch = "epoch-2";
  merge(desired, next);
  EXPECT_EQ(names(desired), "b");
  EXPECT_EQ(desired.epoch, "epoch-2");
}

}  // namespace
}  // namespace bundlesync::plan::test
