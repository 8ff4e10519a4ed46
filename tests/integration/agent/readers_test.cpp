#include "bed.hpp"

#include <fmt/format.h>

#include <atomic>
#include <random>

// Apps that read as the README says, while versions go by and agents die.
namespace bundlesync::tests {
namespace {

#ifdef BUNDLESYNC_SANITIZED
constexpr int swaps_wanted = 200;
#else
constexpr int swaps_wanted = 1'000;
#endif

class Readers : public AgentBed {
 protected:
  static Files many_files(const std::string& version) {
    Files files;
    for (int i = 0; i < 12; ++i) {
      const std::string line = fmt::format("file {} of {}\n", i, version);
      std::string text;
      for (int repeat = 0; repeat < 20; ++repeat) text += line;
      files[fmt::format("part-{:02}.md", i)] = text;
    }
    return files;
  }
  void publish_two() {
    publish("alpha", "1.0.0", many_files("1.0.0"), true);
    publish("alpha", "1.1.0", many_files("1.1.0"));
  }
};

TEST_F(Readers, WhoOpenTheDirectoryOnceSeeWholeVersionsWhileAThousandSwapsGoBy) {
  publish_two();
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0")) << agent->log();

  struct Seen {
    std::uint64_t looks = 0, torn = 0, missing = 0, restarts = 0, changes = 0;
  };
  std::vector<Seen> seen(3);
  std::vector<std::jthread> readers;
  for (auto& mine : seen) {
    readers.emplace_back([this, &mine](const std::stop_token& stopped) {
      Reader reader(target_, oracle_);
      std::string last;
      while (!stopped.stop_requested()) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));  // the agent needs the machine, too
        const Look look = reader.look("alpha");
        ++mine.looks;
        mine.torn += look.torn;
        mine.missing += !look.torn && look.version.empty();
        mine.changes += std::exchange(last, look.version) != look.version;
      }
      mine.restarts = reader.restarts();
    });
  }

  std::uint64_t swaps = 0;
  std::string view = view_link(target_);
  for (int i = 0; i < swaps_wanted; ++i) {
    move("alpha", i % 2 == 0 ? "1.1.0" : "1.0.0");
    const bool swapped = wait_until(std::chrono::seconds(10), [&] { return view_link(target_) != view; });
    ASSERT_TRUE(swapped) << "no swap " << i << ":\n" << agent->log();
    view = view_link(target_);
    ++swaps;
  }
  for (auto& reader : readers) reader.request_stop();
  readers.clear();

  EXPECT_EQ(swaps, static_cast<std::uint64_t>(swaps_wanted));
  for (const auto& mine : seen) {
    EXPECT_EQ(mine.torn, 0U);
    EXPECT_EQ(mine.missing, 0U);
    EXPECT_EQ(mine.restarts, 0U) << "a file was gone under a reader's feet";
    EXPECT_GT(mine.changes, 10U) << "in " << mine.looks << " looks";
  }
}

TEST_F(Readers, SeeTheOldVersionOrTheNewWholeWheneverTheAgentIsKilled) {
  publish_two();
  publish("beta", "1.0.0", many_files("1.0.0"), true);
  publish("beta", "1.1.0", many_files("1.1.0"));
  {
    const auto first = start();
    ASSERT_TRUE(comes_to_show("alpha", "1.0.0") && comes_to_show("beta", "1.0.0")) << first->log();
  }
  const auto seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> moment(0, 200'000);
  for (int i = 0; i < 20; ++i) {
    const auto agent = start();
    const std::string version = i % 2 == 0 ? "1.1.0" : "1.0.0";
    // Sometimes the bytes have to be fetched again.
    if (i % 5 == 4) publish("alpha", fmt::format("2.{}.0", i), many_files(fmt::format("2.{}.0", i)), true);
    move({{"alpha", version}, {"beta", version}});
    std::this_thread::sleep_for(std::chrono::microseconds(moment(random)));
    agent->kill();
    auto looks = Reader(target_, oracle_).look_at_view({"alpha", "beta"});
    EXPECT_FALSE(looks["alpha"].torn) << i;
    EXPECT_FALSE(looks["beta"].torn) << i;
    EXPECT_EQ(shown("alpha"), looks["alpha"].version) << i;
  }
  move({{"alpha", "1.1.0"}, {"beta", "1.1.0"}});
  const auto last = start();
  EXPECT_TRUE(comes_to_show("alpha", "1.1.0") && comes_to_show("beta", "1.1.0")) << last->log();
  EXPECT_TRUE(comes_to_say(*last, "alpha", "current")) << last->log();
  const Ended verified = command({"verify"});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  for (const auto& entry : std::filesystem::directory_iterator(target_ / "..bundlesync/trees/alpha")) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".stage")) << "left behind: " << entry.path();
  }
}

}  // namespace
}  // namespace bundlesync::tests
