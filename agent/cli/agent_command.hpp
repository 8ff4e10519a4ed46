#pragma once

#include "base/error.hpp"
#include "base/exit_code.hpp"
#include "settings/settings.hpp"

#include <chrono>

namespace bundlesync::cli {

struct AgentOptions {
  bool once = false;    ///< bring the directory up to date and end
  bool strict = false;  ///< with once: done only when every template shows the desired version
  std::chrono::milliseconds timeout = std::chrono::seconds(10);  ///< of once
};

/// `bundlesync agent`: follows until it is told to stop (SIGTERM, SIGINT: done). Blocks; one call a process.
/// With once: done when every wanted template shows something that start.require allows, failed when one does not;
/// with strict done only when all show the desired version, else not_converged.
/// Errors: held (once, and another agent has the target), usage, and what makes the target unusable; the caller prints
/// them.
Result<ExitCode> run_agent(const settings::Settings& settings, const AgentOptions& options);

}  // namespace bundlesync::cli
