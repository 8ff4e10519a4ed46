#pragma once

#include "async/pool.hpp"
#include "async/steady_clock.hpp"
#include "fakes/spawned.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <stdexcept>

namespace bundlesync::tests {

/// A loop in real time for one test: run(task) drives it until the task has ended, at most 30 s.
struct LoopRunner {
  asio::io_context io{1};
  async::SteadyClock clock{io.get_executor()};
  async::Pool pool{2};

  template <class T>
  T run(Task<T> task) {
    fakes::Spawned<T> spawned(io, std::move(task));
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    io.restart();
    while (!spawned.ended()) {
      if (std::chrono::steady_clock::now() > give_up) throw std::runtime_error("the call did not end in 30 s");
      io.run_one_for(std::chrono::milliseconds(100));
    }
    return spawned.take();
  }
};

}  // namespace bundlesync::tests
