#pragma once

#include "support/process.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>

/// A program whose file-system calls below one directory are counted and, at one of them, go wrong.
namespace bundlesync::rigs {

/// What happens at call number `at` (from 1) of those that are counted, over all threads of the program.
struct Fault {
  enum class Kind { none, kill_before, kill_after, error_once, error_lasting };
  Kind kind = Kind::none;
  std::uint64_t at = 0;
  int error = 0;                     ///< errno, for the error kinds; lasting: at that call and at every later one
  std::function<void()> first = {};  ///< done just before the program is killed
};

struct GatedRun {
  int code = 0;             ///< its exit code, or minus the signal that ended it
  std::uint64_t calls = 0;  ///< counted ones
  bool fired = false;       ///< it came as far as the fault
  bool stuck = false;       ///< it did not end by itself in time and was killed
  std::string call;         ///< the name of the call at the fault
  std::string err;          ///< what it wrote to stderr
};

/// The kernel, or whatever we run in, does not let us stop another's system calls.
struct NoGate : std::runtime_error {
  using std::runtime_error::runtime_error;
};
constexpr int skipped_exit_code = 77;  ///< of a rig that cannot run here and says why

/// Runs a program to its end. The kernel stops each of its file-system calls and asks us (seccomp user notification),
/// so raw system calls such as openat2 are seen as well as those of libc. Calls on other files than `root` and what is
/// below it pass uncounted. Only from a process with one thread. Throws NoGate.
GatedRun run_gated(const tests::Command& command, const std::filesystem::path& root, const Fault& fault,
                   std::chrono::milliseconds patience);

}  // namespace bundlesync::rigs
