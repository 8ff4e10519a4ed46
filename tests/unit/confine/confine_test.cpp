#include "confine/confine.hpp"

#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bundlesync::confine {
namespace {

namespace fs = std::filesystem;
constexpr int kSkipped = 77;

/// Runs it in a process of its own, for nothing here can be taken back. Its exit code.
int in_a_child(const std::function<int()>& what) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(what());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/// The errno of a call that should fail; 0 when it did not.
int error_of(long result) {
  return result == -1 ? errno : 0;
}

TEST(Confine, LeavesNoCore) {
  EXPECT_EQ(in_a_child([] {
              if (!no_core()) return 1;
              rlimit limit{};
              ::getrlimit(RLIMIT_CORE, &limit);
              return limit.rlim_max == 0 && ::prctl(PR_GET_DUMPABLE) == 0 ? 0 : 2;
            }),
            0);
}

TEST(Confine, WritesOverWhatTheKernelShowsOfAVariable) {
  EXPECT_EQ(in_a_child([] {
              std::string entry = "SENTINEL=secret";
              ::putenv(entry.data());  // the very bytes, as those that exec put there
              forget_variables({"SENTINEL", "NEVER_SET"});
              return std::getenv("SENTINEL") == nullptr && entry == "SENTINEL=" + std::string(6, '\0') ? 0 : 1;
            }),
            0);
}

TEST(Confine, RefusesCallsThatNoAgentMakes) {
  const auto refused = [](const std::function<long()>& call) {
    return in_a_child([&call] {
      if (!refuse_system_calls(false)) return kSkipped;
      errno = 0;
      return error_of(call());
    });
  };
#ifndef __SANITIZE_ADDRESS__
  EXPECT_EQ(refused([] { return ::syscall(SYS_ptrace, 0, 0, 0, 0); }), EPERM);
#endif
  EXPECT_EQ(refused([] { return ::mount("none", "/", nullptr, 0, nullptr); }), EPERM);
  EXPECT_EQ(refused([] { return ::syscall(SYS_unshare, 0x10000000); }), EPERM);
  EXPECT_EQ(refused([] { return ::syscall(SYS_bpf, 0, 0, 0); }), EPERM);
  EXPECT_EQ(refused([] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }), EPERM);
  EXPECT_EQ(refused([] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }), EPERM);
  EXPECT_EQ(refused([] { return ::syscall(SYS_setuid, ::getuid()); }), EPERM);
  EXPECT_EQ(refused([]() -> long { return ::execl("/bin/true", "true", nullptr); }), EPERM);
  EXPECT_EQ(refused([]() -> long { return ::open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? -1 : 0; }), 0);
}

TEST(Confine, LetsProgramsRunWhereAHookIsOne) {
  EXPECT_EQ(in_a_child([] {
              if (!refuse_system_calls(true)) return kSkipped;
              ::execl("/bin/true", "true", nullptr);
              return 1;
            }),
            0);
}

TEST(Confine, WritesBeneathTheTargetAlone) {
  const tests::TempDir home;
  fs::create_directories(home / "target/sub");
  fs::create_directories(home / "outside");
  const int code = in_a_child([&] {
    if (write_only_beneath({(home / "target").string()}) == 0) return kSkipped;
    const auto makes = [](const fs::path& path) {
      return ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644) >= 0;
    };
    if (!makes(home / "target/file") || !makes(home / "target/sub/file")) return 1;
    if (::mkdir((home / "target/made").c_str(), 0755) != 0) return 2;
    if (::rename((home / "target/file").c_str(), (home / "target/sub/moved").c_str()) != 0) return 3;
    if (::symlink("x", (home / "target/link").c_str()) != 0) return 4;
    if (makes(home / "outside/file")) return 5;
    if (::mkdir((home / "outside/made").c_str(), 0755) == 0) return 6;
    if (::rename((home / "target/sub/moved").c_str(), (home / "outside/moved").c_str()) == 0) return 7;
    if (::rmdir((home / "outside").c_str()) == 0) return 8;
    if (::open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0) return 9;
    return 0;
  });
  if (code == kSkipped) GTEST_SKIP() << "SKIPPED: this kernel has no Landlock, or an old one";
  EXPECT_EQ(code, 0);
  EXPECT_TRUE(fs::is_empty(home / "outside"));
}

}  // namespace
}  // namespace bundlesync::confine
