#pragma once

#include "fakes/spawned.hpp"
#include "storage/http/client.hpp"
#include "storage/sinks.hpp"
#include "support/liar_server.hpp"

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

namespace bundlesync::storage::http {

using namespace std::chrono_literals;
using tests::answer_of;
using tests::LiarPeer;
using tests::LiarServer;

inline Origin origin_of(const LiarServer& server, bool tls = false, std::string host = "127.0.0.1") {
  Origin origin;
  origin.tls = tls;
  origin.host = std::move(host);
  origin.port = server.port();
  return origin;
}

/// A loop, and what tests do with it.
class HttpBench : public testing::Test {
 protected:
  asio::io_context io{1};
  Options options;
  StringSink sink;

  template <class Done>
  bool run_until(Done done, std::chrono::milliseconds at_most = 30s) {
    const auto until = std::chrono::steady_clock::now() + at_most;
    while (!done()) {
      if (std::chrono::steady_clock::now() >= until) return false;
      io.restart();
      io.run_one_for(20ms);
    }
    return true;
  }
  template <class T>
  T run(Task<T> task) {
    fakes::Spawned spawned(io, std::move(task));
    if (!run_until([&] { return spawned.ended(); })) throw std::runtime_error("it did not end within 30 s");
    return spawned.take();
  }

  /// With a client of its own.
  Result<Response> send(const Origin& origin, Request request = Request("GET", "/a"), std::uint64_t body_max = 100) {
    Client client(io.get_executor(), origin, options);
    return run(client.send(std::move(request), body_max));
  }
  Result<Response> stream(const Origin& origin, std::uint64_t bytes_max, Request request = Request("GET", "/a")) {
    Client client(io.get_executor(), origin, options);
    return run(client.stream(std::move(request), bytes_max, sink));
  }
};

/// Kind, reason and the whole text at once.
inline std::string told(const Error& error) {
  const auto kind = error.kind() == ErrorKind::unavailable ? "unavailable"
                    : error.kind() == ErrorKind::timed_out ? "timed_out"
                    : error.kind() == ErrorKind::refused   ? "refused"
                    : error.kind() == ErrorKind::usage     ? "usage"
                                                           : "other";
  return fmt::format("{}/{}: {}", kind, error.reason(), error.text());
}
inline std::string told(const Result<Response>& result) {
  return result ? fmt::format("status {}", result->status) : told(result.error());
}

}  // namespace bundlesync::storage::http
