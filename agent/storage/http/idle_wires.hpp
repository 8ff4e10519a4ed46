#pragma once

#include "storage/http/wire.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

namespace bundlesync::storage::http {

/// Connections kept open between requests: bounded in number and age, and closed when their time is up.
class IdleWires {
 public:
  IdleWires(asio::any_io_executor executor, std::size_t count_max, std::chrono::milliseconds time_max);
  ~IdleWires();
  IdleWires(const IdleWires&) = delete;
  IdleWires& operator=(const IdleWires&) = delete;

  /// The one used last, which is the likeliest to be open still; null when there is none on which nothing has come
  /// meanwhile (an end, or bytes that nobody asked for).
  std::unique_ptr<Wire> take();
  void keep(std::unique_ptr<Wire> wire);
  void clear();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace bundlesync::storage::http
