#include "bed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <set>

// Many agents and one server.
namespace bundlesync::tests {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

#ifdef __SANITIZE_ADDRESS__
constexpr int agents_wanted = 60;
#else
constexpr int agents_wanted = 200;
#endif
constexpr int batch = 20;

/// Backoff waits up to twice as long as the server has been away, and never more than 30 s: the longer it was away, the
/// thinner they come. With full jitter an agent tries 1 / (away · ln 2) times a second, so after 8 s some 5 % of the
/// fleet try in 250 ms; a quarter is more than ten standard deviations off (seven in the small fleet).
constexpr auto away_for = std::chrono::seconds(8);
constexpr double window = 0.25;
constexpr int in_window_max = agents_wanted / 4;
/// The longest wait between two tries, and a little to do the work.
constexpr auto all_back_within = std::chrono::seconds(35);

class Fleet : public AgentBed {
 protected:
  struct Member {
    std::string name;
    fs::path target;
    std::unique_ptr<Process> process;
  };

  Fleet() : AgentBed(own_server()) {}

  static PostgresServer& own_server() {
    static PostgresServer server;
    server.set("max_connections", "300");
    server.set("log_connections", "on");
    server.set("log_line_prefix", "%n ");  // seconds since 1970, with milliseconds
    server.restart();
    return server;
  }

  void start_one(int number) {
    Member member;
    member.name = fmt::format("agent_{:03}", number);
    member.target = home_ / member.name;
    fs::create_directory(member.target);
    Command command;
    command.words = {BUNDLESYNC_PROGRAM, "agent"};
    command.environment = environment_;
    command.environment["BUNDLESYNC_TARGET"] = member.target.string();
    command.environment["BUNDLESYNC_TEMPLATES"] = "alpha";
    command.environment["BUNDLESYNC_HTTP_LISTEN"] = "off";
    command.environment["BUNDLESYNC_LOG_FORMAT"] = "json";
    command.environment["BUNDLESYNC_DATABASE_URL"] =
        fmt::format("{}?application_name={}", server_.url(database_, "prompts_agent"), member.name);
    member.process = std::make_unique<Process>(command);
    fleet_.push_back(std::move(member));
  }
  /// Fails the test, with that agent's log, for the first that does not.
  void expect_all_show(const std::string& version, Clock::time_point until) const {
    for (const auto& member : fleet_) {
      Reader reader(member.target, oracle_);
      Look look;
      const auto left = std::max(Clock::duration(0), until - Clock::now());
      const bool came = wait_until(std::chrono::ceil<Patience>(left), [&] {
        look = reader.look("alpha");
        return look.torn || look.version == version;
      });
      EXPECT_FALSE(look.torn) << member.name;
      ASSERT_TRUE(came) << member.name << " shows '" << look.version << "'\n" << member.process->err();
    }
  }
  void stop_all() {
    for (const auto& member : fleet_) member.process->signal(SIGTERM);
    for (const auto& member : fleet_) {
      EXPECT_EQ(member.process->wait(std::chrono::seconds(30)), 0) << member.name << "\n" << member.process->err();
    }
  }

  std::vector<Member> fleet_;
};

/// When the fleet knocked, by the server's log from this byte on: the first session of each agent, and whoever was
/// turned away.
struct Knocks {
  std::set<std::string> agents;
  std::vector<double> times;
  int turned_away = 0;
};

Knocks knocks_in(const fs::path& log, std::uintmax_t from) {
  std::ifstream file(log);
  file.seekg(static_cast<std::streamoff>(from));
  Knocks knocks;
  const std::string authorized = " connection authorized: user=prompts_agent ";
  const std::string application = " application_name=";
  for (std::string line; std::getline(file, line);) {
    const auto name = line.find(application);
    const bool refused = line.find("FATAL: ") != std::string::npos;
    const bool entered = line.find(authorized) != std::string::npos && name != std::string::npos;
    // An agent's later sessions are no reconnects: they are the probe of its notifications.
    const bool first = entered && knocks.agents.insert(line.substr(name + application.size(), 9)).second;
    if (refused || first) knocks.times.push_back(std::stod(line));
    knocks.turned_away += refused;
  }
  std::ranges::sort(knocks.times);
  return knocks;
}

/// The most of these times that lie within so many seconds.
int most_within(const std::vector<double>& sorted, double seconds) {
  std::ptrdiff_t most = 0;
  for (auto first = sorted.begin(); first != sorted.end(); ++first) {
    most = std::max(most, std::upper_bound(first, sorted.end(), *first + seconds) - first);
  }
  return static_cast<int>(most);
}

TEST_F(Fleet, SpreadsItsReconnectsWhenTheServerRestartsAndShowsWhatChangedMeanwhile) {
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  for (int begin = 0; begin < agents_wanted; begin += batch) {
    for (int i = begin; i < begin + batch; ++i) start_one(i);
    expect_all_show("1.0.0", Clock::now() + std::chrono::seconds(30));
    if (HasFatalFailure()) return;
  }

  // Away for the fleet, which comes by TCP; up for a moment for whoever moves a default meanwhile.
  const auto gone = Clock::now();
  server_.stop();
  server_.set("listen_addresses", "");
  server_.start();
  move("alpha", "1.1.0");
  server_.stop();
  server_.set("listen_addresses", "127.0.0.1");
  std::this_thread::sleep_until(gone + away_for);
  const auto log_before = fs::file_size(server_.log());
  server_.start();
  const auto back = Clock::now();

  expect_all_show("1.1.0", back + all_back_within);
  if (HasFatalFailure()) return;
  const double took = std::chrono::duration<double>(Clock::now() - back).count();
  const Knocks knocks = knocks_in(server_.log(), log_before);
  const int most = most_within(knocks.times, window);
  fmt::print(
      "{} agents: all show it {:.1f} s after the server is back; at most {} knocked in {:.0f} ms, {} turned away\n",
      fleet_.size(), took, most, window * 1000, knocks.turned_away);
  EXPECT_EQ(knocks.agents.size(), fleet_.size());
  EXPECT_LE(most, in_window_max);
  stop_all();
}

}  // namespace
}  // namespace bundlesync::tests
