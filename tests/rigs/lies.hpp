#pragma once

#include "support/liar_server.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// What a storage can say that is not so.
namespace bundlesync::rigs {

/// A connection that counts what the peer took.
class Told {
 public:
  explicit Told(tests::LiarPeer& peer) : peer_(peer) {}
  bool say(std::string_view bytes);
  /// Again and again, until the peer leaves or 64 MiB are gone.
  void say_for_ever(std::string_view bytes);
  tests::LiarPeer& peer() { return peer_; }
  std::uint64_t sent() const { return sent_; }

 private:
  tests::LiarPeer& peer_;
  std::uint64_t sent_ = 0;
};

struct Lie {
  std::string name;
  /// `body` is what was asked for, `other` another object of the same length or so; a sink listens at `sink_port`.
  std::function<void(Told& told, const std::string& body, const std::string& other, std::uint16_t sink_port)> tell;
  bool honest = false;  ///< the truth: that it is believed shows that the rig can see
};

std::vector<Lie> lies();

/// The key of the object that a request asks for: what follows the bucket's name.
std::string key_of(std::string_view request);

}  // namespace bundlesync::rigs
