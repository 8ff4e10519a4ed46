#pragma once

#include "support/agent_process.hpp"
#include "support/pgbouncer.hpp"
#include "support/postgres_server.hpp"
#include "support/reader.hpp"
#include "support/store.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace bundlesync::tests {

/// One template's new default.
struct DefaultMove {
  std::string template_name;
  std::string version;
};

/// A migrated database, a store, an empty target, and the real program between them. The agent logs in as a member of
/// bundlesync_agent; publishing and moving is done as the owner.
class AgentBed : public testing::Test {
 protected:
  /// Against a server that all tests of the process share, unless told otherwise.
  explicit AgentBed(PostgresServer& server = PostgresServer::shared());

  /// Publishes by `bundlesync publish` and tells the oracle. Fails the test when it does not end with 0.
  void publish(const std::string& template_name, const std::string& version, const Files& files,
               bool set_default = false);
  /// Three small files that name their template and version; one of them is the same in every version.
  void publish(const std::string& template_name, const std::string& version, bool set_default = false);
  static Files files_of(const std::string& template_name, const std::string& version);
  static std::string key(const std::string& template_name, const std::string& version, const std::string& path);

  /// The first cell of the answer; "" for null or no row.
  std::string sql(const std::string& statement);
  /// Moves defaults, all in one transaction. When it returns COMMIT has returned.
  void move(const std::vector<DefaultMove>& moves);
  void move(const std::string& template_name, const std::string& version) { move({{template_name, version}}); }
  std::string version_id(const std::string& template_name, const std::string& version);

  /// The program with our environment. `more` goes over it.
  Ended command(const std::vector<std::string>& words, const Environment& more = {});
  /// Starts an agent as launch() says, `more` over its environment.
  std::unique_ptr<AgentProcess> start(const Environment& more = {});
  AgentLaunch launch(const Environment& more = {}) const;

  /// What an app sees; fails the test when that is torn.
  std::string shown(const std::string& template_name) const;
  bool comes_to_show(const std::string& template_name, const std::string& version,
                     Patience patience = std::chrono::seconds(10)) const;
  /// The agent says of a template that it is in this state.
  static bool comes_to_say(const AgentProcess& agent, const std::string& template_name, const std::string& state,
                           Patience patience = std::chrono::seconds(10));
  /// It is shown a moment before it is acknowledged, so /readyz and the like may need that moment.
  static bool comes_to_answer(const AgentProcess& agent, const std::string& path, int status);
  /// The line of /metrics that begins with this, as a number; -1 when there is none.
  static double metric(const AgentProcess& agent, const std::string& name_and_labels);

  TempDir home_;
  PostgresServer& server_;
  std::string database_;
  Store store_;
  std::filesystem::path target_;
  Oracle oracle_;
  Environment environment_;  ///< of the agent and the commands; a test may change it
  std::string sign_with_;    ///< file of the key that publish() signs with; empty: with none

 private:
  int published_ = 0;
};

/// Asks /healthz all the time, from a thread of its own, and remembers every answer that was not 200.
class HealthWatch {
 public:
  explicit HealthWatch(int port);
  ~HealthWatch() { stop(); }
  HealthWatch(const HealthWatch&) = delete;
  HealthWatch& operator=(const HealthWatch&) = delete;

  struct Seen {
    int asked = 0;
    std::vector<int> not_ok;
  };
  Seen stop();

 private:
  Seen seen_;
  std::jthread thread_;
};

constexpr Patience one_second = std::chrono::seconds(1);

}  // namespace bundlesync::tests
