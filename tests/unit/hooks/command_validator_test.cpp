#include "unit/hooks/hooks_bench.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace bundlesync::hooks {
namespace {

class CommandValidator : public HooksBench {
 protected:
  /// A program of two lines or more.
  std::string program(const std::string& text, mode_t mode = 0755) {
    const std::string path = home / fmt::format("program-{}", ++programs_);
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    ::chmod(path.c_str(), mode);
    return path;
  }
  std::string ask_program(std::vector<std::string> words, std::chrono::milliseconds timeout = 10s) {
    return ask(*command_validator(io.get_executor(), clock, std::move(words), timeout));
  }
  std::string read(const std::string& name) const {
    std::ifstream in(home / name);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  /// Until the process is gone, or a zombie that is not ours to reap.
  bool dies(pid_t pid) {
    return run_until([pid] {
      std::ifstream stat(fmt::format("/proc/{}/stat", pid));
      std::string text;
      std::getline(stat, text);
      return !stat || text.find(") Z ") != std::string::npos;
    });
  }

  int programs_ = 0;
};

TEST_F(CommandValidator, ItsExitCodeIsTheAnswer) {
  EXPECT_EQ(ask_program({program("echo fine")}), "accepted: fine");
  EXPECT_EQ(ask_program({program("exit 0")}), "accepted: exit 0");
  EXPECT_EQ(ask_program({program("echo; echo '  no {{name}}' >&2; echo more; exit 1")}), "vetoed: no {{name}}");
  EXPECT_EQ(ask_program({program("exit 125")}), "vetoed: exit 125");
}

TEST_F(CommandValidator, WhatCannotBeRunOrDiesIsNoJudgement) {
  EXPECT_EQ(ask_program({home / "gone"}),
            fmt::format("cannot run '{}': No such file or directory", (home / "gone").string()));
  const auto not_executable = program("exit 0", 0644);
  EXPECT_EQ(ask_program({not_executable}), fmt::format("cannot run '{}': Permission denied", not_executable));
  const auto not_found = program("exec /no/such/program");
  EXPECT_EQ(ask_program({not_found}), fmt::format("'{}' ended with 127", not_found));
  const auto killed = program("kill -9 $$");
  EXPECT_EQ(ask_program({killed}), fmt::format("'{}' was ended by signal 9", killed));
}

TEST_F(CommandValidator, GetsItsWordsUntouchedAndNothingOfOurEnvironment) {
  ::setenv("SENTINEL_SECRET", "sentinel", 1);
  const auto show = program("env | sort > " + (home / "env").string() + "; printf '%s\\n' \"$@\" > " +
                            (home / "words").string() + "; pwd > " + (home / "pwd").string() + "; cat > " +
                            (home / "stdin").string() + "; ls /proc/self/fd | wc -l > " + (home / "fds").string());
  const int open_here = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  EXPECT_EQ(ask_program({show, "$(touch " + (home / "shell").string() + ")", "a b", "", "--x=';'"}),
            "accepted: exit 0");
  ::close(open_here);
  ::unsetenv("SENTINEL_SECRET");
  EXPECT_EQ(read("words"), "$(touch " + (home / "shell").string() + ")\na b\n\n--x=';'\n");
  EXPECT_FALSE(std::filesystem::exists(home / "shell"));
  EXPECT_EQ(read("env"),
            "BUNDLESYNC_PATH=/prompts/..bundlesync/trees/section7/1.1.0-0123456789ab\n"
            "BUNDLESYNC_TEMPLATE=section7\nBUNDLESYNC_VERSION=1.1.0\nLANG=C.UTF-8\n"
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\n");
  EXPECT_EQ(read("pwd"), "/\n");
  EXPECT_EQ(read("stdin"), "");
  EXPECT_EQ(read("fds"), "4\n") << "three, and the one that ls reads the list with";
}

TEST_F(CommandValidator, ThatHangsIsKilledWithAllItStarted) {
  const auto hangs = program("echo $$ > " + (home / "pid").string() + "; sleep 3600 & echo $! > " +
                             (home / "child").string() + "; wait");
  EXPECT_EQ(ask_program({hangs}, 500ms), fmt::format("'{}' did not end within 500ms", hangs));
  EXPECT_TRUE(dies(std::stoi(read("pid"))));
  EXPECT_TRUE(dies(std::stoi(read("child"))));
}

TEST_F(CommandValidator, ThatLeavesSomethingBehindIsNotWaitedFor) {
  const auto forks = program("sleep 3600 & echo $! > " + (home / "child").string() + "; echo done");
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(ask_program({forks}), "accepted: done");
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s) << "although the other one holds its output open";
  EXPECT_TRUE(dies(std::stoi(read("child"))));
}

TEST_F(CommandValidator, ThatClosesItsOutputIsWaitedForAllTheSame) {
  EXPECT_EQ(ask_program({program("exec >&- 2>&-; sleep 0.3; exit 3")}), "vetoed: exit 3");
}

TEST_F(CommandValidator, ThatTalksWithoutEndDoesNotBlock) {
  EXPECT_EQ(ask_program({program("echo first; head -c 3000000 /dev/zero; exit 2")}), "vetoed: first");
}

TEST_F(CommandValidator, ThatNobodyWaitsForAnyMoreIsKilled) {
  const auto hangs = program("echo $$ > " + (home / "pid").string() + "; sleep 3600");
  auto validator = command_validator(io.get_executor(), clock, {hangs}, 1h);
  fakes::Spawned<Result<Judgement>> spawned(io, validator->judge(candidate));
  ASSERT_TRUE(run_until([&] { return read("pid").ends_with("\n"); }));
  spawned.cancel();
  ASSERT_TRUE(run_until([&] { return spawned.ended(); }));
  EXPECT_TRUE(spawned.cancelled());
  EXPECT_TRUE(dies(std::stoi(read("pid"))));
}

}  // namespace
}  // namespace bundlesync::hooks
