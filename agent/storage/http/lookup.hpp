#pragma once

#include "async/clock.hpp"
#include "async/task.hpp"
#include "base/error.hpp"
#include "storage/http/client.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <vector>

namespace bundlesync::storage::http {

using Endpoints = std::vector<asio::ip::tcp::endpoint>;

/// The addresses of one origin. getaddrinfo cannot be ended and takes one name at a time, so all who wait share one
/// call, and whoever waited long enough leaves it behind: never more than one hangs.
class Lookup {
 public:
  Lookup(asio::any_io_executor executor, Origin origin);
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  /// At most endpoints_max of them, at least one. Errors: dns_failed, lookup_timeout. Cancellable at once.
  Task<Result<Endpoints>> find(std::chrono::milliseconds limit);

  static constexpr std::size_t endpoints_max = 8;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace bundlesync::storage::http
