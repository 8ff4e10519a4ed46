#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace bundlesync::rigs {

/// A network between two processes: a TCP port that passes bytes on to another, until it becomes a black hole. Ends
/// with this object.
class Relay {
 public:
  explicit Relay(int to_port);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  int port() const { return port_; }
  /// Nothing passes any more, in either direction, and nothing is closed: what is open stays open, what comes new is
  /// taken and never answered. What was open before the hole never passes again, as with a NAT that forgot it.
  void swallow(bool everything);

 private:
  struct Link {
    int client;
    int server;
    bool dead = false;
  };
  void run();
  void accept_one();
  static bool pass(int from, int to);

  const int to_port_;
  int listener_;
  int port_ = 0;
  std::atomic<bool> over_ = false;
  std::atomic<bool> swallowing_ = false;
  std::vector<Link> links_;
  std::thread thread_;
};

}  // namespace bundlesync::rigs
