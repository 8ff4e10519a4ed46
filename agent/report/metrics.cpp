#include "report/metrics.hpp"

#include "report/line.hpp"
#include "report/series.hpp"

#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <tuple>
#include <vector>

namespace bundlesync::report {
namespace {

using prometheus::Histogram;

/// A code of ours as a label; anything else (there should be nothing else) is "other", so that the number of series is
/// bounded by what we wrote.
std::string code_label(std::string_view code) {
  const bool ours = !code.empty() && code.size() <= 64 && std::ranges::all_of(code, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  return ours ? std::string(code) : "other";
}

std::string name_label(std::string_view name) {
  return escaped(name, value_bytes_max);
}

Histogram& histogram(prometheus::Registry& registry, const std::string& name, const std::string& help,
                     const Histogram::BucketBoundaries& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
}

const Histogram::BucketBoundaries kSeconds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

std::string kind_label(const Error& error) {
  if (!error.reason().empty()) return code_label(error.reason());
  switch (error.kind()) {
    case ErrorKind::timed_out:
      return "timed_out";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::unauthorised:
      return "unauthorised";
    case ErrorKind::no_space:
      return "too_many_connections";
    default:
      return "other";
  }
}

/// One family of one name, whoever's series they are.
void collect_from(const prometheus::Registry& registry, const std::string& target,
                  std::map<std::string, prometheus::MetricFamily>& into) {
  for (auto& family : registry.Collect()) {
    if (!target.empty()) {
      for (auto& metric : family.metric) metric.label.push_back({"target", target});
    }
    const auto known = into.find(family.name);
    if (known == into.end()) {
      into.emplace(family.name, std::move(family));
    } else {
      known->second.metric.insert(known->second.metric.end(), family.metric.begin(), family.metric.end());
    }
  }
}

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;
  GaugeSeries build_info{registry, "bundlesync_build_info", "1, with the version of the agent."};
  GaugeSeries remote_enabled{registry, "bundlesync_remote_enabled", "1 when Postgres and Storage are followed at all."};
  GaugeSeries mode{registry, "bundlesync_mode", "1, with how the database is asked: listen, poll, auto or off."};
  GaugeSeries contact_age{registry, "bundlesync_source_contact_age_seconds",
                          "Seconds since the source last answered; since the start when it never did."};
  GaugeSeries listen_verified{registry, "bundlesync_listen_verified", "1 when notifications are proven to arrive."};
  CounterSeries notifications{registry, "bundlesync_notifications_total", "Wake-ups by the database."};
  CounterSeries reconnects{registry, "bundlesync_reconnects_total",
                           "Database sessions opened again, by what ended the last."};
  CounterSeries storage_requests{registry, "bundlesync_storage_requests_total", "Requests to storage, by answer."};
  GaugeSeries credential_expires{registry, "bundlesync_credential_expires_timestamp_seconds",
                                 "When a credential expires, in seconds since 1970; absent for one that never does."};
  GaugeSeries privileged{registry, "bundlesync_privileged",
                         "1 for a credential that may do more than the agent needs."};
  CounterSeries announcements{registry, "bundlesync_announcements_total",
                              "What is shown, as told to the webhook or the program, by how that ended."};
  std::string lost_reason;
};

struct TargetMetrics::Families {
  prometheus::Registry registry;
  GaugeSeries template_info{registry, "bundlesync_template_info",
                            "1, with what a template shows and where it came from."};
  GaugeSeries desired_info{registry, "bundlesync_desired_info", "1, with the version that the catalog names."};
  GaugeSeries generation{registry, "bundlesync_active_generation", "Generation of what a template shows."};
  GaugeSeries out_of_date{registry, "bundlesync_out_of_date_seconds",
                          "How long a template has not shown what the catalog names."};
  GaugeSeries fallback{registry, "bundlesync_fallback", "1 for a template that shows local or fallback files."};
  GaugeSeries held{registry, "bundlesync_held", "1 while the catalog names a lower generation than was accepted."};
  GaugeSeries blocked{registry, "bundlesync_blocked", "1 while another template of the same change cannot be had."};
  CounterSeries refused{registry, "bundlesync_refused_total", "What the catalog named and broke a rule."};
  CounterSeries syncs{registry, "bundlesync_sync_total", "Passes, by how they ended."};
  CounterSeries download_bytes{registry, "bundlesync_download_bytes_total", "Bytes taken from storage."};
  Histogram& download_seconds =
      histogram(registry, "bundlesync_download_seconds", "Time to bring one version.", kSeconds);
  Histogram& activation_seconds =
      histogram(registry, "bundlesync_activation_seconds", "From the commit to what apps see.", kSeconds);
  GaugeSeries prefetched{registry, "bundlesync_prefetched", "1 when the previous default is on this disk."};
  GaugeSeries disk_bytes{registry, "bundlesync_disk_bytes", "Bytes on disk, by area."};
  GaugeSeries disk_budget{registry, "bundlesync_disk_budget_bytes", "Bytes that the target may take."};
  GaugeSeries target_shared{registry, "bundlesync_target_shared", "1 when others may write to the target's root."};
  CounterSeries validations{registry, "bundlesync_validations_total", "Questions to the validator, by answer."};
  Histogram& validation_seconds =
      histogram(registry, "bundlesync_validation_seconds", "Time until the validator answered.", kSeconds);
  CounterSeries scrubs{registry, "bundlesync_scrubs_total", "Shown trees that were hashed again, by what was found."};
  GaugeSeries ready{registry, "bundlesync_ready", "1 once every wanted template shows something."};
  GaugeSeries standby{registry, "bundlesync_standby", "1 while another agent holds the target."};

  bool sync_failed = false;
  bool was_ready = false;
  std::map<std::string, Labels> late;  ///< of out_of_date, by template

  using Refusal = std::tuple<std::string, std::string, std::uint64_t>;  ///< reason, version, generation
  std::map<std::string, Refusal> refusals;                              ///< by template, as counted

  void replace_templates(const Settled& settled);
  void count_refusals(const Settled& settled);
};

TargetMetrics::TargetMetrics(const Ages& ages, std::string name)
    : ages_(ages), name_(std::move(name)), families_(std::make_unique<Families>()) {
  Families& f = *families_;
  f.download_bytes.add({}, 0);
  f.syncs.add({{"outcome", "ok"}}, 0);
  f.syncs.add({{"outcome", "failed"}}, 0);
  f.scrubs.add({{"outcome", "good"}}, 0);
  f.scrubs.add({{"outcome", "damaged"}}, 0);
  f.ready.set({}, 0);
  f.standby.set({}, 0);
}

TargetMetrics::~TargetMetrics() = default;

void TargetMetrics::started(const Started& started) {
  families_->target_shared.set({}, started.target_shared ? 1 : 0);
}

Metrics::Metrics(const Ages& contacts) : contacts_(contacts), families_(std::make_unique<Families>()) {
  families_->listen_verified.set({}, 0);
  families_->notifications.add({}, 0);
}

Metrics::~Metrics() = default;

void Metrics::add(TargetMetrics& target) {
  targets_.push_back(&target);
}

void Metrics::started(const Started& started) {
  Families& f = *families_;
  f.build_info.replace({{{{"version", started.version}}, 1}});
  f.remote_enabled.set({}, started.remote ? 1 : 0);
  mode(started.mode);
}

void TargetMetrics::activated(const Activated& activated) {
  if (activated.commit_to_visible) families_->activation_seconds.Observe(activated.commit_to_visible->count());
}

void TargetMetrics::standby() {
  families_->standby.set({}, 1);
}

void TargetMetrics::settled(const Settled& settled) {
  Families& f = *families_;
  f.standby.set({}, 0);
  GaugeSeries::Values disk;
  for (const auto& [area, bytes] : settled.disk_bytes) disk[{{"area", code_label(area)}}] = static_cast<double>(bytes);
  f.disk_bytes.replace(disk);
  f.disk_budget.set({}, static_cast<double>(settled.disk_budget_bytes));
  f.replace_templates(settled);
  f.count_refusals(settled);
  f.was_ready = f.was_ready || settled.ready;
  f.ready.set({}, f.was_ready ? 1 : 0);
  f.syncs.add({{"outcome", std::exchange(f.sync_failed, false) ? "failed" : "ok"}});
}

void TargetMetrics::Families::replace_templates(const Settled& settled) {
  GaugeSeries::Values shown, desired, generations, fallbacks, helds, blockeds, prefetcheds;
  late.clear();
  for (const auto& entry : settled.templates) {
    const std::string name = name_label(entry.name);
    const Labels of{{"template", name}};
    helds[of] = entry.state == plan::State::held ? 1 : 0;
    blockeds[of] = entry.state == plan::State::blocked ? 1 : 0;
    prefetcheds[of] = entry.prefetched ? 1 : 0;
    const std::string source = code_label(entry.source);
    if (!entry.shown_version.empty()) {
      shown[{{"template", name}, {"version", name_label(entry.shown_version)}, {"source", source}}] = 1;
      generations[of] = static_cast<double>(entry.generation);
    }
    if (source == "local" || source == "filesystem") fallbacks[{{"template", name}, {"source", source}}] = 1;
    if (!entry.desired_version.empty()) {
      desired[{{"template", name}, {"version", name_label(entry.desired_version)}}] = 1;
    }
    if (is_out_of_date(entry)) {
      late[entry.name] = {{"template", name}, {"reason", code_label(why_out_of_date(entry))}};
    }
  }
  template_info.replace(shown);
  desired_info.replace(desired);
  generation.replace(generations);
  fallback.replace(fallbacks);
  held.replace(helds);
  blocked.replace(blockeds);
  prefetched.replace(prefetcheds);
}

/// A refusal counts when it begins and whenever the row changes; not with every pass that meets it again.
void TargetMetrics::Families::count_refusals(const Settled& settled) {
  std::set<std::string> names;
  std::map<std::string, Refusal> now;
  for (const auto& entry : settled.templates) {
    const std::string name = name_label(entry.name);
    names.insert(name);
    if (entry.state != plan::State::refused) continue;
    Refusal refusal(entry.reason, entry.desired_version, entry.desired_generation);
    const auto counted = refusals.find(name);
    if (counted == refusals.end() || counted->second != refusal) {
      refused.add({{"template", name}, {"reason", code_label(entry.reason)}});
    }
    now.emplace(name, std::move(refusal));
  }
  refusals = std::move(now);
  refused.retain([&](const Labels& labels) { return names.contains(labels.at("template")); });
}

void TargetMetrics::sync_failed() {
  families_->sync_failed = true;
}

void TargetMetrics::fetch_ended(bool ok, std::uint64_t bytes, std::chrono::duration<double> took) {
  families_->download_bytes.add({}, static_cast<double>(bytes));
  if (ok && bytes > 0) families_->download_seconds.Observe(took.count());
}

void Metrics::storage_answered(std::string_view code) {
  families_->storage_requests.add({{"code", code_label(code)}});
}

void Metrics::lost(std::string_view source, const Error& error) {
  if (source == "database" && families_->lost_reason.empty()) families_->lost_reason = kind_label(error);
}

void Metrics::found(std::string_view source) {
  Families& f = *families_;
  if (source != "database" || f.lost_reason.empty()) return;
  f.reconnects.add({{"reason", std::exchange(f.lost_reason, "")}});
}

void Metrics::mode(std::string_view mode) {
  families_->mode.replace({{{{"mode", code_label(mode)}}, 1}});
}

void Metrics::listen_verified(bool verified) {
  families_->listen_verified.set({}, verified ? 1 : 0);
}

void Metrics::notified() {
  families_->notifications.add({});
}

void Metrics::credential(const Credential& credential) {
  GaugeSeries::Values values;
  if (credential.expires) {
    const std::chrono::duration<double> since = credential.expires->time_since_epoch();
    values[{{"kind", code_label(credential.kind)}}] = since.count();
  }
  families_->credential_expires.replace(values);
}

void Metrics::privileged(std::string_view what, bool is) {
  families_->privileged.set({{"what", code_label(what)}}, is ? 1 : 0);
}

void Metrics::announced(const Announced& announced) {
  families_->announcements.add({{"to", code_label(announced.to)}, {"outcome", announced.ok ? "told" : "failed"}});
}

void TargetMetrics::validated(std::string_view answer, std::chrono::duration<double> took) {
  families_->validations.add({{"answer", code_label(answer)}});
  families_->validation_seconds.Observe(took.count());
}

void TargetMetrics::scrubbed(std::string_view outcome) {
  families_->scrubs.add({{"outcome", code_label(outcome)}});
}

void TargetMetrics::collect(std::map<std::string, prometheus::MetricFamily>& into) {
  GaugeSeries::Values late;
  for (const auto& [name, age] : ages_.out_of_date()) {
    const auto labels = families_->late.find(name);
    if (labels != families_->late.end()) late[labels->second] = age.count();
  }
  families_->out_of_date.replace(late);
  collect_from(families_->registry, name_, into);
}

std::string Metrics::text() {
  GaugeSeries::Values ages;
  for (const auto& [source, age] : contacts_.contacts()) ages[{{"source", code_label(source)}}] = age.age.count();
  families_->contact_age.replace(ages);

  std::map<std::string, prometheus::MetricFamily> by_name;
  collect_from(families_->registry, "", by_name);
  for (TargetMetrics* target : targets_) target->collect(by_name);
  std::vector<prometheus::MetricFamily> families;
  for (auto& [name, family] : by_name) families.push_back(std::move(family));
  for (auto& family : families) std::ranges::sort(family.metric, {}, &prometheus::ClientMetric::label);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

}  // namespace bundlesync::report
