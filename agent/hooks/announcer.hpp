#pragma once

#include "async/clock.hpp"
#include "async/wakeup.hpp"
#include "base/backoff.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Who is told when other versions are shown. Telling is never in the way of showing, and undoes nothing.
namespace bundlesync::hooks {

struct ShownVersion {
  std::string version;
  std::string previous_version;  ///< empty: showed nothing
  std::string source;            ///< remote, cache, local, filesystem
  std::uint64_t generation = 0;
  std::optional<std::uint64_t> history;  ///< id of the audit row: who moved it, and why
};

/// What one rename has shown; what several have, where nobody had time to listen in between.
struct Announcement {
  std::string target;  ///< the directory
  std::uint64_t view = 0;
  std::map<std::string, ShownVersion> templates;  ///< by name
};

/// Adds a later announcement of the same target: each template's last version, and the first it had before.
void merge(Announcement& earlier, Announcement later);

/// Loop thread only.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual std::string_view name() const = 0;  ///< "webhook", "exec"
  /// Once. An error: it did not hear, or did not want to. Cancelling ends it at once.
  virtual Task<Result<void>> tell(Announcement announcement) = 0;
};

struct WebhookOptions {
  std::string origin;  ///< "https://host[:port]"
  std::string target;  ///< path and query
  /// The key of the HMAC; read anew for each call. Empty where nothing is signed.
  std::function<Result<Secret>()> secret;
  std::string ca_file;  ///< to trust besides the system's
  std::chrono::milliseconds timeout{10'000};
  std::string agent_version;
};

/// POSTs JSON: {"schema_version": 1, "target": …, "view": …, "templates": [{"template", "version", "previous_version",
/// "source", "generation", "history", "path"}, …]}. With a secret X-Bundlesync-Signature is "sha256=" and the
/// HMAC-SHA256, in hex, of X-Bundlesync-Timestamp (seconds since 1970), a full stop and the body. Told by a 2xx. usage
/// for an origin that cannot be read.
Result<std::unique_ptr<Listener>> webhook(asio::any_io_executor executor, async::Clock& clock, WebhookOptions options);

/// Runs `words` (the program's absolute path, then its arguments) as command_validator() does, with BUNDLESYNC_TARGET,
/// BUNDLESYNC_VIEW and BUNDLESYNC_TEMPLATES ("intake=2.1.0 section7=1.1.0"). Told by exit 0.
std::unique_ptr<Listener> program(asio::any_io_executor executor, async::Clock& clock, std::vector<std::string> words,
                                  std::chrono::milliseconds timeout);

/// How telling it ended.
struct Told {
  std::string listener;
  unsigned attempts = 0;
  std::optional<Error> error;  ///< given up
};

/// Tells one listener, one announcement at a time, the one that has waited longest first; what is shown meanwhile is
/// put together, so what waits is never more than one announcement a target. A target that is not heard is tried again
/// after those of others. Loop thread only.
class Announcer {
 public:
  struct Options {
    Options() = default;
    std::chrono::nanoseconds spread{0};  ///< each target is told at a random moment within it after it showed something
    unsigned attempts_max = 5;
    BackoffPolicy backoff{std::chrono::seconds(1), std::chrono::seconds(30)};
  };

  Announcer(asio::any_io_executor executor, async::Clock& clock, Random& random, std::unique_ptr<Listener> listener,
            Options options, std::function<void(const Told&)> told);

  /// Returns at once.
  void announce(Announcement announcement);
  /// For ever. What was not told when it is cancelled is not told: the directory is the truth.
  Task<Result<void>> run();

 private:
  struct Waiting {
    Announcement announcement;
    async::Steady due;
    unsigned attempts = 0;  ///< that were not heard
  };
  using Queue = std::map<std::string, Waiting>;  ///< by target

  Queue::iterator first_due();
  Task<> tell(Waiting waiting);

  async::Clock& clock_;
  Random& random_;
  std::unique_ptr<Listener> listener_;
  const Options options_;
  std::function<void(const Told&)> told_;
  async::Wakeup wakeup_;
  Queue queue_;
};

/// Everybody who is told.
using Announcers = std::vector<std::unique_ptr<Announcer>>;

}  // namespace bundlesync::hooks
