#include "base/glob.hpp"
#include "plan/plan.hpp"
#include "plan/verdict.hpp"

#include <algorithm>

namespace bundlesync::plan {

const char* to_string(State state) {
  switch (state) {
    case State::absent:
      return "absent";
    case State::current:
      return "current";
    case State::moving:
      return "moving";
    case State::fetching:
      return "fetching";
    case State::validating:
      return "validating";
    case State::retrying:
      return "retrying";
    case State::blocked:
      return "blocked";
    case State::refused:
      return "refused";
    case State::held:
      return "held";
    case State::orphaned:
      return "orphaned";
    case State::disabled:
      return "disabled";
    case State::waiting:
      return "waiting";
    case State::standalone:
      return "standalone";
  }
  return "unknown";
}

Readiness readiness(const View& view, bool database_reached, const Policy& policy) {
  const auto counts = [&](const Shown& shown) {
    switch (policy.start_require) {
      case StartRequire::any:
        return true;
      case StartRequire::last_good:
        return database_reached || is_last_good(shown);
      case StartRequire::desired:
        return database_reached;
    }
    return false;
  };

  Readiness result;
  bool only_globs = true;
  for (const auto& pattern : policy.templates) {
    if (is_glob(pattern)) continue;
    only_globs = false;
    const auto shown = view.templates.find(pattern);
    if (shown == view.templates.end() || !counts(shown->second)) result.missing.push_back(pattern);
  }
  if (only_globs) {
    const bool any = std::ranges::any_of(
        view.templates, [&](const auto& entry) { return wanted(entry.first, policy) && counts(entry.second); });
    if (!any) result.missing = policy.templates;
  }
  result.ready = result.missing.empty();
  return result;
}

}  // namespace bundlesync::plan
