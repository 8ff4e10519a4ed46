#pragma once

#include "async/clock.hpp"
#include "async/task.hpp"
#include "base/error.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Somebody of the operator's own who looks at a version before apps do, and may say no.
namespace bundlesync::hooks {

/// A version whose bytes are complete and verified, and which nothing shows yet.
struct Candidate {
  std::string template_name;
  std::string version;
  std::string path;  ///< of its directory under the target, readable by everybody who may read the target
};

struct Judgement {
  bool accepted = false;
  std::string text;  ///< its own words, at most said_bytes_max, UTF-8 without control bytes
};

inline constexpr std::size_t said_bytes_max = 512;

/// Loop thread only; many calls may run side by side. Cancelling ends the question: the connection is closed, the
/// process and all that it started are killed.
class Validator {
 public:
  virtual ~Validator() = default;
  /// An error means that there is no judgement: timed_out, unavailable (nobody listens, a 5xx, a signal, a program that
  /// cannot be run), refused (an answer that is none: a redirect, too long). Repeatable.
  virtual Task<Result<Judgement>> judge(Candidate candidate) = 0;
};

/// POSTs {"template": …, "version": …, "path": …} as JSON to `target` at `origin` ("http://127.0.0.1:8080"). 2xx
/// accepts, 4xx vetoes. usage for an origin that cannot be read.
Result<std::unique_ptr<Validator>> http_validator(asio::any_io_executor executor, std::string_view origin,
                                                  std::string target, std::chrono::milliseconds timeout,
                                                  std::string agent_version);

/// Runs `words` (the program's absolute path, then its arguments) without a shell, in a process group of its own, with
/// nothing of our environment but what is needed: PATH, LANG, BUNDLESYNC_TEMPLATE, BUNDLESYNC_VERSION, BUNDLESYNC_PATH;
/// standard input is empty, and no descriptor of ours is open. Exit 0 accepts, 1 to 125 vetoes; 126, 127 and a signal
/// are no judgement. When it has ended, whatever of its group still runs is killed.
std::unique_ptr<Validator> command_validator(asio::any_io_executor executor, async::Clock& clock,
                                             std::vector<std::string> words, std::chrono::milliseconds timeout);

/// The first line of what somebody said, at most said_bytes_max of it, without white space around it; bytes that are
/// no UTF-8, and control bytes, become '?'.
std::string first_line(std::string_view said);

}  // namespace bundlesync::hooks
