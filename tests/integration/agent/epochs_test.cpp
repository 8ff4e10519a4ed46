#include "bed.hpp"

#include <fmt/format.h>

// A restored database knows less than agents have accepted: they hold until people say that it is a new life.
namespace bundlesync::tests {
namespace {

class Epochs : public AgentBed {
 protected:
  Epochs() {
    publish("alpha", "1.0.0", true);
    publish("alpha", "1.1.0");
    environment_["BUNDLESYNC_POLL_INTERVAL"] = "1s";
  }
  void dump() { run_server_program("pg_dump", {"-Fc", "-f", dump_file(), database_}); }
  void restore() {
    server_.exec("postgres", fmt::format("drop database {} with (force)", database_));
    server_.exec("postgres", fmt::format("create database {}", database_));
    run_server_program("pg_restore", {"-d", database_, dump_file()});
  }

 private:
  std::string dump_file() const { return home_ / "dump"; }
  void run_server_program(const std::string& program, const std::vector<std::string>& words) {
    Command command;
    command.words = {PostgresServer::binary(program),
                     "-h",
                     server_.socket_dir(),
                     "-p",
                     std::to_string(server_.port()),
                     "-U",
                     "postgres"};
    command.words.insert(command.words.end(), words.begin(), words.end());
    const Ended ended = run(command);
    ASSERT_EQ(ended.code, 0) << ended.err;
  }
};

TEST_F(Epochs, ARestoredDumpIsHeldUntilANewEpochHealsOldAndNewAgents) {
  const auto old = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << old->log();
  dump();
  for (int i = 0; i < 5; ++i) {
    move("alpha", "1.1.0");
    move("alpha", i < 4 ? "1.0.0" : "1.1.0");
    sql("update templates set enabled = not enabled; update templates set enabled = not enabled");
  }
  ASSERT_TRUE(comes_to_show("alpha", "1.1.0")) << old->log();
  ASSERT_TRUE(comes_to_say(*old, "alpha", "current")) << old->log();

  restore();
  const auto line = old->wait_for({"hold template=alpha", "epoch=same"}, std::chrono::seconds(15));
  EXPECT_NE(line.find("bundlesync catalog new-epoch"), std::string::npos) << line;
  EXPECT_EQ(shown("alpha"), "1.1.0");
  EXPECT_EQ(metric(*old, R"(bundlesync_held{template="alpha"})"), 1);
  EXPECT_TRUE(comes_to_answer(*old, "/readyz", 200));

  const Ended healed = command({"catalog", "new-epoch", "--reason", "restored from last night"},
                               {{"BUNDLESYNC_DATABASE_URL", server_.url(database_)}});
  ASSERT_EQ(healed.code, 0) << healed.err;
  EXPECT_TRUE(comes_to_show("alpha", "1.0.0")) << old->log();
  EXPECT_TRUE(comes_to_say(*old, "alpha", "current")) << old->log();

  const std::filesystem::path second = home_ / "second";
  std::filesystem::create_directory(second);
  const auto born_later = start({{"BUNDLESYNC_TARGET", second.string()}});
  EXPECT_TRUE(wait_until(std::chrono::seconds(10), [&] {
    return Reader(second, oracle_).look("alpha").version == "1.0.0";
  })) << born_later->log();
  move("alpha", "1.1.0");
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0")) << old->log();
  EXPECT_TRUE(wait_until(std::chrono::seconds(10), [&] {
    return Reader(second, oracle_).look("alpha").version == "1.1.0";
  })) << born_later->log();
}

TEST_F(Epochs, WhatWasAcceptedIsRememberedAcrossRestarts) {
  {
    const auto first = start();
    ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << first->log();
    dump();
    move("alpha", "1.1.0");
    ASSERT_TRUE(comes_to_show("alpha", "1.1.0")) << first->log();
    ASSERT_EQ(first->stop().code, 0);
  }
  restore();
  const auto second = start();
  second->wait_for({"hold template=alpha", "epoch=same"});
  EXPECT_EQ(shown("alpha"), "1.1.0");
}

}  // namespace
}  // namespace bundlesync::tests
