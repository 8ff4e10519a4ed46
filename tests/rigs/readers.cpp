// Apps read views as fast as they can while an agent swaps them. See tests/torture.
#include "rigs/operator.hpp"
#include "rigs/versions.hpp"
#include "support/agent_process.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using namespace bundlesync::rigs;
namespace tests = bundlesync::tests;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

const std::vector<std::string> kVersions = {"1.0.0", "1.1.0"};

struct Sights {
  std::atomic<std::uint64_t> views = 0;
  std::atomic<std::uint64_t> torn = 0;
  std::atomic<std::uint64_t> missing = 0;
  std::atomic<std::uint64_t> changes = 0;
};

std::optional<std::string> read_at(int directory, const std::string& path) {
  const int file = ::openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  std::array<char, 4096> bytes{};
  const ssize_t size = ::read(file, bytes.data(), bytes.size());
  ::close(file);
  if (size < 0) return std::nullopt;
  return std::string(bytes.data(), static_cast<std::size_t>(size));
}

class App {
 public:
  App(fs::path target, const Versions& versions, Sights& sights) : path_(target / "alpha"), sights_(sights) {
    for (const auto& version : kVersions) versions_.push_back(versions.files_of(version));
  }
  /// Opens the directory, or what its path resolves to, and reads every file of it.
  void look(bool by_realpath) {
    int directory = -1;
    if (by_realpath) {
      const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path_.c_str(), nullptr), &std::free);
      if (resolved) directory = ::open(resolved.get(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    } else {
      directory = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    judge(directory);
    if (directory >= 0) ::close(directory);
  }

 private:
  void judge(int directory) {
    tests::Files seen;
    for (const auto& [path, bytes] : versions_.front()) {
      auto found = directory < 0 ? std::nullopt : read_at(directory, path);
      if (!found) {
        ++sights_.missing;
        return;
      }
      seen[path] = std::move(*found);
    }
    ++sights_.views;
    for (std::size_t i = 0; i < versions_.size(); ++i) {
      if (seen != versions_[i]) continue;
      if (std::exchange(last_, i) != i) ++sights_.changes;
      return;
    }
    ++sights_.torn;
  }

  const fs::path path_;
  Sights& sights_;
  std::vector<tests::Files> versions_;
  std::size_t last_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t views = 100'000;
  int apps = 4;
  CLI::App app("Reads views as fast as it can while an agent swaps them");
  app.add_option("--views", views, "How many")->check(CLI::PositiveNumber);
  app.add_option("--apps", apps, "Threads that read, half of them by realpath")->check(CLI::Range(2, 64));
  CLI11_PARSE(app, argc, argv);
  try {
    Versions versions(3);
    for (const auto& version : kVersions) versions.publish(version);
    const fs::path target = versions.home() / "prompts";
    fs::create_directory(target);
    versions.converge(target, versions.database());
    tests::AgentLaunch launch;
    launch.program = BUNDLESYNC_PROGRAM;
    launch.environment = versions.once(target, versions.database()).environment;
    launch.environment.erase("BUNDLESYNC_HTTP_LISTEN");
    tests::AgentProcess agent(launch);
    Operator mover(versions, kVersions, 5ms);
    std::array<Sights, 2> sights;  // by handle, by realpath
    std::atomic<bool> over = false;
    std::vector<std::thread> threads;
    for (int i = 0; i < apps; ++i) {
      threads.emplace_back([&, by_realpath = i % 2 == 1] {
        App reading(target, versions, sights[by_realpath ? 1 : 0]);
        while (!over) reading.look(by_realpath);
      });
    }
    while (sights[0].views + sights[1].views < views) std::this_thread::sleep_for(10ms);
    over = true;
    for (auto& thread : threads) thread.join();
    mover.stop();
    const int code = agent.stop().code;
    const std::uint64_t torn = sights[0].torn + sights[1].torn;
    const std::uint64_t missing = sights[0].missing + sights[1].missing;
    const std::uint64_t changes = sights[0].changes + sights[1].changes;
    fmt::print("views={} by_handle={} by_realpath={} moves={} changes_seen={} torn={} missing={}\n",
               sights[0].views + sights[1].views, sights[0].views.load(), sights[1].views.load(), mover.moves(),
               changes, torn, missing);
    return code == 0 && torn == 0 && missing == 0 && changes > 10 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
