// How fast and how steadily an agent follows: see tests/bench/flips.
#include "support/agent_process.hpp"
#include "support/postgres_server.hpp"
#include "support/store.hpp"
#include "support/temp_dir.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using namespace bundlesync::tests;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int files_in_bundle = 50;
constexpr int bytes_in_file = 4096;
constexpr int flips_before_idle = 20;  // both versions on disk, every code path warm

/// A target, a database and an agent between them.
class Bed {
 public:
  Bed();
  void flip();

  struct Flip {
    double from_sent_ms;      ///< COMMIT was handed to the socket → another view is there
    double from_returned_ms;  ///< the server's answer to COMMIT was read → another view is there; may be negative
  };
  std::vector<Flip> flips;

  std::size_t memory_kib(const std::string& what) const;
  std::size_t descriptors() const;
  std::size_t threads() const;

 private:
  void publish(const std::string& version);
  std::string link() const;

  TempDir home_;
  PostgresServer server_;
  std::string database_ = server_.create_migrated_database();
  Store store_{home_ / "store"};
  fs::path target_ = home_ / "prompts";
  Environment environment_;
  std::unique_ptr<AgentProcess> agent_;
  std::unique_ptr<bundlesync::catalog::Session> session_;
  int moved_ = 0;
};

Bed::Bed() {
  fs::create_directory(target_);
  server_.exec(database_, "create role prompts_agent login in role bundlesync_agent");
  environment_ = {{"BUNDLESYNC_TARGET", target_.string()},
                  {"BUNDLESYNC_TEMPLATES", "alpha"},
                  {"BUNDLESYNC_DATABASE_URL", server_.url(database_, "prompts_agent")},
                  {"BUNDLESYNC_STORAGE_URL", store_.url()},
                  {"FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE", "true"}};
  publish("1.0.0");
  publish("1.1.0");
  AgentLaunch launch;
  launch.program = BUNDLESYNC_PROGRAM;
  launch.environment = environment_;
  agent_ = std::make_unique<AgentProcess>(launch);
  agent_->wait_for({"activate ", "alpha=-→"});
  session_ = std::make_unique<bundlesync::catalog::Session>(server_.connect(database_));
}

void Bed::publish(const std::string& version) {
  const fs::path bundle = home_ / version;
  fs::create_directory(bundle);
  for (int i = 0; i < files_in_bundle; ++i) {
    std::ofstream file(bundle / fmt::format("part-{:02}.md", i));
    for (int line = 0; line < bytes_in_file / 32; ++line) file << fmt::format("{:<31}\n", version);
  }
  Command command;
  command.words = {BUNDLESYNC_PROGRAM, "publish", bundle.string(), "--template", "alpha",
                   "--version",        version,   "--set-default"};
  command.environment = environment_;
  command.environment["BUNDLESYNC_DATABASE_URL"] = server_.url(database_);
  const Ended ended = run(command);
  if (ended.code != 0) throw std::runtime_error(ended.err);
}

std::string Bed::link() const {
  char text[256];
  const auto path = target_ / "..data";
  const ssize_t size = ::readlink(path.c_str(), text, sizeof text);
  return std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0);
}

void Bed::flip() {
  const std::string before = link();
  (void)value_of(session_->exec(
      fmt::format("begin; update public.templates set default_version_id = (select id from public.template_versions "
                  "where semver = '{}')",
                  moved_++ % 2 == 0 ? "1.0.0" : "1.1.0")));
  // Looks all the time: one readlink takes about a microsecond.
  std::atomic<bool> looking = false;
  Clock::time_point seen;
  std::jthread watch([&] {
    const auto until = Clock::now() + std::chrono::seconds(10);
    looking = true;
    while (link() == before && Clock::now() < until) {
    }
    seen = Clock::now();
  });
  while (!looking) std::this_thread::yield();
  const auto sent = Clock::now();
  (void)value_of(session_->exec("commit"));
  const auto returned = Clock::now();
  watch.join();
  if (link() == before) throw std::runtime_error("a move was not followed within 10 s:\n" + agent_->log());
  const auto ms = [](Clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); };
  flips.push_back(Flip{ms(seen - sent), ms(seen - returned)});
  // Moves come when the one before is done with; otherwise we would measure the queue.
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

std::size_t Bed::memory_kib(const std::string& what) const {
  std::ifstream status(fmt::format("/proc/{}/status", agent_->pid()));
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == what + ":" && status >> kib) return kib;
  }
  throw std::runtime_error("no " + what + " of the agent");
}

std::size_t count(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}
std::size_t Bed::descriptors() const {
  return count(fmt::format("/proc/{}/fd", agent_->pid()));
}
std::size_t Bed::threads() const {
  return count(fmt::format("/proc/{}/task", agent_->pid()));
}

double percentile(std::vector<double> values, double part) {
  std::ranges::sort(values);
  return values.at(static_cast<std::size_t>(part * static_cast<double>(values.size() - 1)));
}

void print_times(const std::string& what, const std::vector<double>& values) {
  fmt::print("{:<28} p50 {:6.2f} ms   p99 {:6.2f} ms   max {:6.2f} ms\n", what, percentile(values, 0.5),
             percentile(values, 0.99), percentile(values, 1));
}

void measure(int flips_wanted) {
  Bed bed;
  for (int i = 0; i < flips_before_idle; ++i) bed.flip();
  bed.flips.clear();
  std::this_thread::sleep_for(std::chrono::seconds(3));
  const auto rss = bed.memory_kib("VmRSS");
  const auto descriptors = bed.descriptors();
  const auto threads = bed.threads();
  const auto begun = Clock::now();
  for (int i = 0; i < flips_wanted; ++i) bed.flip();
  const std::chrono::duration<double> took = Clock::now() - begun;
  std::this_thread::sleep_for(std::chrono::seconds(3));

  std::vector<double> sent;
  std::vector<double> returned;
  for (const auto& flip : bed.flips) {
    sent.push_back(flip.from_sent_ms);
    returned.push_back(flip.from_returned_ms);
  }
  fmt::print("{} flips of a bundle of {} files of {} bytes in {:.1f} s, both versions on disk\n", flips_wanted,
             files_in_bundle, bytes_in_file, took.count());
  print_times("COMMIT sent -> visible", sent);
  print_times("COMMIT returned -> visible", returned);
  fmt::print("{:<28} idle {} KiB   after {} KiB   peak {} KiB\n", "RSS", rss, bed.memory_kib("VmRSS"),
             bed.memory_kib("VmHWM"));
  fmt::print("{:<28} idle {}   after {}\n", "descriptors", descriptors, bed.descriptors());
  fmt::print("{:<28} idle {}   after {}\n", "threads", threads, bed.threads());
  fmt::print(
      "How: steady clock of this process, read before COMMIT is sent, after its answer, and when readlink ..data "
      "first\n"
      "gives another view, in a loop without pause (which takes a core of this machine of {}). PostgreSQL on "
      "loopback,\n"
      "fsync off; the agent's own fsyncs on {}. Idle is 3 s after {} flips, after is 3 s after the last; both from "
      "/proc.\n",
      std::thread::hardware_concurrency(), fs::temp_directory_path().string(), flips_before_idle);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    measure(argc > 1 ? std::max(1, std::atoi(argv[1])) : 1'000);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
