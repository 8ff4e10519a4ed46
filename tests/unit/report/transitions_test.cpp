#include "report/transitions.hpp"

#include "reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bundlesync::report {

void PrintTo(const LogLine& line, std::ostream* out) {
  *out << (line.level == LogLine::Level::warn ? "warn " : "info ") << line.text;
}

namespace {

using plan::State;
using testing::ElementsAre;
using testing::IsEmpty;

LogLine info(std::string text) {
  return LogLine{LogLine::Level::info, std::move(text)};
}
LogLine warn(std::string text) {
  return LogLine{LogLine::Level::warn, std::move(text)};
}

const Settled kCalm = settled({shows("section7")});

TEST(Transitions, SayNothingWhileNothingChanges) {
  EXPECT_THAT(transitions(kCalm, kCalm), IsEmpty());
  const Settled moving = settled({wants("section7", State::fetching, "")});
  EXPECT_THAT(transitions(kCalm, moving), IsEmpty());
}

TEST(Transitions, SayOnceWhatIsRefused) {
  TemplateReport refused = wants("section7", State::refused, "digest_mismatch", "path=a.md want=ab got=cd bytes=3");
  refused.next_try = "when_the_row_changes";
  EXPECT_THAT(transitions(kCalm, settled({refused})),
              ElementsAre(warn("refuse template=section7 version=1.1.0 reason=digest_mismatch path=a.md want=ab got=cd "
                               "bytes=3 next_try=when_the_row_changes")));
  EXPECT_THAT(transitions(settled({refused}), settled({refused})), IsEmpty());
}

TEST(Transitions, SayARefusalAgainWhenTheRowWasTouched) {
  const TemplateReport before = wants("section7", State::refused, "no_files");
  TemplateReport after = before;
  after.desired_generation = 3;
  EXPECT_THAT(
      transitions(settled({before}), settled({after})),
      ElementsAre(warn("refuse template=section7 version=1.1.0 reason=no_files next_try=when_the_row_changes")));
}

TEST(Transitions, SayWhatIsHeldAndWhatHelps) {
  TemplateReport held = wants("section7", State::held, "generation_lower", "seen_generation=38 accepted=52");
  held.desired_generation = 38;
  held.accepted_generation = 52;
  EXPECT_THAT(transitions(kCalm, settled({held})),
              ElementsAre(warn("hold template=section7 seen_generation=38 accepted=52 epoch=same "
                               "hint=\"restored database? bundlesync catalog new-epoch\"")));
}

TEST(Transitions, SayOneLineForAllTriesOfTheSameDownload) {
  TemplateReport first = wants("section7", State::retrying, "storage_unavailable", "storage is away");
  first.next_try = "2026-01-01T00:00:01.000Z";
  TemplateReport second = first;
  second.next_try = "2026-01-01T00:00:03.000Z";
  EXPECT_THAT(transitions(kCalm, settled({first})),
              ElementsAre(warn("retrying template=section7 version=1.1.0 reason=storage_unavailable "
                               "detail=\"storage is away\" next_try=2026-01-01T00:00:01.000Z")));
  EXPECT_THAT(transitions(settled({first}), settled({second})), IsEmpty());
}

TEST(Transitions, SayWhoBlocksAChange) {
  const TemplateReport blocked = wants("section7", State::blocked, "waits_for_change", "by=intake");
  EXPECT_THAT(transitions(kCalm, settled({blocked})),
              ElementsAre(warn("blocked template=section7 version=1.1.0 reason=waits_for_change by=intake")));
}

TEST(Transitions, SayWhatLeftTheCatalogAndWhatIsShownInstead) {
  TemplateReport orphaned = shows("section7");
  orphaned.state = State::orphaned;
  orphaned.reason = "deleted";
  TemplateReport disabled = shows("intake");
  disabled.state = State::disabled;
  disabled.reason = "not_enabled";
  TemplateReport absent;
  absent.name = "letters";
  absent.reason = "not_in_catalog";
  EXPECT_THAT(transitions(kCalm, settled({orphaned, disabled, absent})),
              ElementsAre(info("orphaned template=section7 reason=deleted shows=1.0.0"),
                          info("disabled template=intake reason=not_enabled shows=1.0.0"),
                          warn("absent template=letters reason=not_in_catalog shows=-")));
}

TEST(Transitions, DoNotComplainOfATemplateBeforeTheDatabaseWasAsked) {
  TemplateReport absent;
  absent.name = "section7";
  absent.reason = "database_not_reached";
  Settled start = settled({absent});
  start.ready = false;
  start.missing = {"section7"};
  EXPECT_THAT(transitions(Settled(), start), ElementsAre(info("not_ready missing=section7")));
  EXPECT_THAT(transitions(start, start), IsEmpty());
}

TEST(Transitions, SayWhenTroubleIsOverThoughNothingMoved) {
  const Settled refused = settled({wants("section7", State::refused, "no_files")});
  EXPECT_THAT(transitions(refused, kCalm), ElementsAre(info("cleared template=section7 was=refused shows=1.0.0")));
  // Here an activate line tells of it.
  EXPECT_THAT(transitions(refused, settled({wants("section7", State::moving, "")})), IsEmpty());
}

TEST(Transitions, SayOnceWhereAFallbackComesFromAndWhy) {
  TemplateReport bare = shows("intake");
  bare.state = State::waiting;
  bare.source = "filesystem";
  bare.reason = "database_not_reached";
  EXPECT_THAT(transitions(Settled(), settled({bare})),
              ElementsAre(warn("fallback template=intake source=filesystem reason=never_reached_database"),
                          info("ready view=7")));
  TemplateReport still = bare;
  still.state = State::absent;
  EXPECT_THAT(transitions(settled({bare}), settled({still})), IsEmpty());

  TemplateReport local = shows("intake");
  local.state = State::standalone;
  local.source = "local";
  EXPECT_THAT(transitions(settled({bare}), settled({local})),
              ElementsAre(warn("fallback template=intake source=local reason=remote_off")));
}

TEST(Transitions, SayEachProblemWhenItComesAndWhenItGoes) {
  Settled troubled = kCalm;
  troubled.problems = {"the trigger bundlesync_notify is missing"};
  EXPECT_THAT(transitions(kCalm, troubled),
              ElementsAre(warn(R"(problem fact="the trigger bundlesync_notify is missing")")));
  EXPECT_THAT(transitions(troubled, troubled), IsEmpty());
  EXPECT_THAT(transitions(troubled, kCalm),
              ElementsAre(info(R"(problem_gone fact="the trigger bundlesync_notify is missing")")));
}

TEST(Transitions, BoundTheLinesOfOneEvent) {
  Settled after;
  after.ready = true;
  for (int i = 0; i < 250; ++i)
    after.templates.push_back(wants("t" + std::to_string(i), State::held, "generation_lower"));
  Settled before;
  before.ready = true;
  const auto lines = transitions(before, after);
  ASSERT_EQ(lines.size(), 101U);
  EXPECT_EQ(lines.back(), warn("hold more=150"));
}

}  // namespace
}  // namespace bundlesync::report
