#include "readers/driver.hpp"
#include "support/agent_process.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

// What the recipes do in moments that are too rare to wait for. The directory has the form of the agent's; what is in
// it is written by hand.
namespace bundlesync::tests {
namespace fs = std::filesystem;
namespace {

using Names = std::map<std::string, std::string>;

class Recipe : public testing::TestWithParam<std::string> {
 protected:
  Recipe() {
    fs::create_directories(target_);
    fs::create_directories(out_);
  }

  static void write(const fs::path& path, const std::string& bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }
  fs::path view(int number) const { return target_ / "..bundlesync/views" / std::to_string(number); }
  void show(int number) {
    fs::create_symlink(fs::path("..bundlesync/views") / std::to_string(number), target_ / "..next");
    fs::rename(target_ / "..next", target_ / "..data");
  }
  /// One read by each way, and its end.
  DriverReport read_once(const std::vector<std::string>& names) {
    write(out_ / "stop", "");
    return Driver(GetParam(), target_, out_, names).stop();
  }

  TempDir home_;
  fs::path target_ = home_ / "prompts";
  fs::path out_ = home_ / "out";
};

TEST_P(Recipe, GivesTheBytesAsTheyAre) {
  const Names files = {{"alpha/a.md", "no newline at the end"},
                       {"alpha/deep/b (1).md", "two at the end\n\n"},
                       {"alpha/empty.md", ""},
                       {"beta/x=1,(y).md", " déjà vu\r\n\t"}};
  for (const auto& [name, bytes] : files) write(view(1) / name, bytes);
  show(1);

  const auto report = read_once({"alpha/a.md", "alpha/deep/b (1).md", "alpha/empty.md", "beta/x=1,(y).md"});

  EXPECT_EQ(report.err, "");
  EXPECT_EQ(report.errors, 0U);
  EXPECT_EQ(report.seen, std::vector<Names>{files});
  EXPECT_EQ(report.last, files);
}

TEST_P(Recipe, StartsAgainWhenAFileIsGoneUnderItsFeet) {
  // The first file is a pipe, so the reader is between its two files for as long as we like.
  fs::create_directories(view(1) / "alpha");
  ASSERT_EQ(::mkfifo((view(1) / "alpha/a.md").c_str(), 0644), 0);
  write(view(2) / "alpha/a.md", "a of 2\n");
  write(view(2) / "alpha/b.md", "b of 2\n");
  show(1);
  write(out_ / "stop", "");
  Driver driver(GetParam(), target_, out_, {"alpha/a.md", "alpha/b.md"});
  int pipe = -1;  // opens as soon as somebody reads
  ASSERT_TRUE(wait_until(std::chrono::seconds(20), [&] {
    pipe = ::open((view(1) / "alpha/a.md").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return pipe >= 0;
  }));
  show(2);
  ASSERT_EQ(::write(pipe, "a of 1\n", 7), 7);
  ::close(pipe);

  const auto report = driver.stop();

  EXPECT_EQ(report.err, "");
  EXPECT_EQ(report.errors, 0U);
  const Names second = {{"alpha/a.md", "a of 2\n"}, {"alpha/b.md", "b of 2\n"}};
  EXPECT_EQ(report.seen, std::vector<Names>{second});
}

TEST_P(Recipe, GivesUpOnAFileThatIsNowhereAndNamesIt) {
  write(view(1) / "alpha/a.md", "a\n");
  show(1);

  const auto report = read_once({"alpha/a.md", "alpha/typo.md"});

  EXPECT_EQ(report.code, 0);
  EXPECT_EQ(report.errors, 2U) << "one for each way to read";
  EXPECT_NE(report.err.find("alpha/typo.md"), std::string::npos) << report.err;
  EXPECT_TRUE(report.seen.empty());
  EXPECT_TRUE(report.last.empty());
}

TEST_P(Recipe, SaysThatNothingIsShownYet) {
  const auto report = read_once({"alpha/a.md"});

  EXPECT_EQ(report.code, 0);
  EXPECT_EQ(report.errors, 2U);
  EXPECT_NE(report.err.find("..data"), std::string::npos) << report.err;
  EXPECT_TRUE(report.seen.empty());
}

INSTANTIATE_TEST_SUITE_P(Languages, Recipe, testing::ValuesIn(languages()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace bundlesync::tests
