#include "integration/agent/bed.hpp"

#include <fmt/format.h>

#include <set>
#include <sstream>
#include <thread>

// Apps that watch, each with what its language's people use, beside the real agent. Nothing of ours is in them.
namespace bundlesync::tests {
namespace {

class Watchers : public AgentBed, public testing::WithParamInterface<const char*> {
 protected:
  Command app() const {
    Command command;
    const std::string drivers = BUNDLESYNC_READER_DRIVERS;
    const std::string which = GetParam();
    if (which == "watchdog") command.words = {BUNDLESYNC_PYTHON3, drivers + "/watchdog_app.py"};
    if (which == "chokidar") command.words = {BUNDLESYNC_NODE, drivers + "/chokidar_app.js"};
    if (which == "configmap") command.words = {BUNDLESYNC_BASH, drivers + "/configmap_reloader.sh"};
    command.words.insert(command.words.end(), {target_.string(), "alpha/master.md"});
    command.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"NODE_PATH", "/usr/share/nodejs"}};
    return command;
  }
  static std::vector<std::string> lines_of(const Process& process) {
    std::vector<std::string> lines;
    std::istringstream in(process.out());
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
};

TEST_P(Watchers, ReadEveryVersionSoonAfterItIsShownAndNothingElse) {
  for (const char* version : {"1.0.0", "1.1.0", "1.2.0"}) publish("alpha", version, std::string(version) == "1.0.0");
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();
  Process process(app());
  const auto last_read = [&] {
    const auto lines = lines_of(process);
    return lines.empty() ? std::string() : lines.back();
  };
  ASSERT_TRUE(wait_until(std::chrono::seconds(20), [&] { return last_read() == "# alpha 1.0.0"; }))
      << process.out() << process.err();
  for (const char* version : {"1.1.0", "1.2.0", "1.0.0", "1.1.0"}) {
    // chokidar 3 looks at a directory once a second, and forgets a change in between (its 'readdir' throttle).
    if (std::string(GetParam()) == "chokidar") std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    move("alpha", version);
    EXPECT_TRUE(wait_until(std::chrono::seconds(10), [&] { return last_read() == fmt::format("# alpha {}", version); }))
        << "it did not see " << version << ": " << process.out() << process.err();
  }
  const std::set<std::string> known = {"watching", "# alpha 1.0.0", "# alpha 1.1.0", "# alpha 1.2.0"};
  for (const auto& line : lines_of(process)) EXPECT_TRUE(known.contains(line)) << line;
  EXPECT_EQ(process.err(), "");
}

INSTANTIATE_TEST_SUITE_P(Of, Watchers, testing::Values("watchdog", "chokidar", "configmap"),
                         [](const auto& of) { return std::string(of.param); });

}  // namespace
}  // namespace bundlesync::tests
