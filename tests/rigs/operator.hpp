#pragma once

#include "rigs/versions.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace bundlesync::rigs {

/// Somebody who moves the default all the time, from one version to the next, in a thread of their own.
class Operator {
 public:
  Operator(Versions& versions, std::vector<std::string> cycle, std::chrono::milliseconds pause);
  ~Operator() { stop(); }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  /// Moves no more until told so; what is under way is done when this returns.
  void hold(bool still);
  void stop();
  /// The version that was moved to last; the last of the cycle in the beginning.
  std::string wanted() const { return cycle_[at_ % cycle_.size()]; }
  std::uint64_t moves() const { return moves_; }

 private:
  void move();

  Versions& versions_;
  const std::vector<std::string> cycle_;
  const std::chrono::milliseconds pause_;
  std::atomic<bool> over_ = false;
  std::atomic<bool> still_ = false;
  std::atomic<std::uint64_t> at_;
  std::atomic<std::uint64_t> moves_ = 0;
  std::mutex moving_;
  std::thread thread_;
};

}  // namespace bundlesync::rigs
