#pragma once

#include "async/clock.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace bundlesync::report {

enum class Severity { info, warn, error };

struct Event {
  std::string at;  ///< RFC 3339
  Severity severity = Severity::info;
  std::string text;  ///< the line of the log, at most prose_bytes_max of it
};

/// The last lines of the log that tell of something that happened, whatever log.level is. Bounded.
class Events {
 public:
  static constexpr std::size_t kept_max = 20;

  explicit Events(async::Clock& clock) : clock_(clock) {}
  void add(Severity severity, std::string_view line);
  const std::deque<Event>& last() const { return last_; }  ///< oldest first

 private:
  async::Clock& clock_;
  std::deque<Event> last_;
};

}  // namespace bundlesync::report
