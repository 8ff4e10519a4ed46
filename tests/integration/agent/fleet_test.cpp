#include "bed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <fstream>
#include <map>
#include <netinet/in.h>
#include <poll.h>
#include <set>
#include <sstream>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

// Many agents and one server.
namespace bundlesync::tests {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

#ifdef BUNDLESYNC_SANITIZED
constexpr int agents_wanted = 60;
#else
constexpr int agents_wanted = 200;
#endif
constexpr int batch = 20;

/// Backoff waits up to twice as long as the server has been away, and never more than 30 s: the longer it was away, the
/// thinner they come. With full jitter an agent tries 1 / (away · ln 2) times a second, so after 6 s some 6 % of the
/// fleet try in 250 ms; a quarter is ten standard deviations off (six in the small fleet). Without jitter all come at
/// once, and every doubling falls into this time.
constexpr auto away_for = std::chrono::seconds(12);
constexpr auto thin_after = std::chrono::seconds(6);
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
    server.set("log_line_prefix", "%n %p ");  // seconds since 1970, with milliseconds; which backend
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

/// Stands at the server's port while that is away, hangs up on everybody and remembers when. The server's own log
/// cannot tell a herd: it shows callers as fast as the machine forks, and one machine for hundreds does that slowly.
class Doorkeeper {
 public:
  explicit Doorkeeper(int port) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, agents_wanted) != 0) {
      throw std::system_error(errno, std::generic_category(), "the server's port");
    }
    thread_ = std::jthread([this](const std::stop_token& stopped) { answer(stopped); });
  }
  ~Doorkeeper() { leave(); }
  Doorkeeper(const Doorkeeper&) = delete;
  Doorkeeper& operator=(const Doorkeeper&) = delete;

  /// The port is free again. When everybody called, in seconds of the steady clock.
  const std::vector<double>& leave() {
    if (thread_.joinable()) {
      thread_.request_stop();
      thread_.join();
      ::close(listener_);
    }
    return calls_;
  }

 private:
  void answer(const std::stop_token& stopped) {
    while (!stopped.stop_requested()) {
      pollfd ready{listener_, POLLIN, 0};
      if (::poll(&ready, 1, 10) <= 0) continue;
      const int caller = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      calls_.push_back(std::chrono::duration<double>(Clock::now().time_since_epoch()).count());
      if (caller >= 0) ::close(caller);
    }
  }

  int listener_;
  std::vector<double> calls_;
  std::jthread thread_;
};

/// When the fleet knocked, by the server's log from this byte on: when the first session of each agent was received,
/// and whoever was turned away. How fast sessions are then opened is the machine's affair.
struct Knocks {
  std::set<std::string> agents;
  std::vector<double> times;
};

Knocks knocks_in(const fs::path& log, std::uintmax_t from) {
  std::ifstream file(log);
  file.seekg(static_cast<std::streamoff>(from));
  Knocks knocks;
  std::map<std::string, double> received;  // by backend
  const std::string application = " application_name=";
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    double time = 0;
    std::string backend;
    if (!(words >> time >> backend)) continue;  // a continuation line
    const auto says = [&](std::string_view text) { return line.find(text) != std::string::npos; };
    if (says(" connection received: host=127.0.0.1 ")) received[backend] = time;
    if (!received.contains(backend)) continue;
    const bool refused = says(" FATAL: ");
    // An agent's later sessions are no reconnects: they are the probe of its notifications.
    const bool entered = says(" connection authorized: user=prompts_agent ") && says(application);
    const bool first =
        entered && knocks.agents.insert(line.substr(line.find(application) + application.size(), 9)).second;
    if (refused || first) knocks.times.push_back(received[backend]);
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
  server_.stop();
  const auto gone = Clock::now();
  Doorkeeper doorkeeper(server_.port());
  server_.set("listen_addresses", "");
  server_.start();
  move("alpha", "1.1.0");
  server_.stop();
  server_.set("listen_addresses", "127.0.0.1");
  std::this_thread::sleep_until(gone + away_for);
  std::vector<double> calls = doorkeeper.leave();
  const auto log_before = fs::file_size(server_.log());
  server_.start();
  const auto back = Clock::now();

  expect_all_show("1.1.0", back + all_back_within);
  if (HasFatalFailure()) return;
  const double took = std::chrono::duration<double>(Clock::now() - back).count();
  const double thin = std::chrono::duration<double>((gone + thin_after).time_since_epoch()).count();
  std::erase_if(calls, [&](double call) { return call < thin; });
  const int most_while_away = most_within(calls, window);
  const Knocks knocks = knocks_in(server_.log(), log_before);
  const int most = most_within(knocks.times, window);
  fmt::print("{} agents: in 250 ms at most {} of {} calls while away, {} once back; all show it after {:.1f} s\n",
             fleet_.size(), most_while_away, calls.size(), most, took);
  EXPECT_GE(calls.size(), fleet_.size() / 4) << "they still try";
  EXPECT_LE(most_while_away, in_window_max);
  EXPECT_EQ(knocks.agents.size(), fleet_.size());
  EXPECT_LE(most, in_window_max);
  stop_all();
}

}  // namespace
}  // namespace bundlesync::tests
