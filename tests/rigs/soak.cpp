// An agent that follows for a long time: what it takes of memory, descriptors, threads and disk stays the same. See
// tests/torture.
#include "rigs/operator.hpp"
#include "rigs/versions.hpp"
#include "support/agent_process.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <thread>

namespace {

using namespace bundlesync::rigs;
namespace tests = bundlesync::tests;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr long kDriftKibMax = 2 << 10;

struct Use {
  long rss_kib = 0;
  long descriptors = 0;
  long threads = 0;
  long disk_kib = 0;
};

long entries(const fs::path& directory) {
  std::error_code gone;
  long count = 0;
  for (auto entry = fs::directory_iterator(directory, gone); entry != fs::directory_iterator(); entry.increment(gone))
    ++count;
  return count;
}

Use use_of(pid_t pid, const fs::path& target) {
  Use use;
  const fs::path proc = fmt::format("/proc/{}", pid);
  std::ifstream status(proc / "status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) use.rss_kib = std::atol(line.c_str() + 6);
  }
  use.descriptors = entries(proc / "fd");
  use.threads = entries(proc / "task");
  std::error_code gone;
  for (auto entry = fs::recursive_directory_iterator(target, gone); entry != fs::recursive_directory_iterator();
       entry.increment(gone)) {
    if (entry->is_regular_file(gone)) use.disk_kib += static_cast<long>(entry->file_size(gone)) / 1024;
  }
  return use;
}

}  // namespace

int main(int argc, char** argv) {
  double minutes = 1;
  CLI::App app("Follows many moves of a default, and counts what it takes");
  app.add_option("--minutes", minutes, "For how long")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    Versions versions(20);
    std::vector<std::string> cycle{"1.0.0", "1.1.0", "1.2.0"};
    for (const auto& version : cycle) versions.publish(version);
    const fs::path target = versions.home() / "prompts";
    fs::create_directory(target);
    tests::AgentLaunch launch;
    launch.program = BUNDLESYNC_PROGRAM;
    // All that lasts is soon as it will be for ever; the trees and views of an hour of moves would not be.
    launch.environment = versions
                             .once(target, versions.database(),
                                   {{"BUNDLESYNC_RETENTION_AGE", "10s"}, {"BUNDLESYNC_SCRUB_INTERVAL", "5s"}})
                             .environment;
    launch.environment.erase("BUNDLESYNC_HTTP_LISTEN");
    tests::AgentProcess agent(launch);
    if (!tests::wait_until(30s, [&] { return !tests::view_link(target).empty(); }))
      throw std::runtime_error(agent.log());

    Operator moves(versions, cycle, 200ms);
    const auto length = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(minutes * 60));
    std::this_thread::sleep_for(length / 5);  // warm
    const Use before = use_of(agent.pid(), target);
    Use most = before;
    const auto end = Clock::now() + length * 4 / 5;
    while (Clock::now() < end) {
      std::this_thread::sleep_for(1s);
      (void)agent.get("/metrics");
      const Use now = use_of(agent.pid(), target);
      most.rss_kib = std::max(most.rss_kib, now.rss_kib);
      most.disk_kib = std::max(most.disk_kib, now.disk_kib);
    }
    moves.stop();
    const bool converged = tests::wait_until(
        10s, [&] { return tests::Reader(target, versions.oracle()).look("alpha").version == moves.wanted(); });
    std::this_thread::sleep_for(1s);
    const Use after = use_of(agent.pid(), target);
    fmt::print(
        "soak_minutes={:.0f} moves={} rss_kib_before={} rss_kib_after={} rss_kib_most={} descriptors_before={} "
        "descriptors_after={} threads_before={} threads_after={} disk_kib_before={} disk_kib_after={} disk_kib_most={} "
        "stuck={}\n",
        minutes, moves.moves(), before.rss_kib, after.rss_kib, most.rss_kib, before.descriptors, after.descriptors,
        before.threads, after.threads, before.disk_kib, after.disk_kib, most.disk_kib, converged ? 0 : 1);
    const bool flat = after.rss_kib - before.rss_kib < kDriftKibMax && after.descriptors <= before.descriptors &&
                      after.threads <= before.threads;
    return flat && converged && agent.running() ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
