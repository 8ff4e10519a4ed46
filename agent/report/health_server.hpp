#pragma once

#include "async/task.hpp"
#include "base/error.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bundlesync::report {

struct Page {
  unsigned status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< besides those that every answer has
};

/// What is served. Asked on the loop thread, answers at once.
class Pages {
 public:
  virtual ~Pages() = default;
  /// Nothing: there is no such page. `path` has no query.
  virtual std::optional<Page> page(std::string_view path) = 0;
};

/// A small HTTP/1.1 server for probes, scrapers and people: GET and HEAD, one request a connection, bounded in all that
/// a peer could make large. Loop thread only.
class HealthServer {
 public:
  struct Options {
    Options() = default;
    std::string address = "127.0.0.1";  ///< numeric, or localhost
    std::uint16_t port = 9848;          ///< 0: any free one
    std::size_t header_bytes_max = std::size_t{8} << 10;
    std::size_t connections_max = 32;                             ///< one more closes the oldest
    std::chrono::milliseconds timeout = std::chrono::seconds(5);  ///< of a connection, from accept to close
  };

  /// Listens. Errors: usage (no such address), unavailable (reason port_in_use, with a hint), failed. Whoever gets one
  /// says it and goes on: a probe that cannot be answered is no reason to stop syncing.
  static Result<std::unique_ptr<HealthServer>> open(asio::any_io_executor executor, Options options, Pages& pages);
  ~HealthServer();

  std::uint16_t port() const;
  /// Answers until it is cancelled; connections that are open then are closed before it ends. Once.
  Task<Result<void>> serve();

 private:
  struct State;
  explicit HealthServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace bundlesync::report
