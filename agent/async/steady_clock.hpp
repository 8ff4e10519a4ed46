#pragma once

#include "async/clock.hpp"

#include <boost/asio/any_io_executor.hpp>

namespace bundlesync::async {

/// Real time.
class SteadyClock final : public Clock {
 public:
  explicit SteadyClock(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  Steady now() const override { return std::chrono::steady_clock::now(); }
  Wall wall_now() const override { return std::chrono::system_clock::now(); }
  Task<> sleep_until(Steady when) override;

 private:
  asio::any_io_executor executor_;
};

}  // namespace bundlesync::async
