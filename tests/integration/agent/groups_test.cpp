#include "bed.hpp"

#include <fstream>

// What one COMMIT changed, one rename shows.
namespace bundlesync::tests {
namespace {

class Groups : public AgentBed {
 protected:
  Groups() {
    for (const auto* name : {"alpha", "beta", "gamma"}) {
      publish(name, "1.0.0", true);
      publish(name, "1.1.0");
    }
  }
  bool shows_first_versions() const {
    return comes_to_show("alpha", "1.0.0") && comes_to_show("beta", "1.0.0") && comes_to_show("gamma", "1.0.0");
  }
};

TEST_F(Groups, APinnedViewNeverShowsOneOfTwoThatMovedTogether) {
  constexpr int looks_wanted = 10'000;
  constexpr int changes_wanted = 20;
  const auto agent = start();
  ASSERT_TRUE(shows_first_versions()) << agent->log();
  // Both versions on disk, so that moves follow each other fast.
  move({{"alpha", "1.1.0"}, {"beta", "1.1.0"}});
  ASSERT_TRUE(comes_to_show("alpha", "1.1.0")) << agent->log();

  std::jthread mover([this](const std::stop_token& stopped) {
    for (int i = 0; !stopped.stop_requested(); ++i) {
      const std::string version = i % 2 == 0 ? "1.0.0" : "1.1.0";
      move({{"alpha", version}, {"beta", version}});
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  Reader reader(target_, oracle_);
  int apart = 0;
  int torn = 0;
  int changes = 0;
  std::string last;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(40);
  for (int look = 0; look < looks_wanted || changes < changes_wanted; ++look) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << look << " looks saw " << changes << " changes";
    auto seen = reader.look_at_view({"alpha", "beta"});
    torn += seen["alpha"].torn || seen["beta"].torn;
    apart += seen["alpha"].version != seen["beta"].version;
    changes += std::exchange(last, seen["alpha"].version) != seen["alpha"].version;
  }
  mover.request_stop();
  mover.join();
  EXPECT_EQ(apart, 0);
  EXPECT_EQ(torn, 0);
}

TEST_F(Groups, ADamagedOneKeepsItsWholeGroupWaitingAndNoOther) {
  const auto agent = start();
  ASSERT_TRUE(shows_first_versions()) << agent->log();
  const std::string object = key("beta", "1.1.0", "master.md");
  const std::string good = store_.read(object);
  store_.corrupt(object);

  move({{"alpha", "1.1.0"}, {"beta", "1.1.0"}});
  agent->wait_for({"refuse template=beta version=1.1.0 reason=digest_mismatch"});
  agent->wait_for({"blocked template=alpha version=1.1.0 reason=waits_for_change by=beta"});
  EXPECT_TRUE(comes_to_say(*agent, "alpha", "blocked"));
  EXPECT_EQ(text_of(agent->status_of("alpha"), "detail"), "by=beta");
  EXPECT_EQ(metric(*agent, R"(bundlesync_blocked{template="alpha"})"), 1);

  move("gamma", "1.1.0");
  EXPECT_TRUE(comes_to_show("gamma", "1.1.0")) << agent->log();
  EXPECT_EQ(shown("alpha"), "1.0.0");
  EXPECT_EQ(shown("beta"), "1.0.0");

  store_.write(object, good);
  const std::size_t so_far = agent->messages().size();
  // A refusal stands until the row changes.
  sql("begin; update templates set default_version_id = null where name in ('alpha', 'beta'); "
      "update templates t set default_version_id = (select id from template_versions v where v.template_id = t.id and "
      "semver = '1.1.0') where name in ('alpha', 'beta'); commit");
  const auto activated =
      agent->wait_for({"activate ", "alpha=1.0.0→1.1.0", "beta=1.0.0→1.1.0"}, std::chrono::seconds(10), so_far);
  EXPECT_EQ(shown("alpha"), "1.1.0");
  EXPECT_EQ(shown("beta"), "1.1.0");
}

TEST_F(Groups, WhenTheMissingObjectIsThereBothMoveInOneRename) {
  const auto agent = start();
  ASSERT_TRUE(shows_first_versions()) << agent->log();
  const std::string object = key("beta", "1.1.0", "golden/example.fr.md");
  const std::string good = store_.read(object);
  store_.remove(object);

  move({{"alpha", "1.1.0"}, {"beta", "1.1.0"}});
  agent->wait_for({"retrying template=beta version=1.1.0 reason=object_missing"});
  agent->wait_for({"blocked template=alpha version=1.1.0 reason=waits_for_change by=beta"});
  const std::string view = view_link(target_);
  EXPECT_EQ(shown("alpha"), "1.0.0");
  EXPECT_EQ(shown("beta"), "1.0.0");

  store_.write(object, good);  // no row changes: the agent tries again by itself
  agent->wait_for({"activate ", "alpha=1.0.0→1.1.0 beta=1.0.0→1.1.0"}, std::chrono::seconds(20));
  EXPECT_EQ(shown("alpha"), "1.1.0");
  EXPECT_EQ(shown("beta"), "1.1.0");
  const auto number = [](const std::string& link) { return std::stoi(link.substr(link.rfind('/') + 1)); };
  EXPECT_EQ(number(view_link(target_)), number(view) + 1);
}

}  // namespace
}  // namespace bundlesync::tests
