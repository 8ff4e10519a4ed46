#pragma once

#include "async/steady_clock.hpp"
#include "fakes/spawned.hpp"
#include "hooks/validator.hpp"
#include "support/temp_dir.hpp"

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

namespace bundlesync::hooks {

using namespace std::chrono_literals;

/// A loop, and a version to ask about.
class HooksBench : public testing::Test {
 protected:
  HooksBench() {
    candidate.template_name = "section7";
    candidate.version = "1.1.0";
    candidate.path = "/prompts/..bundlesync/trees/section7/1.1.0-0123456789ab";
  }

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
  /// "accepted: …", "vetoed: …", or the error's words.
  std::string ask(Validator& validator) {
    fakes::Spawned<Result<Judgement>> spawned(io, validator.judge(candidate));
    if (!run_until([&] { return spawned.ended(); })) throw std::runtime_error("it did not end within 30 s");
    const auto judgement = spawned.take();
    if (!judgement) return judgement.error().fact();
    return (judgement->accepted ? "accepted: " : "vetoed: ") + judgement->text;
  }

  asio::io_context io{1};
  async::SteadyClock clock{io.get_executor()};
  tests::TempDir home;
  Candidate candidate;
};

}  // namespace bundlesync::hooks
