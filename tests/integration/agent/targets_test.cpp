#include "bed.hpp"

#include <fmt/format.h>

#include <fstream>

// Several targets in one agent: each team's directory with its own templates, one session to the database for all.
namespace bundlesync::tests {
namespace {
namespace fs = std::filesystem;

class Targets : public AgentBed {
 protected:
  Targets() : med_(home_ / "volumes" / "med"), ops_(home_ / "volumes" / "ops") {
    fs::create_directories(med_);
    fs::create_directories(ops_);
    publish("alpha", "1.0.0", true);
    publish("alpha", "1.1.0");
    publish("beta", "1.0.0", true);
    publish("beta", "1.1.0");
    environment_.erase("BUNDLESYNC_TARGET");
    environment_.erase("BUNDLESYNC_TEMPLATES");
    environment_["BUNDLESYNC_TARGETS"] =
        fmt::format(R"([{{"path": "{}", "templates": ["alp*"]}}, {{"path": "{}", "templates": "beta"}}])",
                    med_.string(), ops_.string());
  }

  std::string shown_in(const fs::path& target, const std::string& name) const {
    const Look look = Reader(target, oracle_).look(name);
    EXPECT_FALSE(look.torn);
    return look.version;
  }
  bool comes_to_show_in(const fs::path& target, const std::string& name, const std::string& version) const {
    return wait_until(std::chrono::seconds(10), [&] { return shown_in(target, name) == version; });
  }
  /// An agent that keeps one of them alone.
  std::unique_ptr<AgentProcess> start_on_med() {
    Environment alone{
        {"BUNDLESYNC_TARGETS", ""}, {"BUNDLESYNC_TARGET", med_.string()}, {"BUNDLESYNC_TEMPLATES", "alpha"}};
    return start(alone);
  }
  /// Whether any file's name or content under it has this word.
  static bool mentions(const fs::path& root, const std::string& word) {
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      if (entry.path().filename().string().find(word) != std::string::npos) return true;
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string text(std::istreambuf_iterator<char>(in), {});
      if (text.find(word) != std::string::npos) return true;
    }
    return false;
  }

  const fs::path med_;
  const fs::path ops_;
};

TEST_F(Targets, FollowTheDatabaseOverOneSessionEachWithItsOwnTemplates) {
  const auto agent = start();
  ASSERT_TRUE(comes_to_show_in(med_, "alpha", "1.0.0")) << agent->log();
  ASSERT_TRUE(comes_to_show_in(ops_, "beta", "1.0.0")) << agent->log();
  ASSERT_TRUE(comes_to_answer(*agent, "/readyz", 200));
  EXPECT_TRUE(wait_until(std::chrono::seconds(10), [&] { return metric(*agent, "bundlesync_listen_verified") == 1; }));
  EXPECT_EQ(
      sql("select count(*) from pg_stat_activity where usename = 'prompts_agent' and datname = '" + database_ + "'"),
      "1");

  move({{"alpha", "1.1.0"}, {"beta", "1.1.0"}});
  EXPECT_TRUE(comes_to_show_in(med_, "alpha", "1.1.0")) << agent->log();
  EXPECT_TRUE(comes_to_show_in(ops_, "beta", "1.1.0")) << agent->log();
  agent->wait_for({"activate ", "alpha=1.0.0→1.1.0", "target=med"});
  agent->wait_for({"activate ", "beta=1.0.0→1.1.0", "target=ops"});
  agent->wait_for({"[PROOF]", "source=remote", "template=beta", "version=1.1.0", "target=ops"});
  EXPECT_EQ(agent->stop().code, 0) << agent->log();
  EXPECT_FALSE(mentions(ops_, "alpha")) << "one team's prompts are in another's directory";
  EXPECT_FALSE(mentions(med_, "beta")) << "one team's prompts are in another's directory";
}

TEST_F(Targets, AreSeenApart) {
  const auto agent = start();
  ASSERT_TRUE(comes_to_show_in(med_, "alpha", "1.0.0")) << agent->log();
  ASSERT_TRUE(comes_to_show_in(ops_, "beta", "1.0.0")) << agent->log();
  ASSERT_TRUE(comes_to_answer(*agent, "/readyz", 200)) << agent->log();
  EXPECT_EQ(agent->get("/readyz/med").status, 200);
  EXPECT_EQ(agent->get("/readyz/other").status, 404);
  EXPECT_NE(agent->get("/status/ops").body.find("\"beta\""), std::string::npos);
  EXPECT_EQ(agent->get("/status/ops").body.find("\"alpha\""), std::string::npos);
  const auto all = agent->get("/status").body;
  EXPECT_NE(all.find("\"med\""), std::string::npos) << all;
  EXPECT_NE(all.find("\"ops\""), std::string::npos) << all;
  EXPECT_TRUE(wait_until(std::chrono::seconds(5), [&] {
    return metric(*agent, R"(bundlesync_active_generation{template="beta",target="ops"})") == 2;
  }));
  EXPECT_EQ(metric(*agent, R"(bundlesync_active_generation{template="alpha",target="med"})"), 2);
  EXPECT_EQ(metric(*agent, R"(bundlesync_active_generation{template="beta",target="ops"})"), 2);
  EXPECT_EQ(metric(*agent, R"(bundlesync_ready{target="ops"})"), 1);
  EXPECT_EQ(metric(*agent, "bundlesync_remote_enabled"), 1);

  const Ended which = command({"status"});
  EXPECT_EQ(which.code, 2);
  EXPECT_EQ(which.err, fmt::format("error: targets names several directories: {}, {}\nhint: --target {} says which is "
                                   "meant\n",
                                   med_.string(), ops_.string(), med_.string()));
  const Ended waited = command({"wait", "beta@1.0.0", "--target", ops_.string(), "--timeout", "5s"});
  EXPECT_EQ(waited.code, 0) << waited.err;
  EXPECT_TRUE(wait_until(std::chrono::seconds(5), [&] {
    return command({"status", "--target", ops_.string()}).out.find("beta") != std::string::npos;
  }));
  const Ended one = command({"status", "--target", ops_.string()});
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_NE(one.out.find("beta"), std::string::npos) << one.out;
}

TEST_F(Targets, OneThatIsHeldHoldsUpNoOtherAndMissesNothing) {
  const auto holder = start_on_med();
  ASSERT_TRUE(comes_to_show_in(med_, "alpha", "1.0.0")) << holder->log();
  const auto agent = start();
  agent->wait_for({"standby ", "target=med"});
  ASSERT_TRUE(comes_to_show_in(ops_, "beta", "1.0.0")) << agent->log();
  EXPECT_TRUE(comes_to_answer(*agent, "/readyz/ops", 200));
  EXPECT_EQ(agent->get("/readyz").status, 503);
  EXPECT_EQ(agent->get("/healthz").status, 200);

  holder->freeze();  // it is told nothing any more, and holds on
  move({{"alpha", "1.1.0"}, {"beta", "1.1.0"}});
  ASSERT_TRUE(comes_to_show_in(ops_, "beta", "1.1.0")) << agent->log();
  EXPECT_EQ(shown_in(med_, "alpha"), "1.0.0");
  holder->kill();
  EXPECT_TRUE(comes_to_show_in(med_, "alpha", "1.1.0")) << "what moved before it joined is not lost: " << agent->log();
  EXPECT_TRUE(comes_to_answer(*agent, "/readyz", 200));
}

TEST_F(Targets, OneThatCannotBeLockedHoldsUpNoOther) {
  fs::create_directories(med_ / "..bundlesync" / "lock");
  const auto agent = start();
  ASSERT_TRUE(comes_to_show_in(ops_, "beta", "1.0.0")) << agent->log();
  agent->wait_for({"sync_failed ", "lock: is a directory", "target=med"});
  EXPECT_EQ(agent->get("/readyz").status, 503);
  EXPECT_EQ(agent->get("/readyz/ops").status, 200);
  fs::remove(med_ / "..bundlesync" / "lock");
  EXPECT_TRUE(comes_to_show_in(med_, "alpha", "1.0.0")) << agent->log();
}

TEST_F(Targets, OneThatIsRemovedIsFilledByTheNextStart) {
  auto agent = start();
  ASSERT_TRUE(comes_to_show_in(med_, "alpha", "1.0.0")) << agent->log();
  ASSERT_TRUE(comes_to_show_in(ops_, "beta", "1.0.0")) << agent->log();
  fs::rename(ops_, home_ / "old");
  fs::create_directory(ops_);
  ASSERT_TRUE(wait_until(std::chrono::seconds(20), [&] { return !agent->running(); })) << agent->log();
  EXPECT_EQ(agent->stop().code, 1);
  EXPECT_NE(agent->log().find("the target " + ops_.string() +
                              " is not the directory that this agent opened any more\nhint: "),
            std::string::npos)
      << agent->log();
  EXPECT_EQ(shown_in(med_, "alpha"), "1.0.0") << "the other apps read what they read";

  agent = start();
  EXPECT_TRUE(comes_to_show_in(ops_, "beta", "1.0.0")) << agent->log();
}

TEST_F(Targets, WhatSomebodyRemovesFromOneIsThereAgain) {
  const auto agent = start();
  ASSERT_TRUE(comes_to_show_in(ops_, "beta", "1.0.0")) << agent->log();
  fs::remove(ops_ / "beta");
  EXPECT_TRUE(comes_to_show_in(ops_, "beta", "1.0.0")) << agent->log();
  fs::remove(ops_ / "..data");
  EXPECT_TRUE(comes_to_show_in(ops_, "beta", "1.0.0")) << agent->log();
  EXPECT_TRUE(agent->running());
}

TEST_F(Targets, OfTwoNamesAndOneDirectoryAreRefused) {
  const fs::path again = home_ / "volumes" / "again";
  fs::create_directory_symlink(med_, again);
  const Ended refused =
      command({"agent", "--once"},
              {{"BUNDLESYNC_TARGETS",
                fmt::format(R"([{{"path": "{}", "templates": "alpha"}}, {{"path": "{}", "templates": "beta"}}])",
                            med_.string(), again.string())}});
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(refused.err,
            fmt::format("error: targets {} and {} are one directory\nhint: give each a directory of its own\n",
                        med_.string(), again.string()));
}

TEST_F(Targets, OnceIsDoneWhenEachShowsSomething) {
  const Environment quiet{{"BUNDLESYNC_HTTP_LISTEN", "off"}};
  const Ended done = command({"agent", "--once", "--strict"}, quiet);
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(shown_in(med_, "alpha"), "1.0.0");
  EXPECT_EQ(shown_in(ops_, "beta"), "1.0.0");

  Environment missing = quiet;
  missing["BUNDLESYNC_TARGETS"] =
      fmt::format(R"([{{"path": "{}", "templates": "alpha"}}, {{"path": "{}", "templates": "gamma"}}])", med_.string(),
                  ops_.string());
  const Ended failed = command({"agent", "--once", "--timeout", "3s"}, missing);
  EXPECT_EQ(failed.code, 1) << failed.err;
  EXPECT_NE(failed.err.find("nothing to show for ops/gamma"), std::string::npos) << failed.err;
}

}  // namespace
}  // namespace bundlesync::tests
