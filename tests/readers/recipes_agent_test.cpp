#include "integration/agent/bed.hpp"
#include "readers/driver.hpp"

#include <fmt/format.h>

// The recipes read while the real agent follows real moves as fast as they come.
namespace bundlesync::tests {
namespace fs = std::filesystem;
namespace {

constexpr auto reading_time = std::chrono::seconds(5);
constexpr int swaps_min = 60;
constexpr auto swaps_patience = std::chrono::seconds(60);

class RecipeBesideAgent : public AgentBed, public testing::WithParamInterface<std::string> {
 protected:
  RecipeBesideAgent() { fs::create_directory(out_); }

  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto* name : {"alpha", "beta"}) {
      for (const auto& [path, bytes] : files_of(name, "1.0.0")) result.push_back(fmt::format("{}/{}", name, path));
    }
    return result;
  }
  /// Moves both templates and waits until it shows; false when it does not.
  bool swap_to(const std::string& version) {
    const std::string before = view_link(target_);
    move({{"alpha", version}, {"beta", version}});
    return wait_until(std::chrono::seconds(10), [&] { return view_link(target_) != before; });
  }
  /// The version that both templates are in what was read at one moment; "" when that is no whole version, or two.
  std::string version_in(const std::map<std::string, std::string>& read) const {
    const auto alpha = oracle_.version_of("alpha", files_below(read, "alpha"));
    const auto beta = oracle_.version_of("beta", files_below(read, "beta"));
    return alpha && alpha == beta ? *alpha : "";
  }

  fs::path out_ = home_ / "out";
};

TEST_P(RecipeBesideAgent, ReadsWholeVersionsOfOneMomentAndNoticesChanges) {
  const std::vector<std::string> versions = {"1.0.0", "1.1.0", "1.2.0"};
  for (const auto& version : versions) {
    publish("alpha", version, version == "1.0.0");
    publish("beta", version, version == "1.0.0");
  }
  publish("alpha", "2.0.0");
  publish("beta", "2.0.0");
  const auto agent = start();
  ASSERT_TRUE(comes_to_show("alpha", "1.0.0") && comes_to_show("beta", "1.0.0")) << agent->log();

  Driver driver(GetParam(), target_, out_, names());
  const auto begun = std::chrono::steady_clock::now();
  int swaps = 0;
  while (swaps < swaps_min || std::chrono::steady_clock::now() < begun + reading_time) {
    ASSERT_LT(std::chrono::steady_clock::now(), begun + swaps_patience) << swaps << " swaps\n" << agent->log();
    const auto& next = versions[static_cast<std::size_t>(swaps + 1) % versions.size()];
    ASSERT_TRUE(swap_to(next)) << "no swap " << swaps << ":\n" << agent->log();
    ++swaps;
  }
  ASSERT_TRUE(swap_to("2.0.0")) << agent->log();
  const auto report = driver.stop();

  EXPECT_EQ(report.code, 0);
  EXPECT_EQ(report.errors, 0U) << report.err;
  EXPECT_GE(report.reads, 100U);
  EXPECT_GE(report.changes, 20U) << "noticed of " << swaps << " swaps in " << report.reads << " reads";
  EXPECT_GE(report.seen.size(), versions.size());
  for (const auto& read : report.seen) EXPECT_NE(version_in(read), "") << "torn: " << testing::PrintToString(read);
  EXPECT_EQ(version_in(report.last), "2.0.0");
  fmt::print("{}: {} reads, {} changes noticed of {} swaps\n", GetParam(), report.reads, report.changes, swaps);
}

INSTANTIATE_TEST_SUITE_P(Languages, RecipeBesideAgent, testing::ValuesIn(languages()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace bundlesync::tests
