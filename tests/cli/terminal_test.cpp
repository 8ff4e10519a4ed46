#include "support/postgres_server.hpp"
#include "support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <pty.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

// What people see on a terminal and programs never do: colour, and progress that is written over.
namespace bundlesync::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr const char* overwrite = "\r\x1b[K";

struct Ended {
  int code = -1;
  std::string text;  ///< both streams: a terminal has one
};

std::string read_all(int terminal) {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    pollfd ready{terminal, POLLIN, 0};
    if (::poll(&ready, 1, 30'000) <= 0) throw std::runtime_error("nothing more was printed within 30 s: " + text);
    const ssize_t got = ::read(terminal, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;  // EIO: the last one has closed the other side
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

Ended on_terminal(std::vector<std::string> words, std::vector<std::string> environment) {
  words.insert(words.begin(), BUNDLESYNC_BINARY);
  std::vector<char*> argv;
  std::vector<char*> envp;
  for (auto& word : words) argv.push_back(word.data());
  for (auto& variable : environment) envp.push_back(variable.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child < 0) throw std::runtime_error("forkpty");
  if (child == 0) {
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  Ended ended;
  ended.text = read_all(terminal);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(terminal);
  if (WIFEXITED(status)) ended.code = WEXITSTATUS(status);
  return ended;
}

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

class Terminal : public testing::Test {
 protected:
  Terminal() { fs::create_directory(prompts_); }
  ~Terminal() override {
    // Trees are read-only.
    std::error_code ignored;
    for (fs::recursive_directory_iterator entry(home_, ignored), end; entry != end; entry.increment(ignored)) {
      if (!entry->is_directory(ignored) || entry->is_symlink(ignored)) continue;
      fs::permissions(entry->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
    }
  }

  tests::TempDir temp_;
  fs::path home_ = temp_.path();
  fs::path prompts_ = home_ / "prompts";
};

TEST_F(Terminal, ShowsTheProgressOfVerifyAndTakesItAway) {
  write(home_ / "bare/intake/questions.md", "Ask.\n");
  const auto made = on_terminal({"agent", "--once", "--target", prompts_, "--templates", "intake", "--fallback-dir",
                                 home_ / "bare", "--http-listen", "off"},
                                {});
  ASSERT_EQ(made.code, 0) << made.text;
  const auto verified = on_terminal({"verify", "--target", prompts_}, {});
  EXPECT_EQ(verified.code, 0);
  EXPECT_THAT(verified.text, testing::StartsWith(std::string(overwrite) + "[........................] 0/1 intake/"));
  EXPECT_THAT(verified.text, testing::EndsWith(std::string(overwrite) + "verified 1 tree, 1 file: all good\r\n"));
}

TEST_F(Terminal, ColoursAnErrorUnlessToldNotTo) {
  EXPECT_EQ(on_terminal({"stauts"}, {}).text,
            "\x1b[31merror:\x1b[0m there is no command 'bundlesync stauts'\r\n"
            "hint: did you mean bundlesync status?\r\nhint: see bundlesync --help\r\n");
  EXPECT_THAT(on_terminal({"stauts"}, {"NO_COLOR=1"}).text, testing::StartsWith("error: there is no command"));
}

TEST_F(Terminal, SaysWhatItWaitsFor) {
  const auto waited = on_terminal({"wait", "intake", "--target", prompts_, "--timeout", "60ms"}, {"NO_COLOR=1"});
  EXPECT_EQ(waited.code, 6);
  EXPECT_THAT(waited.text, testing::StartsWith(std::string(overwrite) + "0s waiting for intake"));
  EXPECT_THAT(waited.text, HasSubstr(std::string(overwrite) + "error: the target did not show intake within 60ms\r\n"));
}

TEST_F(Terminal, ShowsTheProgressOfPublishAndTheColoursOfDiff) {
  auto& server = tests::PostgresServer::shared();
  const std::vector<std::string> environment = {"DATABASE_URL=" + server.url(server.create_migrated_database()),
                                                "BUNDLESYNC_STORAGE_URL=file://" + (home_ / "store").string()};
  write(home_ / "letter/a.md", "one\n");
  const auto first =
      on_terminal({"publish", home_ / "letter", "--template", "letter", "--version", "1.0.0"}, environment);
  ASSERT_EQ(first.code, 0) << first.text;
  EXPECT_THAT(first.text, HasSubstr(std::string(overwrite) + "uploaded letter/v1.0.0/a.md (1 uploaded)"));
  EXPECT_THAT(first.text, HasSubstr(std::string(overwrite) + "template letter was created\r\n"));

  write(home_ / "letter/a.md", "two\x1b[2J\n");
  ASSERT_EQ(on_terminal({"publish", home_ / "letter", "--template", "letter", "--version", "1.1.0"}, environment).code,
            0);
  const std::string shown =
      "changed a.md: 4 → 8 bytes\r\n\x1b[31m--- 1.0.0/a.md\x1b[0m\r\n\x1b[32m+++ 1.1.0/a.md\x1b[0m"
      "\r\n\x1b[36m@@ -1 +1 @@\x1b[0m\r\n\x1b[31m-one\x1b[0m\r\n\x1b[32m+two\\x1b[2J\x1b[0m\r\n";
  const auto compared = on_terminal({"diff", "letter", "1.0.0", "1.1.0"}, environment);
  EXPECT_EQ(compared.code, 3);
  EXPECT_EQ(compared.text, std::string(overwrite) + "[........................] 0/1 a.md" + overwrite + shown);
  auto plain = environment;
  plain.emplace_back("NO_COLOR=1");
  EXPECT_THAT(on_terminal({"diff", "letter", "1.0.0", "1.1.0"}, plain).text,
              testing::EndsWith("@@ -1 +1 @@\r\n-one\r\n+two\\x1b[2J\r\n"));
}

}  // namespace
}  // namespace bundlesync::cli
