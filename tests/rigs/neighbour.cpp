// A hostile neighbour with the agent's own rights puts links to elsewhere in place of the agent's directories, back and
// forth, while it follows. Nothing elsewhere may be read, made, changed or removed. See tests/torture.
#include "rigs/operator.hpp"
#include "rigs/versions.hpp"
#include "support/agent_process.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <fstream>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using namespace bundlesync::rigs;
namespace tests = bundlesync::tests;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

const std::vector<std::string> kVersions = {"1.0.0", "1.1.0", "1.2.0", "1.3.0"};

/// One place below the target and the link that takes its turn there.
struct Spot {
  fs::path place;
  fs::path link;
};

/// True when place and link changed places, at once.
bool exchange(const Spot& spot) {
  return ::renameat2(AT_FDCWD, spot.place.c_str(), AT_FDCWD, spot.link.c_str(), RENAME_EXCHANGE) == 0;
}

/// Elsewhere: what an agent that is led astray would find to write into, to remove and to read.
void furnish(const fs::path& elsewhere) {
  for (const std::string directory :
       {"trees/alpha/1.0.0-stray", "views/1", "state", "cache", "alpha/.stage-stray", "stray"}) {
    fs::create_directories(elsewhere / directory);
    std::ofstream(elsewhere / directory / "precious") << "not the agent's\n";
  }
  std::ofstream(elsewhere / "lock") << "not the agent's\n";
}

std::vector<Spot> spots(const fs::path& target, const fs::path& elsewhere, const fs::path& links) {
  const fs::path own = target / "..bundlesync";
  const std::vector<std::pair<fs::path, fs::path>> all = {{own, elsewhere},
                                                          {own / "trees", elsewhere / "trees"},
                                                          {own / "trees" / "alpha", elsewhere / "alpha"},
                                                          {own / "views", elsewhere / "views"},
                                                          {own / "state", elsewhere / "state"},
                                                          {own / "cache", elsewhere / "cache"},
                                                          {target / "..data", elsewhere / "stray"},
                                                          {target / "alpha", elsewhere / "stray"}};
  std::vector<Spot> found;
  for (const auto& [place, to] : all) {
    if (!fs::exists(fs::symlink_status(place))) continue;
    const fs::path link = links / fmt::format("link-{}", found.size());
    fs::create_symlink(to, link);
    found.push_back({place, link});
  }
  return found;
}

std::string last_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t swaps_wanted = 4'000;
  CLI::App app("Swaps the agent's directories for links to elsewhere while it follows");
  app.add_option("--swaps", swaps_wanted, "How many")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    Versions versions(6);
    for (const auto& version : kVersions) versions.publish(version);
    const fs::path target = versions.home() / "prompts";
    const fs::path elsewhere = versions.home() / "elsewhere";
    const fs::path links = versions.home() / "links";
    for (const auto& directory : {target, elsewhere, links}) fs::create_directory(directory);
    fs::permissions(target, fs::perms::all);
    furnish(elsewhere);
    // Nothing is kept: every move downloads, stages and removes.
    const tests::Environment keep_nothing = {
        {"BUNDLESYNC_RETENTION_AGE", "0s"}, {"BUNDLESYNC_RETENTION_COUNT", "0"}, {"BUNDLESYNC_CACHE_TTL", "0s"}};
    versions.converge(target, versions.database(), keep_nothing);
    const auto before = tests::fingerprint(elsewhere);
    const auto all = spots(target, elsewhere, links);
    tests::AgentLaunch launch;
    launch.program = BUNDLESYNC_PROGRAM;
    launch.environment = versions.once(target, versions.database(), keep_nothing).environment;
    launch.environment.erase("BUNDLESYNC_HTTP_LISTEN");
    auto agent = std::make_unique<tests::AgentProcess>(launch);
    Operator mover(versions, kVersions, 20ms);
    std::uint64_t swaps = 0;
    std::uint64_t restarts = 0;
    for (std::uint64_t turn = 0; swaps < swaps_wanted; ++turn) {
      const Spot& spot = all[turn % all.size()];
      if (exchange(spot)) {
        ++swaps;
        std::this_thread::sleep_for(std::chrono::microseconds(50 + turn % 400));
        // The agent may have made the place anew meanwhile: the link goes where it is, or stays away.
        if (fs::is_symlink(fs::symlink_status(spot.place)) && exchange(spot)) ++swaps;
        if (!fs::is_symlink(fs::symlink_status(spot.link))) {
          std::error_code ignored;
          fs::remove_all(spot.link, ignored);
        }
      }
      if (!fs::exists(fs::symlink_status(spot.link))) {
        std::error_code ignored;
        fs::create_symlink(elsewhere, spot.link, ignored);
      }
      if (!agent->running()) {
        ++restarts;
        fmt::print(stderr, "the agent ended with {}: {}\n", agent->stop().code, last_line(agent->log()));
        agent = std::make_unique<tests::AgentProcess>(launch);
      }
    }
    mover.stop();
    (void)agent->stop();
    const auto after = tests::fingerprint(elsewhere);
    std::uint64_t outside = 0;
    for (const auto& [path, facts] : after) {
      const auto found = before.find(path);
      if (found != before.end() && found->second == facts) continue;
      ++outside;
      fmt::print(stderr, "FAILED {} was made or changed\n", path);
    }
    for (const auto& [path, facts] : before) {
      if (after.contains(path)) continue;
      ++outside;
      fmt::print(stderr, "FAILED {} was removed\n", path);
    }
    // Left alone, the agent mends what is its own.
    std::string stuck = "0";
    try {
      versions.converge(target, versions.database());
    } catch (const std::exception& error) {
      stuck = "1";
      fmt::print(stderr, "FAILED left alone it does not converge: {}\n", error.what());
    }
    fmt::print("swaps={} moves={} restarts={} outside={} stuck={}\n", swaps, mover.moves(), restarts, outside, stuck);
    return outside == 0 && stuck == "0" ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
