#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace bundlesync::tests {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr auto kPatience = 30s;

std::string text_of(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

bool installed(const std::string& program) {
  return std::filesystem::exists("/usr/bin/" + program);
}

Ended systemd(std::vector<std::string> words) {
  Command command;
  words.front() = "/usr/bin/" + words.front();
  command.words = std::move(words);
  command.environment = {{"PATH", "/usr/bin:/bin"}, {"SYSTEMD_COLORS", "0"}, {"LC_ALL", "C.UTF-8"}};
  return run(command, kPatience);
}

/// The units as they are shipped, but for the program: that of this build.
class Units : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!installed("systemd-analyze")) GTEST_SKIP() << "systemd-analyze is missing (Debian package systemd)";
    for (const char* name : {"bundlesync.service", "bundlesync@.service"}) {
      std::string text = text_of(std::filesystem::path(UNITS) / name);
      const std::string program = "/usr/bin/bundlesync";
      const auto at = text.find("ExecStart=" + program);
      ASSERT_NE(at, std::string::npos) << name;
      text.replace(at + 10, program.size(), BUNDLESYNC_PROGRAM);
      std::ofstream(directory_ / name) << text;
    }
  }
  /// A template is judged as one of its instances.
  std::string unit() const { return (directory_ / GetParam()).string(); }

  TempDir directory_;
};

TEST_P(Units, AreUnderstoodBySystemdWithoutAWarning) {
  const Ended ended = systemd({"systemd-analyze", "verify", "--man=no", unit()});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.err, "");
}

TEST_P(Units, AreExposedByTwoAtMost) {
  const Ended ended = systemd({"systemd-analyze", "security", "--offline=yes", "--threshold=20", unit()});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("Overall exposure level for "));
}

// The judge does judge: the same unit without its walls is refused.
TEST_P(Units, WouldBeExposedWithoutTheirWalls) {
  std::stringstream lines(text_of(directory_ / "bundlesync.service"));
  const auto bare = directory_ / "bare.service";
  {
    std::ofstream out(bare);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("SystemCallFilter=") && !line.starts_with("CapabilityBoundingSet=")) out << line << '\n';
    }
  }
  const Ended ended = systemd({"systemd-analyze", "security", "--offline=yes", "--threshold=20", bare.string()});
  EXPECT_NE(ended.code, 0);
  EXPECT_THAT(ended.out, HasSubstr("Overall exposure level for bare.service"));
}

INSTANTIATE_TEST_SUITE_P(Systemd, Units, testing::Values("bundlesync.service", "bundlesync@med.service"),
                         [](const auto& unit) {
                           return std::string(unit.param).find('@') == std::string::npos ? "Service" : "Instance";
                         });

TEST(Sysusers, MakesOneUserWithoutAShell) {
  if (!installed("systemd-sysusers")) GTEST_SKIP() << "systemd-sysusers is missing (Debian package systemd)";
  if (::geteuid() != 0) GTEST_SKIP() << "only root may make users, in a root of their own too";
  const TempDir root;
  std::filesystem::create_directories(root / "etc");
  const Ended ended = systemd({"systemd-sysusers", "--root=" + root.path().string(), UNITS "/sysusers.conf"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(text_of(root / "etc/passwd"),
              AllOf(HasSubstr("bundlesync:x:"), HasSubstr(":/var/lib/bundlesync:/usr/sbin/nologin")));
  EXPECT_THAT(text_of(root / "etc/group"), HasSubstr("bundlesync:x:"));
}

}  // namespace
}  // namespace bundlesync::tests
