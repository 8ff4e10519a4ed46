#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

/// Child processes of test servers. They die with the process that started them, whatever way that ends.
namespace bundlesync::tests {

/// Who servers run as: PostgreSQL and PgBouncer refuse root. As root: postgres, else nobody; else we ourselves.
struct ServerUser {
  uid_t uid;
  gid_t gid;
  static ServerUser choose();
};

/// Starts a program as `user` with both its outputs appended to `log`. Throws std::system_error when it cannot fork; a
/// program that cannot be run ends with 127. When we die, the child gets `death_signal`.
pid_t start_child(const std::vector<std::string>& words, const ServerUser& user, const std::filesystem::path& log,
                  int death_signal);
/// Waits for its end: its status as waitpid gives it, or nothing when the time was up.
std::optional<int> wait_child(pid_t pid, std::chrono::milliseconds patience);
/// Runs a program to its end. Throws std::runtime_error with the log when it fails or takes longer than a minute.
void run_child(const std::vector<std::string>& words, const ServerUser& user, const std::filesystem::path& log);

/// A TCP port on loopback that nobody listens on, outside the range from which the kernel takes ports for connections.
int free_port();

}  // namespace bundlesync::tests
