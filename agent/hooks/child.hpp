#pragma once

#include "async/task.hpp"
#include "base/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace bundlesync::hooks {

/// A program in a process group of its own: standard input empty, output and errors into one pipe, every other
/// descriptor closed, signals as a program expects them, working directory "/". Loop thread only.
class Child {
 public:
  /// unavailable when it cannot be started.
  static Result<std::unique_ptr<Child>> start(asio::any_io_executor executor, const std::vector<std::string>& words,
                                              const std::vector<std::string>& environment);
  /// Kills the group and reaps the child, whatever it does.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Until the program has ended (not all that it started). Its wait status. Once.
  Task<int> ended();
  /// The first output_bytes_max of what it wrote so far; what came after is read and forgotten, so that it never
  /// blocks.
  const std::string& output() const { return output_; }
  static constexpr std::size_t output_bytes_max = 4096;

 private:
  Child(pid_t pid, asio::posix::stream_descriptor process, asio::posix::stream_descriptor pipe);
  Task<> drain();
  Task<> wait();
  void take(const char* bytes, std::size_t size);
  void kill_group() const;

  pid_t pid_;
  bool reaped_ = false;
  bool over_ = false;                       ///< the program has ended and is not reaped yet
  asio::posix::stream_descriptor process_;  ///< a pidfd: readable when the program has ended
  asio::posix::stream_descriptor pipe_;
  std::string output_;
};

}  // namespace bundlesync::hooks
