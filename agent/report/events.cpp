#include "report/events.hpp"

#include "base/time.hpp"
#include "report/line.hpp"

#include <utility>

namespace bundlesync::report {

void Events::add(Severity severity, std::string_view line) {
  Event event;
  event.at = format_time(clock_.wall_now());
  event.severity = severity;
  event.text = escaped(line, prose_bytes_max);
  if (last_.size() == kept_max) last_.pop_front();
  last_.push_back(std::move(event));
}

}  // namespace bundlesync::report
