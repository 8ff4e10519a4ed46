#include "base/time.hpp"
#include "sync/reconciler.hpp"

#include <algorithm>

/// The end of a pass: where every template stands, for people.
namespace bundlesync::sync {

std::string Reconciler::next_try(const plan::TemplateStatus& status, const std::string& name) const {
  if (status.state == plan::State::refused) return "when_the_row_changes";
  if (status.state != plan::State::retrying) return "";
  const auto wanted = desired_.templates.find(name);
  if (wanted == desired_.templates.end() || !wanted->second.current) return "";
  const auto& version = *wanted->second.current;
  const plan::ContentKey content{name, version.version, version.manifest};
  const auto due = status.reason == "validator_failed" ? validations_.retry_at(content) : fetches_.retry_at(content);
  if (!due) return "";
  const auto wait = *due - world_.clock.now();
  return format_time(world_.clock.wall_now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(wait));
}

report::TemplateReport Reconciler::report_of(const std::string& name, const plan::TemplateStatus& status) const {
  report::TemplateReport line;
  line.name = name;
  line.state = status.state;
  line.reason = status.reason;
  line.detail = status.detail;
  line.desired_version = status.wanted_version;
  line.desired_generation = status.generation;
  line.accepted_generation = status.accepted;
  line.next_try = next_try(status, name);
  line.path = (world_.target.path() / name).string();

  const auto shown = view_.templates.find(name);
  if (shown != view_.templates.end()) {
    line.shown_version = shown->second.version;
    line.shown_manifest = shown->second.manifest.hex();
    line.source = plan::to_string(shown->second.source);
    line.since = shown->second.activated_at;
    line.generation = shown->second.generation;
    // What this pass has just shown is where it wanted to be.
    if (status.state == plan::State::moving && shown->second.generation == status.generation &&
        shown->second.version == status.wanted_version) {
      line.state = plan::State::current;
    }
  }
  const auto wanted = desired_.templates.find(name);
  if (wanted != desired_.templates.end() && wanted->second.previous) {
    const auto& previous = *wanted->second.previous;
    line.prefetched = complete_.contains(plan::ContentKey{name, previous.version, previous.manifest});
  }
  return line;
}

void Reconciler::settle() {
  report::Settled settled;
  for (const auto& [name, status] : plan_.status) settled.templates.push_back(report_of(name, status));
  settled.view = view_.number;
  settled.epoch = desired_.epoch;
  plan::Readiness ready = readiness();
  settled.ready = ready.ready;
  settled.missing = std::move(ready.missing);
  settled.problems = problems_;
  settled.disk_bytes["trees"] = used_bytes_ - std::min(used_bytes_, cache_use_.bytes);
  settled.disk_bytes["cache"] = cache_use_.bytes;
  settled.disk_budget_bytes = options_.retention.bytes_max;
  world_.reporter.settled(settled);

  std::set<plan::ContentKey> wanted = pinned_contents();
  fetches_.forget_all_but(wanted);
  validations_.forget_all_but(wanted);
}

}  // namespace bundlesync::sync
