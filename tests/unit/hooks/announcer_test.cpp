#include "hooks/announcer.hpp"

#include "fakes/manual_clock.hpp"
#include "fakes/spawned.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace bundlesync::hooks {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

/// Writes down what it is told, and hears as the test says.
class Ear final : public Listener {
 public:
  explicit Ear(async::Clock& clock) : clock_(clock) {}
  std::string_view name() const override { return "webhook"; }
  Task<Result<void>> tell(Announcement announcement) override {
    std::string line = announcement.target + " view " + std::to_string(announcement.view);
    for (const auto& [name, shown] : announcement.templates) {
      line += " " + name + "=" + shown.previous_version + ">" + shown.version;
    }
    heard.push_back(std::move(line));
    if (takes > 0s) co_await clock_.sleep_until(clock_.now() + takes);
    if (refuses > 0 && refuses-- > 0) {
      Error error(ErrorKind::unavailable, "no ear");
      co_return fail(std::move(error));
    }
    co_return Result<void>();
  }
  std::vector<std::string> heard;
  std::chrono::seconds takes{0};
  int refuses = 0;

 private:
  async::Clock& clock_;
};

Announcement shows(std::uint64_t view, const std::string& name, const std::string& from, const std::string& to,
                   const std::string& target = "/prompts") {
  Announcement announcement;
  announcement.target = target;
  announcement.view = view;
  announcement.templates[name].version = to;
  announcement.templates[name].previous_version = from;
  return announcement;
}

class AnnouncerTest : public testing::Test {
 protected:
  AnnouncerTest() { start({}); }
  void start(Announcer::Options options) {
    spawned_.reset();
    auto ear = std::make_unique<Ear>(clock_);
    ear_ = ear.get();
    announcer_ = std::make_unique<Announcer>(io_.get_executor(), clock_, random_, std::move(ear), options,
                                             [this](const Told& told) {
                                               told_.push_back(told.listener + " " + std::to_string(told.attempts) +
                                                               (told.error ? " " + told.error->fact() : ""));
                                             });
    spawned_.emplace(io_, announcer_->run());
  }
  void TearDown() override {
    spawned_->cancel();
    ASSERT_TRUE(clock_.settle_until([&] { return spawned_->ended(); }));
  }

  asio::io_context io_;
  fakes::ManualClock clock_{io_};
  Random random_{7};
  std::vector<std::string> told_;
  std::unique_ptr<Announcer> announcer_;
  Ear* ear_ = nullptr;
  std::optional<fakes::Spawned<Result<void>>> spawned_;
};

TEST_F(AnnouncerTest, TellsWhatIsShownOnce) {
  announcer_->announce(shows(2, "section7", "1.0.0", "1.1.0"));
  EXPECT_TRUE(ear_->heard.empty()) << "whoever shows does not wait for whoever listens";
  clock_.advance(1h);
  EXPECT_THAT(ear_->heard, ElementsAre("/prompts view 2 section7=1.0.0>1.1.0"));
  EXPECT_THAT(told_, ElementsAre("webhook 1"));
}

TEST_F(AnnouncerTest, PutsTogetherWhatIsShownWhileItIsBusy) {
  ear_->takes = 60s;
  announcer_->announce(shows(2, "section7", "1.0.0", "1.1.0"));
  clock_.advance(1s);
  announcer_->announce(shows(3, "section7", "1.1.0", "1.2.0"));
  announcer_->announce(shows(4, "intake", "", "2.0.0"));
  announcer_->announce(shows(5, "section7", "1.2.0", "1.3.0"));
  announcer_->announce(shows(9, "section7", "", "1.3.0", "/other"));
  clock_.advance(1h);
  EXPECT_THAT(ear_->heard, ElementsAre("/prompts view 2 section7=1.0.0>1.1.0", "/other view 9 section7=>1.3.0",
                                       "/prompts view 5 intake=>2.0.0 section7=1.1.0>1.3.0"));
}

TEST_F(AnnouncerTest, TriesAgainAndThenTellsTheLatest) {
  ear_->refuses = 1;
  announcer_->announce(shows(2, "section7", "1.0.0", "1.1.0"));
  ASSERT_TRUE(clock_.settle_until([&] { return ear_->heard.size() == 1; }));
  announcer_->announce(shows(3, "section7", "1.1.0", "1.0.0"));
  clock_.advance(1h);
  EXPECT_THAT(ear_->heard, ElementsAre("/prompts view 2 section7=1.0.0>1.1.0", "/prompts view 3 section7=1.0.0>1.0.0"));
  EXPECT_THAT(told_, ElementsAre("webhook 1")) << "the later one has its own tries";
}

TEST_F(AnnouncerTest, TellsOthersBetweenTheTriesOfOne) {
  ear_->refuses = 1;
  announcer_->announce(shows(2, "section7", "1.0.0", "1.1.0", "/med"));
  ASSERT_TRUE(clock_.settle_until([&] { return ear_->heard.size() == 1; }));
  announcer_->announce(shows(7, "intake", "1.0.0", "2.0.0", "/ops"));
  ASSERT_TRUE(clock_.settle_until([&] { return ear_->heard.size() == 2; }));
  EXPECT_THAT(ear_->heard, ElementsAre("/med view 2 section7=1.0.0>1.1.0", "/ops view 7 intake=1.0.0>2.0.0"));
  clock_.advance(1h);
  EXPECT_EQ(ear_->heard.back(), "/med view 2 section7=1.0.0>1.1.0");
  EXPECT_THAT(told_, ElementsAre("webhook 1", "webhook 2"));
}

TEST_F(AnnouncerTest, ATargetThatMovesAllTheTimeHoldsUpNoOther) {
  TearDown();
  Announcer::Options options;
  options.spread = 3s;
  start(options);
  announcer_->announce(shows(1, "intake", "", "1.0.0", "/ops"));
  for (int i = 0; i < 4; ++i) {
    announcer_->announce(shows(static_cast<std::uint64_t>(i), "section7", "", "1.0.0", "/med"));
    clock_.advance(1s);
  }
  EXPECT_THAT(ear_->heard, testing::Contains("/ops view 1 intake=>1.0.0"));
}

TEST_F(AnnouncerTest, GivesUpAfterFiveTriesAndTellsTheNext) {
  ear_->refuses = 5;
  announcer_->announce(shows(2, "section7", "1.0.0", "1.1.0"));
  clock_.advance(1h);
  EXPECT_EQ(ear_->heard.size(), 5U);
  EXPECT_THAT(told_, ElementsAre("webhook 5 no ear"));
  announcer_->announce(shows(3, "section7", "1.1.0", "1.2.0"));
  clock_.advance(1h);
  EXPECT_THAT(told_, ElementsAre("webhook 5 no ear", "webhook 1"));
}

TEST_F(AnnouncerTest, WaitsForARandomMomentWithinTheSpread) {
  TearDown();
  Announcer::Options options;
  options.spread = 60s;
  start(options);
  announcer_->announce(shows(2, "section7", "1.0.0", "1.1.0"));
  clock_.advance(0s);
  EXPECT_TRUE(ear_->heard.empty());
  clock_.advance(60s);
  EXPECT_EQ(ear_->heard.size(), 1U);
}

}  // namespace
}  // namespace bundlesync::hooks
