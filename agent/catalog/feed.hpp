#pragma once

#include "async/clock.hpp"
#include "async/task.hpp"
#include "base/error.hpp"
#include "plan/desired.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The agent's view of the catalog: one session that listens and asks. Implementations: postgres/ and tests/fakes.
namespace bundlesync::catalog {

struct Question {
  std::optional<std::vector<std::string>>
      names;                     ///< literal names; absent asks for all (globs are matched by the caller)
  std::string since;             ///< the last answer's snapshot; empty asks in full
  std::vector<std::string> ids;  ///< templates followed so far: returned also when renamed or deleted
};

struct SessionInfo {
  std::string host;  ///< as connected, with port
  std::string database;
  std::string role;
  bool tls = false;
  std::string privilege;              ///< why the role may do more than ask and listen; empty where it may not
  std::vector<std::string> warnings;  ///< settings that are weaker than they should be, each a fact with a hint
};

enum class Waited { notified, deadline };

/// One database session at a time. All calls come from the loop thread, one at a time; each has a deadline of its own
/// inside the implementation and never hangs. After an error of kind unavailable or timed_out the session is gone:
/// call close(), then connect() again.
class Feed {
 public:
  virtual ~Feed() = default;
  /// Opens a session. Errors: unavailable, timed_out, unauthorised, usage (a connection string that cannot work),
  /// no_space with reason "too_many_connections" (SQLSTATE 53300).
  virtual Task<Result<SessionInfo>> connect() = 0;
  /// Subscribes to changes. Always before the first ask() of a session: what changes between the two is then seen
  /// twice, never missed. reason "listen_refused" where the server cannot (a standby, some poolers).
  virtual Task<Result<void>> listen() = 0;
  /// The wanted templates that changed since `question.since`, at one snapshot. Repeatable.
  virtual Task<Result<plan::Answer>> ask(Question question) = 0;
  /// Until a notification is there or the deadline passes. Many notifications are one.
  virtual Task<Result<Waited>> wait(async::Steady deadline) = 0;
  /// Is the peer alive? A round trip with a deadline of its own (5 s): finds a frozen server, which TCP cannot.
  virtual Task<Result<void>> heartbeat() = 0;
  /// Do notifications really arrive here? A canary from a second, short connection to a channel of its own
  /// (a canary on the same connection passes falsely behind a transaction pooler). false: they do not, and the
  /// session listens no more: listen() again before the next probe.
  virtual Task<Result<bool>> probe() = 0;
  /// Ends the session. Never fails, never waits; may be called at any time, twice too.
  virtual void close() = 0;
};

}  // namespace bundlesync::catalog
