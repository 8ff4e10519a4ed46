// The agent is killed at random moments while defaults move and apps read. See tests/torture.
#include "rigs/operator.hpp"
#include "rigs/versions.hpp"
#include "support/agent_process.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace {

using namespace bundlesync::rigs;
namespace tests = bundlesync::tests;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::array kVersions = {"1.0.0", "1.1.0", "1.2.0"};

/// Apps that read all the time.
class Readers {
 public:
  Readers(const fs::path& target, const tests::Oracle& oracle, int count) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this, target, &oracle] { read(target, oracle); });
  }
  ~Readers() { stop(); }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  void stop() {
    over_ = true;
    for (auto& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  std::atomic<std::uint64_t> views = 0;
  std::atomic<std::uint64_t> torn = 0;
  std::atomic<std::uint64_t> missing = 0;
  std::atomic<std::uint64_t> changes = 0;

 private:
  void read(const fs::path& target, const tests::Oracle& oracle) {
    tests::Reader reader(target, oracle);
    std::string last;
    while (!over_) {
      const auto seen = reader.look("alpha");
      ++views;
      if (seen.torn) ++torn;
      if (!seen.torn && seen.version.empty()) ++missing;
      if (std::exchange(last, seen.version) != seen.version) ++changes;
      std::this_thread::sleep_for(200us);  // two cores are enough for everybody
    }
  }
  std::atomic<bool> over_ = false;
  std::vector<std::thread> threads_;
};

/// True when the target comes to show the version.
bool converges(const fs::path& target, const tests::Oracle& oracle, const std::string& version) {
  tests::Reader reader(target, oracle);
  return tests::wait_until(30s, [&] { return reader.look("alpha").version == version; });
}

}  // namespace

int main(int argc, char** argv) {
  int kills = 200;
  int readers_count = 4;
  std::uint32_t seed = std::random_device()();
  CLI::App app("Kills a following agent at random moments");
  app.add_option("--kills", kills, "How often")->check(CLI::PositiveNumber);
  app.add_option("--readers", readers_count, "Apps that read all the time")->check(CLI::Range(1, 64));
  app.add_option("--seed", seed, "Of the moments");
  CLI11_PARSE(app, argc, argv);
  try {
    Versions versions(20);
    for (const auto* version : kVersions) versions.publish(version);
    const fs::path target = versions.home() / "prompts";
    fs::create_directory(target);
    tests::AgentLaunch launch;
    launch.program = BUNDLESYNC_PROGRAM;
    launch.environment = versions.once(target, versions.database()).environment;
    launch.environment.erase("BUNDLESYNC_HTTP_LISTEN");
    versions.converge(target, versions.database());
    Readers readers(target, versions.oracle(), readers_count);
    Operator mover(versions, {kVersions.begin(), kVersions.end()}, 17ms);
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> moment(0, 90);
    std::uint64_t stuck = 0;
    int killed = 0;
    for (; killed < kills && stuck == 0; ++killed) {
      tests::AgentProcess agent(launch);
      std::this_thread::sleep_for(std::chrono::milliseconds(moment(random)));
      agent.kill();
      if (killed % 50 != 49) continue;
      mover.hold(true);
      tests::AgentProcess survivor(launch);
      if (!converges(target, versions.oracle(), mover.wanted())) {
        ++stuck;
        fmt::print(stderr, "FAILED after {} kills (--seed {}): {} is not shown: {}\n", killed + 1, seed, mover.wanted(),
                   survivor.log());
      }
      (void)survivor.stop();
      mover.hold(false);
    }
    mover.stop();
    readers.stop();
    versions.converge(target, versions.database());
    fmt::print("kills={} moves={} readers={} views={} changes={} torn={} missing={} stuck={} stages={}\n", killed,
               mover.moves(), readers_count, readers.views.load(), readers.changes.load(), readers.torn.load(),
               readers.missing.load(), stuck, stages_below(target));
    const bool good = readers.torn == 0 && readers.missing == 0 && stuck == 0 && readers.changes > 0;
    return good && stages_below(target) == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
