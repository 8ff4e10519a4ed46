#include "report/health.hpp"

#include "report/line.hpp"

#include <fmt/format.h>

namespace bundlesync::report {
namespace {
constexpr std::size_t kMissingNamed = 20;
}

void Health::settled(bool ready, const std::vector<std::string>& missing) {
  settled_ = true;
  ready_ = ready_ || ready;
  missing_ = missing;
}

Health::Verdict Health::alive() const {
  const auto silent = clock_.now() - ticked_;
  if (silent > tick_age_max) return {false, fmt::format("the loop has not ticked for {}", seconds(silent))};
  if (stopping_) return {true, "ok, stopping"};  // tasks end now, as they should
  for (const auto& [task, running] : tasks_) {
    if (!running) return {false, fmt::format("task {} has ended", task)};
  }
  return {true, "ok"};
}

Health::Verdict Health::ready() const {
  if (ready_) return {true, "ok"};
  if (!settled_) return {false, standby_.empty() ? "starting" : "standby: " + escaped(standby_, prose_bytes_max)};
  std::string text = "nothing to show for:";
  for (std::size_t i = 0; i < missing_.size() && i < kMissingNamed; ++i) text += ' ' + quoted(missing_[i]);
  if (missing_.size() > kMissingNamed) text += fmt::format(" and {} more", missing_.size() - kMissingNamed);
  return {false, text};
}

}  // namespace bundlesync::report
