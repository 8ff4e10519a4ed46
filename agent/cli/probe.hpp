#pragma once

#include "base/error.hpp"
#include "settings/settings.hpp"

#include <chrono>
#include <string>

namespace bundlesync::cli {

struct ProbeAnswer {
  unsigned status = 0;  ///< of HTTP
  std::string body;     ///< at most 64 KiB of it
};

/// GET of a path from the agent on this machine, with blocking sockets; done or failed within `timeout`. Errors:
/// unavailable (nobody answers there), timed_out, failed (what answers speaks no HTTP).
Result<ProbeAnswer> probe(const settings::ListenAddress& address, const std::string& path,
                          std::chrono::milliseconds timeout);

}  // namespace bundlesync::cli
