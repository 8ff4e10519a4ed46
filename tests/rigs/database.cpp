// What can happen to a PostgreSQL, and to the way there, under an agent that follows it: no change is lost. Each fault
// has a server, an agent and a thread of its own, so that the waiting overlaps. See tests/torture.
#include "rigs/relay.hpp"
#include "rigs/versions.hpp"
#include "support/agent_process.hpp"
#include "support/pgbouncer.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace bundlesync::rigs;
namespace tests = bundlesync::tests;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kFound = 30s;  ///< a peer that is gone is noticed within this time
constexpr auto kCalm = 35s;   ///< and what changed meanwhile is shown so soon after it is back

/// What came of all faults together; threads add to it.
struct Tally {
  std::atomic<int> faults = 0, changes = 0, lost = 0, not_found = 0, went_back = 0, broken = 0;
  std::atomic<int> pooler_detected = 0, polling_took_over = 0;
  std::atomic<long> slowest_found_ms = 0, slowest_shown_ms = 0;
  int bad() const { return lost + not_found + went_back + broken; }
};

void raise(std::atomic<long>& most, Clock::time_point since) {
  const long took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count();
  for (long known = most; took > known && !most.compare_exchange_weak(known, took);) {
  }
}

/// A server with two versions of alpha, and how to start an agent that follows it.
class Place {
 public:
  explicit Place(Tally& tally) : tally_(tally) {
    versions_.publish("1.0.0");
    versions_.publish("1.1.0");
    target_ = versions_.home() / "prompts";
    fs::create_directory(target_);
  }

  tests::PostgresServer& server() { return versions_.server(); }
  const std::string& database() const { return versions_.database(); }

  void start(const std::string& url, const tests::Environment& more = {}) {
    tests::AgentLaunch launch;
    launch.program = BUNDLESYNC_PROGRAM;
    launch.environment = versions_.once(target_, versions_.database(), more).environment;
    launch.environment.erase("BUNDLESYNC_HTTP_LISTEN");
    launch.environment["BUNDLESYNC_LOG_FORMAT"] = "json";
    launch.environment["BUNDLESYNC_DATABASE_URL"] = url;
    agent_ = std::make_unique<tests::AgentProcess>(launch);
    if (!tests::wait_until(30s, [&] { return shows(wanted_); }))
      throw std::runtime_error("it does not start: " + agent_->log());
  }
  void start() { start(server().url(database(), "prompts_agent")); }
  tests::AgentProcess& agent() { return *agent_; }

  /// Moves the default to the other version; `where` may be another server with the same data.
  void change(const tests::PostgresServer& where) {
    wanted_ = wanted_ == "1.1.0" ? "1.0.0" : "1.1.0";
    where.exec(database(),
               fmt::format("update public.templates set default_version_id = (select v.id from "
                           "public.template_versions v where v.template_id = templates.id and v.semver = '{}')",
                           wanted_));
    ++tally_.changes;
  }
  void change() { change(server()); }

  /// Since `calm` nothing stands in the way any more.
  void expect_shown(Clock::time_point calm, const char* what) {
    ++tally_.faults;
    const bool is_shown = tests::wait_until(kCalm, [&] { return shows(wanted_); });
    raise(tally_.slowest_shown_ms, calm);
    if (!is_shown) complain(tally_.lost, what, "the change is not shown");
    const auto generation = agent_->status_of("alpha");
    const auto* number = generation.if_contains("generation");
    const auto now = number == nullptr || !number->is_int64() ? 0 : number->as_int64();
    if (now < generation_) complain(tally_.went_back, what, "its generation fell");
    generation_ = std::max(generation_, now);
  }
  /// Since `begun` the server is gone, whether or not anything says so.
  void expect_found(Clock::time_point begun, const char* what) {
    const auto lines = [&] { return agent_->messages_with({"lost source=database"}).size(); };
    const bool found = tests::wait_until(kFound, [&] { return lines() > lost_lines_; });
    raise(tally_.slowest_found_ms, begun);
    if (!found) complain(tally_.not_found, what, "it does not notice");
    lost_lines_ = lines();
  }
  void complain(std::atomic<int>& count, const char* what, const char* why) {
    ++count;
    fmt::print(stderr, "FAILED {}: {}\n{}\n", what, why, agent_->log());
  }

 private:
  bool shows(const std::string& version) {
    return tests::Reader(target_, versions_.oracle()).look("alpha").version == version;
  }

  Tally& tally_;
  Versions versions_{3};
  fs::path target_;
  std::unique_ptr<tests::AgentProcess> agent_;
  std::string wanted_ = "1.1.0";
  std::int64_t generation_ = 0;
  std::size_t lost_lines_ = 0;
};

void crashes(Tally& tally, int rounds) {
  Place place(tally);
  place.start();
  for (int i = 0; i < rounds; ++i) {
    place.server().restart(i % 2 == 0 ? tests::StopMode::immediate : tests::StopMode::fast);
    place.change();
    place.expect_shown(Clock::now(), "killed and restarted");
  }
}

void terminates(Tally& tally, int rounds) {
  Place place(tally);
  place.start();
  for (int i = 0; i < rounds; ++i) {
    place.server().exec("postgres",
                        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'prompts_agent'");
    place.change();
    place.expect_shown(Clock::now(), "terminated");
  }
}

void freezes(Tally& tally, int rounds) {
  Place place(tally);
  place.start();
  for (int i = 0; i < rounds; ++i) {
    place.server().freeze();
    place.expect_found(Clock::now(), "frozen");
    place.server().thaw();
    place.change();
    place.expect_shown(Clock::now(), "frozen");
  }
}

/// The default moves while nothing passes.
void swallows(Tally& tally, int rounds) {
  Place place(tally);
  Relay relay(place.server().port());
  place.start(fmt::format("postgresql://prompts_agent@127.0.0.1:{}/{}", relay.port(), place.database()));
  for (int i = 0; i < rounds; ++i) {
    relay.swallow(true);
    const auto begun = Clock::now();
    place.change();
    place.expect_found(begun, "black hole");
    relay.swallow(false);
    place.expect_shown(Clock::now(), "black hole");
  }
}

/// The network is back after a moment, and has forgotten every connection.
void forgets(Tally& tally, int rounds) {
  Place place(tally);
  Relay relay(place.server().port());
  place.start(fmt::format("postgresql://prompts_agent@127.0.0.1:{}/{}", relay.port(), place.database()));
  for (int i = 0; i < rounds; ++i) {
    relay.swallow(true);
    const auto begun = Clock::now();
    place.change();
    std::this_thread::sleep_for(500ms);
    relay.swallow(false);
    place.expect_found(begun, "forgotten connection");
    place.expect_shown(Clock::now(), "forgotten connection");
  }
}

void fails_over(Tally& tally, int) {
  Place place(tally);
  const auto standby = tests::PostgresServer::standby_of(place.server());
  place.start(fmt::format("postgresql://prompts_agent@127.0.0.1:{},127.0.0.1:{}/{}", place.server().port(),
                          standby->port(), place.database()));
  place.change();
  place.expect_shown(Clock::now(), "before the failover");
  // What the standby has not got is not the agent's loss.
  if (!tests::wait_until(10s, [&] { return standby->has_all_of(place.server()); })) throw std::runtime_error("it lags");
  place.server().stop(tests::StopMode::immediate);
  standby->exec("postgres", "select pg_promote()");
  place.change(*standby);
  place.expect_shown(Clock::now(), "failed over");
}

void behind_a_pooler(Tally& tally, int rounds) {
  Place place(tally);
  const tests::PgBouncer pooler(place.server(), "transaction", {"postgres", "prompts_agent"});
  place.start(pooler.url(place.database(), "prompts_agent"), {{"BUNDLESYNC_POLL_INTERVAL", "2s"}});
  const auto says_poll = [&] { return !place.agent().messages_with({"mode mode=poll", "hint="}).empty(); };
  if (tests::wait_until(30s, says_poll)) ++tally.pooler_detected;
  for (int i = 0; i < rounds; ++i) {
    place.change();
    place.expect_shown(Clock::now(), "behind a pooler");
  }
  if (tally.pooler_detected > 0) ++tally.polling_took_over;
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 1;
  CLI::App app("Lets a PostgreSQL, and the way there, fail in every way under an agent");
  app.add_option("--rounds", rounds, "How often each fault")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  Tally tally;
  {
    std::vector<std::jthread> threads;
    for (const auto story : {crashes, terminates, freezes, swallows, forgets, fails_over, behind_a_pooler}) {
      threads.emplace_back([&tally, story, rounds] {
        try {
          story(tally, rounds);
        } catch (const std::exception& error) {
          ++tally.broken;
          fmt::print(stderr, "error: {}\n", error.what());
        }
      });
    }
  }
  fmt::print(
      "database_faults={} changes={} changes_lost={} not_found={} generations_back={} broken={} slowest_found_ms={} "
      "slowest_shown_ms={} pooler_detected={} polling_took_over={}\n",
      tally.faults.load(), tally.changes.load(), tally.lost.load(), tally.not_found.load(), tally.went_back.load(),
      tally.broken.load(), tally.slowest_found_ms.load(), tally.slowest_shown_ms.load(), tally.pooler_detected.load(),
      tally.polling_took_over.load());
  return tally.bad() == 0 && tally.polling_took_over == 1 ? 0 : 1;
}
