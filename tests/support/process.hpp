#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

/// Programs that a test runs, with what they print.
namespace bundlesync::tests {

using Environment = std::map<std::string, std::string>;

struct Command {
  std::vector<std::string> words;
  Environment environment;    ///< all of it: nothing is inherited but a sanitizer's options
  std::optional<uid_t> user;  ///< and the group of the same number, no others; needs root
  std::optional<mode_t> umask;
};

/// A running program. It dies with this object, by SIGKILL, and with the test, whatever way that ends. Make it on the
/// test's main thread.
class Process {
 public:
  /// Throws std::system_error when it cannot fork; a program that cannot be run ends with 127.
  explicit Process(const Command& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Its exit code, or minus the signal that ended it; nothing when the time was up. Repeatable.
  std::optional<int> wait(std::chrono::milliseconds patience);
  /// What it has printed so far; everything once wait() gave a value.
  std::string out() const;
  std::string err() const;
  /// Returns when something was printed to stderr after its first `seen` bytes, when it closed stderr, or at the time.
  void wait_for_err(std::size_t seen, std::chrono::steady_clock::time_point until) const;

 private:
  void read_all(int out, int err);

  pid_t pid_ = -1;
  std::optional<int> ended_;
  mutable std::mutex mutex_;
  mutable std::condition_variable printed_;
  std::string out_;
  std::string err_;
  bool closed_ = false;
  std::thread reader_;
};

/// How a program ended that ran to its end.
struct Ended {
  int code;  ///< or minus the signal
  std::string out;
  std::string err;
};
/// Throws std::runtime_error when it takes longer than `patience`.
Ended run(const Command& command, std::chrono::milliseconds patience = std::chrono::seconds(60));

}  // namespace bundlesync::tests
