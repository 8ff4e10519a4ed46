// Twenty-odd storages that lie, each to an agent of its own: nothing that they say is ever shown, and meanwhile
// notifications are served. See tests/torture.
#include "rigs/lies.hpp"
#include "rigs/versions.hpp"
#include "support/agent_process.hpp"
#include "support/liar_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>
#include <vector>

namespace {

using namespace bundlesync::rigs;
namespace tests = bundlesync::tests;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// The longest phase (the wait for a first byte), and what the yardstick allows beyond it.
constexpr auto kDeadline = 15s + 2s;
/// What the yardstick allows, and what two kernels keep between them unread.
constexpr std::uint64_t kUnreadBytesMax = (64 << 10) + (1 << 20);
constexpr long kGrownKibMax = 6 << 10;

/// Templates alpha and beta in a database and a store.
class Library {
 public:
  Library() { server_.exec(database_, "create role prompts_agent login in role bundlesync_agent"); }

  static tests::Files files_of(const std::string& name, const std::string& version) {
    return {{"master.md", fmt::format("# {} {}\n{}\n", name, version, std::string(8000, 'x'))},
            {"other.md", fmt::format("{} {} too\n", name, version)}};
  }
  void publish(const std::string& name, const std::string& version, bool set_default) {
    const auto files = files_of(name, version);
    const fs::path bundle = home_ / (name + version);
    fs::create_directories(bundle);
    for (const auto& [path, bytes] : files) std::ofstream(bundle / path, std::ios::binary) << bytes;
    std::vector<std::string> words{BUNDLESYNC_PROGRAM, "publish", bundle, "--template", name, "--version", version};
    if (set_default) words.emplace_back("--set-default");
    const auto ended =
        tests::run({words,
                    {{"BUNDLESYNC_DATABASE_URL", server_.url(database_)}, {"BUNDLESYNC_STORAGE_URL", store_.url()}},
                    {},
                    {}});
    if (ended.code != 0) throw std::runtime_error("publish: " + ended.err);
    oracle_.add(name, version, files);
  }
  void move(const std::string& name, const std::string& version) {
    server_.exec(
        database_,
        fmt::format("update public.templates set default_version_id = (select v.id from public.template_versions "
                    "v where v.template_id = templates.id and v.semver = '{}') where name = '{}'",
                    version, name));
  }
  std::string agents_url() const { return server_.url(database_, "prompts_agent"); }
  const tests::Store& store() const { return store_; }
  const tests::Oracle& oracle() const { return oracle_; }
  fs::path home() const { return home_.path(); }

 private:
  tests::TempDir home_{quick_directory()};
  tests::PostgresServer server_;
  std::string database_ = server_.create_migrated_database();
  tests::Store store_{home_ / "store"};
  tests::Oracle oracle_;
};

/// One lie, the server that tells it, and the agent that hears it.
class Victim {
 public:
  Victim(const Library& library, const Lie& lie, std::uint16_t sink_port)
      : library_(library),
        lie_(lie),
        target_(library.home() / lie.name),
        server_([this, sink_port](tests::LiarPeer& peer) { serve(peer, sink_port); }, small_buffers()) {
    fs::create_directory(target_);
    tests::AgentLaunch launch;
    launch.program = BUNDLESYNC_PROGRAM;
    launch.environment = {
        {"BUNDLESYNC_TARGET", target_.string()},
        {"BUNDLESYNC_TEMPLATES", "alpha,beta"},
        {"BUNDLESYNC_DATABASE_URL", library.agents_url()},
        {"BUNDLESYNC_STORAGE_URL", fmt::format("supabase+http://127.0.0.1:{}/storage/v1", server_.port())},
        {"BUNDLESYNC_STORAGE_KEY", "sb_secret_rig"},
        {"BUNDLESYNC_PREFETCH_SPREAD", "1h"},
        {"FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE", "true"}};
    agent_ = std::make_unique<tests::AgentProcess>(launch);
  }

  const Lie& lie() const { return lie_; }
  std::string shown(const std::string& name) {
    const auto look = tests::Reader(target_, library_.oracle()).look(name);
    return look.torn ? "torn" : look.version;
  }
  /// The agent has given up on what it was told: for good, or until it tries again.
  bool gave_up() const {
    const std::string state = tests::text_of(agent_->status_of("alpha"), "state");
    return state == "refused" || state == "retrying";
  }
  bool was_asked() const { return asked_at_.load() != Clock::time_point(); }
  Clock::time_point asked_at() const { return asked_at_; }
  std::uint64_t sent_for_the_lie() const { return sent_; }
  long peak_kib() const {
    std::ifstream status(fmt::format("/proc/{}/status", agent_->pid()));
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmHWM:")) return std::atol(line.c_str() + 6);
    }
    return 0;
  }
  std::string log() const { return agent_->log(); }

 private:
  /// So that what the server got rid of is about what the agent took.
  static tests::LiarOptions small_buffers() {
    tests::LiarOptions options;
    options.send_buffer_bytes = 16 << 10;
    return options;
  }
  void serve(tests::LiarPeer& peer, std::uint16_t sink_port) {
    for (;;) {
      const std::string request = peer.read_request();
      if (request.empty()) return;
      const std::string key = key_of(request);
      if (key != "alpha/v1.1.0/master.md") {
        if (!peer.send(tests::answer_of(library_.store().read(key)))) return;
        continue;
      }
      Clock::time_point never;
      asked_at_.compare_exchange_strong(never, Clock::now());
      Told told(peer);
      lie_.tell(told, library_.store().read(key), library_.store().read("beta/v1.0.0/master.md"), sink_port);
      sent_ = std::max<std::uint64_t>(sent_, told.sent());
      return;
    }
  }

  const Library& library_;
  const Lie lie_;
  const fs::path target_;
  std::atomic<Clock::time_point> asked_at_{Clock::time_point()};
  std::atomic<std::uint64_t> sent_{0};
  tests::LiarServer server_;
  std::unique_ptr<tests::AgentProcess> agent_;
};

struct Tally {
  int lies = 0, accepted = 0, changed = 0, over_read = 0, deadline_missed = 0, unserved = 0, honest_refused = 0;
  int bad() const { return accepted + changed + over_read + deadline_missed + unserved + honest_refused; }
};

using Victims = std::vector<std::unique_ptr<Victim>>;

void failed(int& count, const Victim& victim, const std::string& why) {
  ++count;
  fmt::print(stderr, "FAILED {}: {}\n{}\n", victim.lie().name, why, victim.log());
}

bool all(const Victims& victims, std::chrono::milliseconds patience, const std::function<bool(Victim&)>& question) {
  return tests::wait_until(patience,
                           [&] { return std::ranges::all_of(victims, [&](const auto& v) { return question(*v); }); });
}

/// All hear of alpha 1.1.0 at the same moment. While some of the lies hang, beta moves back to what is on every disk.
void lie_to(Library& library, Victims& victims, Tally& tally) {
  library.move("alpha", "1.1.0");
  if (!all(victims, 20s, [](Victim& v) { return v.was_asked(); })) throw std::runtime_error("not all asked for it");
  std::this_thread::sleep_for(1s);
  library.move("beta", "1.0.0");
  (void)all(victims, 1s, [](Victim& v) { return v.shown("beta") == "1.0.0"; });
  for (const auto& victim : victims) {
    if (victim->shown("beta") != "1.0.0") failed(tally.unserved, *victim, "beta was not rolled back within a second");
  }
  const auto ended = [](Victim& v) { return v.lie().honest ? v.shown("alpha") == "1.1.0" : v.gave_up(); };
  (void)all(victims, kDeadline, ended);
  for (const auto& victim : victims) {
    if (!ended(*victim) && !victim->lie().honest) failed(tally.deadline_missed, *victim, "it still believes it");
  }
}

void judge(const Library& library, const Victims& victims, Tally& tally, long& grown) {
  const auto honest = std::ranges::find_if(victims, [](const auto& v) { return v->lie().honest; });
  const std::uint64_t declared = library.store().read("alpha/v1.1.0/master.md").size();
  for (const auto& victim : victims) {
    const std::string shown = victim->shown("alpha");
    if (victim->lie().honest) {
      if (shown != "1.1.0") failed(tally.honest_refused, *victim, "an honest storage was not believed: " + shown);
      continue;
    }
    ++tally.lies;
    if (shown == "1.1.0") failed(tally.accepted, *victim, "it was believed");
    if (shown != "1.0.0" && shown != "1.1.0") failed(tally.changed, *victim, "apps read '" + shown + "'");
    if (victim->sent_for_the_lie() > declared + kUnreadBytesMax) {
      failed(tally.over_read, *victim, fmt::format("it took {} bytes", victim->sent_for_the_lie()));
    }
    grown = std::max(grown, victim->peak_kib() - (*honest)->peak_kib());
  }
}

}  // namespace

int main() {
  try {
    Library library;
    for (const auto* name : {"alpha", "beta"}) library.publish(name, "1.0.0", true);
    tests::LiarServer sink(tests::always(tests::answer_of(library.store().read("beta/v1.0.0/master.md"))));
    Victims victims;
    for (const auto& lie : lies()) victims.push_back(std::make_unique<Victim>(library, lie, sink.port()));
    const auto began = [](Victim& v) { return v.shown("alpha") == "1.0.0" && v.shown("beta") == "1.0.0"; };
    if (!all(victims, 60s, began)) throw std::runtime_error("not all agents began");
    library.publish("beta", "1.1.0", true);
    library.publish("alpha", "1.1.0", false);
    if (!all(victims, 30s, [](Victim& v) { return v.shown("beta") == "1.1.0"; }))
      throw std::runtime_error("beta stays");

    Tally tally;
    long grown = 0;
    lie_to(library, victims, tally);
    judge(library, victims, tally, grown);
    const auto redirected = sink.connections();
    fmt::print(
        "lies={} accepted={} changed={} over_read={} deadline_missed={} notifications_unserved={} "
        "redirects_followed={} "
        "honest_refused={} rss_grown_kib={}\n",
        tally.lies, tally.accepted, tally.changed, tally.over_read, tally.deadline_missed, tally.unserved, redirected,
        tally.honest_refused, std::max(0L, grown));
    return tally.bad() == 0 && redirected == 0 && grown <= kGrownKibMax && tally.lies >= 20 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
