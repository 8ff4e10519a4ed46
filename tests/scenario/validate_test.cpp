#include "scenario/stage.hpp"

#include <boost/asio/steady_timer.hpp>

namespace bundlesync::scenario {
namespace {

/// Says what the test told it to, and remembers who was asked about.
class ScriptedValidator final : public hooks::Validator {
 public:
  explicit ScriptedValidator(async::Clock& clock) : clock_(clock) {}

  Task<Result<hooks::Judgement>> judge(hooks::Candidate candidate) override {
    asked.push_back(candidate.template_name + " " + candidate.version);
    paths.push_back(candidate.path);
    if (hangs) co_await clock_.sleep_until(clock_.now() + std::chrono::hours(1));
    if (away) {
      Error error(ErrorKind::unavailable, "nobody listens");
      co_return fail(std::move(error));
    }
    hooks::Judgement judgement;
    judgement.accepted = !vetoes.contains(asked.back());
    judgement.text = judgement.accepted ? "fine" : "no {{name}} in it";
    co_return judgement;
  }

  std::vector<std::string> asked;
  std::vector<std::string> paths;
  std::set<std::string> vetoes;
  bool hangs = false;
  bool away = false;

 private:
  async::Clock& clock_;
};

class Validate : public Stage {
 protected:
  void SetUp() override {
    options_.policy.validate = true;
    validator_ = &scripted_;
    Stage::SetUp();
  }
  plan::WantedVersion one() { return publish("section7", "1.0.0", {{"p.md", "a1"}}); }
  plan::WantedVersion two() { return publish("section7", "1.1.0", {{"p.md", "a2"}}); }
  ScriptedValidator scripted_{clock_};
};

TEST_F(Validate, AVersionIsShownOnceItIsAcceptedAndCouldBeReadWhileItWasLookedAt) {
  move({one()});
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(scripted_.asked, std::vector<std::string>{"section7 1.0.0"});
  std::ifstream file(fs::path(scripted_.paths.at(0)) / "p.md");
  std::string text;
  std::getline(file, text);
  EXPECT_EQ(text, "a1");
  EXPECT_TRUE(scripted_.paths.at(0).starts_with(prompts().string() + "/..bundlesync/trees/section7/1.0.0-"));
}

TEST_F(Validate, AVetoKeepsWhatIsShownAndIsAskedForOnce) {
  move({one()});
  settle();
  scripted_.vetoes.insert("section7 1.1.0");
  move({two()});
  settle();
  for (int hours = 0; hours < 3; ++hours) {
    clock_.advance(std::chrono::hours(1));
    settle();
  }
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(state_of("section7"), "refused vetoed");
  EXPECT_EQ(reporter_->last("section7")->detail, "no {{name}} in it");
  EXPECT_EQ(scripted_.asked.size(), 2U) << "once for each version";
}

TEST_F(Validate, AVetoIsRememberedAcrossARestart) {
  move({one()});
  settle();
  scripted_.vetoes.insert("section7 1.1.0");
  move({two()});
  settle();
  scripted_.vetoes.clear();
  restart();
  answer_again();
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(state_of("section7"), "refused vetoed");
  EXPECT_EQ(scripted_.asked.size(), 2U) << "nobody was asked again";
}

TEST_F(Validate, ARowThatChangesIsAskedAboutAgain) {
  move({one()});
  settle();
  scripted_.vetoes.insert("section7 1.1.0");
  const auto next = two();
  move({next});
  settle();
  scripted_.vetoes.clear();
  move({next});  // touched: a new generation of the same version
  settle();
  EXPECT_EQ(read("section7/p.md"), "a2");
  EXPECT_EQ(scripted_.asked.size(), 3U);
}

TEST_F(Validate, ARollbackToWhatWasShownAsksNobody) {
  const auto first = one();
  move({first});
  settle();
  move({two()});
  settle();
  ASSERT_EQ(read("section7/p.md"), "a2");
  scripted_.hangs = true;
  restart();
  move({first});
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(scripted_.asked.size(), 2U);
}

TEST_F(Validate, WithNobodyThereItHoldsAndAsksAgainLater) {
  move({one()});
  settle();
  scripted_.away = true;
  move({two()});
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(state_of("section7"), "retrying validator_failed");
  EXPECT_EQ(reporter_->last("section7")->detail, "nobody listens");
  EXPECT_NE(reporter_->last("section7")->next_try, "");
  const std::size_t asked = scripted_.asked.size();
  EXPECT_LE(asked, 3U) << "no hot loop";
  scripted_.away = false;
  clock_.advance(std::chrono::seconds(31));
  settle();
  EXPECT_EQ(read("section7/p.md"), "a2");
}

TEST_F(Validate, WithNobodyThereItIsShownWhereTheSettingsSayAccept) {
  options_.accept_without_validator = true;
  scripted_.away = true;
  move({one()});
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  ASSERT_EQ(reporter_->validations.size(), 1U);
  EXPECT_EQ(reporter_->validations[0].answer, "accepted_unasked");
}

TEST_F(Validate, AValidatorThatHangsDelaysNoOtherTemplateAndIsLeftWhenNobodyWantsTheVersion) {
  const auto first = one();
  move({first});
  settle();
  scripted_.hangs = true;
  move({two()});
  settle();
  EXPECT_EQ(state_of("section7"), "validating");
  scripted_.hangs = false;
  move({publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  EXPECT_EQ(read("intake/p.md"), "b1");
  EXPECT_EQ(read("section7/p.md"), "a1");
  move({first});
  settle();
  EXPECT_EQ(state_of("section7"), "current");
  EXPECT_EQ(clock_.sleepers(), 0U) << "nobody is asked any more";
}

TEST_F(Validate, OneVetoKeepsItsWholeChangeBack) {
  move({one(), publish("intake", "1.0.0", {{"p.md", "b1"}})});
  settle();
  scripted_.vetoes.insert("section7 1.1.0");
  move({two(), publish("intake", "1.1.0", {{"p.md", "b2"}})});
  settle();
  EXPECT_EQ(read("section7/p.md"), "a1");
  EXPECT_EQ(read("intake/p.md"), "b1");
  EXPECT_EQ(state_of("intake"), "blocked waits_for_change");
}

TEST_F(Validate, FallbackFilesAreShownWithoutAsking) {
  fallback("section7", "p.md", "bare");
  clock_.advance(std::chrono::seconds(31));  // the fallback files are found
  scripted_.vetoes.insert("section7 1.0.0");
  move({one()});
  settle();
  EXPECT_EQ(read("section7/p.md"), "bare");
  EXPECT_EQ(state_of("section7"), "refused vetoed");
}

}  // namespace
}  // namespace bundlesync::scenario
