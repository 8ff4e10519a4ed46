// Many agents while PostgreSQL restarts again and again, cleanly and by a crash. See tests/torture.
#include "rigs/versions.hpp"
#include "support/agent_process.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace bundlesync::rigs;
namespace tests = bundlesync::tests;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::array kVersions = {"1.0.0", "1.1.0", "1.2.0"};
constexpr auto kCalm = 35s;  ///< of reliability: within this time after the last restart all show what is wanted

class Fleet {
 public:
  Fleet(Versions& versions, int size) : versions_(versions) {
    for (int i = 0; i < size; ++i) {
      const fs::path target = versions.home() / fmt::format("prompts-{}", i);
      fs::create_directory(target);
      tests::AgentLaunch launch;
      launch.program = BUNDLESYNC_PROGRAM;
      launch.environment = versions.once(target, versions.database()).environment;
      launch.environment.erase("BUNDLESYNC_HTTP_LISTEN");
      targets_.push_back(target);
      agents_.push_back(std::make_unique<tests::AgentProcess>(launch));
    }
  }
  std::size_t behind(const std::string& version) const {
    return static_cast<std::size_t>(std::ranges::count_if(targets_, [&](const fs::path& target) {
      return tests::Reader(target, versions_.oracle()).look("alpha").version != version;
    }));
  }
  std::size_t ended() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(agents_, [](const auto& agent) { return !agent->running(); }));
  }
  std::size_t size() const { return targets_.size(); }

 private:
  Versions& versions_;
  std::vector<fs::path> targets_;
  std::vector<std::unique_ptr<tests::AgentProcess>> agents_;
};

}  // namespace

int main(int argc, char** argv) {
  int size = 30;
  int restarts = 3;
  CLI::App app("Restarts PostgreSQL again and again under many agents");
  app.add_option("--agents", size, "How many agents")->check(CLI::Range(1, 300));
  app.add_option("--restarts", restarts, "How often, every five seconds")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    Versions versions(3);
    versions.server().set("max_connections", "400");
    versions.server().restart();
    for (const auto* version : kVersions) versions.publish(version);
    Fleet fleet(versions, size);
    const std::string last = kVersions.back();
    const bool all_there = tests::wait_until(120s, [&] { return fleet.behind(last) == 0; });
    if (!all_there) throw std::runtime_error("the agents did not start");
    std::string wanted = last;
    for (int i = 0; i < restarts; ++i) {
      versions.server().restart(i % 2 == 0 ? tests::StopMode::immediate : tests::StopMode::fast);
      wanted = kVersions.at(static_cast<std::size_t>(i) % kVersions.size());
      versions.move(wanted);
      std::this_thread::sleep_for(5s);
    }
    versions.server().restart();
    wanted = wanted == kVersions[0] ? kVersions[1] : kVersions[0];
    versions.move(wanted);
    const auto calm = Clock::now();
    const bool converged = tests::wait_until(kCalm, [&] { return fleet.behind(wanted) == 0; });
    const std::chrono::duration<double> took = Clock::now() - calm;
    const std::size_t behind = converged ? 0 : fleet.behind(wanted);
    fmt::print("agents={} restarts={} stuck={} ended={} slowest_seconds={:.1f}\n", size, restarts + 1, behind,
               fleet.ended(), took.count());
    return behind == 0 && fleet.ended() == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
