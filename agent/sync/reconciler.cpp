#include "sync/reconciler.hpp"

#include "async/pool.hpp"
#include "base/backoff.hpp"
#include "base/glob.hpp"
#include "disk/layout.hpp"

#include <algorithm>
#include <utility>

namespace bundlesync::sync {
namespace {
/// How long what shows nothing waits for its first download before local or fallback files take its place.
constexpr auto kStartGrace = std::chrono::seconds(5);
/// How long a start waits for the database's first answer before it counts as failed.
constexpr auto kDatabaseGrace = std::chrono::seconds(2);
/// The least time between passes that only a timer asks for.
constexpr auto kPassInterval = std::chrono::milliseconds(100);
}  // namespace

Reconciler::Reconciler(World world, const Options& options)
    : world_(world),
      options_(options),
      wakeup_(world.executor),
      fetches_(world, options, wakeup_),
      validations_(world, options, wakeup_) {
  begin_now();
}

/// What a start may take counts from here: an agent may have stood by for hours before.
void Reconciler::begin_now() {
  started_ = world_.clock.now();
  grace_from_ = started_;
  started_wall_ = world_.clock.wall_now();
  rescan_at_ = started_ + options_.rescan_interval;
  tidy_at_ = started_;
  prefetch_at_ = started_ + jittered(options_.prefetch_spread / 2, 1.0, world_.random.next());
}

catalog::Question Reconciler::question() const {
  catalog::Question question;
  const auto& names = options_.policy.templates;
  if (std::ranges::any_of(names, [](const auto& name) { return is_glob(name); })) return question;  // all are answered
  question.names = names;
  for (const auto& [name, wanted] : desired_.templates) {
    if (!wanted.id.starts_with(plan::unreadable_id)) question.ids.push_back(wanted.id);
  }
  return question;
}

bool Reconciler::follows(const plan::WantedTemplate& of) const {
  if (plan::wanted(of.name, options_.policy)) return true;
  return std::ranges::any_of(desired_.templates, [&](const auto& entry) { return entry.second.id == of.id; });
}

void Reconciler::accept(plan::Answer answer) {
  problems_ = answer.problems;
  const bool same_epoch = answer.epoch == desired_.epoch;
  const bool says_nothing_new = database_reached_ && same_epoch && !answer.full && answer.templates.empty();
  if (says_nothing_new) return;
  plan::Desired next = desired_;
  plan::merge(next, std::move(answer));
  if (database_reached_ && next == desired_) return;
  desired_ = std::move(next);
  database_reached_ = true;
  std::erase_if(downloaded_, [&](const auto& entry) { return !awaited(entry.first); });
  desired_unsaved_ = true;
  ++desired_revision_;
  wakeup_.notify();
}

void Reconciler::database_failed() {
  if (std::exchange(database_failed_, true)) return;
  wakeup_.notify();
}

plan::Readiness Reconciler::readiness() const {
  return plan::readiness(view_, database_reached_, options_.policy);
}

Task<> Reconciler::run(bool until_settled) {
  for (;;) {
    co_await pass();
    if (until_settled && settled()) co_return;
    const async::Steady due = next_time();
    co_await wakeup_.wait_until(world_.clock, due);
  }
}

Task<> Reconciler::pass() {
  if (world_.clock.now() >= rescan_at_) co_await rescan_alternatives();
  if (std::exchange(losses_suspected_, false)) co_await mend_losses();
  const bool more_is_here = take_finished_fetches();
  decide();

  for (const auto& content : plan_.abandon) fetches_.cancel(content);
  for (const auto& fetch : plan_.fetch) {
    co_await make_room(fetches_.reserved_bytes() + plan::disk_bytes(fetch.bundle, options_.policy));
    fetches_.start(fetch, local_bytes());
  }
  if (world_.validator) validations_.ask(plan_.validate);
  const bool something_to_show = !plan_.activate.empty() || !plan_.drop.empty() || must_show_;
  if (something_to_show && world_.clock.now() >= show_not_before_) co_await activate();
  if (more_is_here) co_await count_anew();
  if (desired_unsaved_) co_await save_desired();
  co_await save_vetoes();
  if (world_.clock.now() >= tidy_at_) co_await tidy();
  settle();
}

void Reconciler::decide() {
  plan_ = plan::decide(desired_, observe(), options_.policy);
  plan_revision_ = desired_revision_;
}

plan::Observed Reconciler::observe() const {
  const async::Steady now = world_.clock.now();
  plan::Observed observed;
  observed.remote_enabled = options_.remote;
  observed.database_reached = database_reached_;
  observed.database_failed = database_failed_ || now >= started_ + kDatabaseGrace;
  observed.start_grace_over = now >= grace_from_ + kStartGrace;
  observed.view = view_;
  observed.damaged = damaged_;
  observed.unread = unread_;
  observed.complete = complete_;
  observed.fetching = fetches_.running();
  observed.prefetching = fetches_.prefetching();
  observed.failed = fetches_.failures(now);
  observed.accepted = state_.accepted;
  observed.local = local_.by_template;
  observed.filesystem = filesystem_.by_template;
  observed.room_bytes = plan::room(kept_trees(), used_bytes_, cache_use_.bytes, options_.retention);
  observed.prefetch_due = database_reached_ && now >= prefetch_at_;
  return options_.policy.validate ? observe_validations(std::move(observed), now) : observed;
}

/// What was shown once was accepted once: a rollback, or a tree that is built again, asks nobody.
plan::Observed Reconciler::observe_validations(plan::Observed observed, async::Steady now) const {
  observed.validating = validations_.running();
  observed.validations = validations_.known(now);
  const auto accept = [&](const std::string& name, const std::string& version, const Digest& manifest) {
    observed.validations[plan::ContentKey{name, version, manifest}].answer = plan::Validation::Answer::accepted;
  };
  for (const auto& [name, shown] : view_.templates) accept(name, shown.version, shown.manifest);
  for (const auto& [tree, manifest] : state_.trees) {
    accept(tree.template_name, std::string(disk::layout::version_of_tree_name(tree.name)), manifest);
  }
  for (const auto& [name, wanted] : desired_.templates) {
    const auto accepted = state_.accepted.find(plan::AcceptedKey{desired_.epoch, wanted.id});
    if (accepted != state_.accepted.end()) accept(name, accepted->second.version, accepted->second.manifest);
  }
  return observed;
}

bool Reconciler::take_finished_fetches() {
  std::list<Fetches::Finished> all = fetches_.take_finished();
  for (auto& finished : all) {
    disk::TreeInfo info;
    info.id = finished.tree;
    info.bytes = plan::disk_bytes(finished.bundle, options_.policy);
    info.manifest = finished.content.manifest;
    info.bundle = std::move(finished.bundle);
    used_bytes_ += info.bytes;
    trees_[finished.tree] = std::move(info);
    complete_[finished.content] = finished.tree;
    last_live_[finished.tree] = world_.clock.now();
    if (!awaited(finished.content)) continue;
    fresh_[finished.tree] = world_.clock.now();
    downloaded_[finished.content] += finished.downloaded_bytes;
  }
  return !all.empty();
}

/// Is it on its way to be shown? What was prefetched is on this disk when it is wanted.
bool Reconciler::awaited(const plan::ContentKey& content) const {
  const auto wanted = desired_.templates.find(content.template_name);
  if (wanted == desired_.templates.end() || !wanted->second.current) return false;
  const plan::WantedVersion& current = *wanted->second.current;
  return current.version == content.version && current.manifest == content.manifest;
}

async::Steady Reconciler::next_time() const {
  async::Steady due = std::min({rescan_at_, tidy_at_, fetches_.next_retry(), validations_.next_retry()});
  const async::Steady now = world_.clock.now();
  for (const async::Steady moment :
       {started_ + kDatabaseGrace, grace_from_ + kStartGrace, prefetch_at_, show_not_before_}) {
    if (moment > now) due = std::min(due, moment);
  }
  for (const auto& [tree, failed] : failed_reads_) {
    if (failed.next > now) due = std::min(due, failed.next);
  }
  return std::max(due, now + kPassInterval);  // whatever is overdue, a timer never makes passes spin
}

bool Reconciler::settled() const {
  if (must_show_ || !plan_.settled()) return false;
  if (options_.remote && !database_reached_) return false;  // with globs only, nobody knows yet what there is
  if (!fetches_.running().empty() || !validations_.running().empty()) return false;
  return std::ranges::none_of(plan_.status, [](const auto& entry) {
    const plan::TemplateStatus& status = entry.second;
    return status.state == plan::State::moving || status.state == plan::State::fetching ||
           status.state == plan::State::validating || status.state == plan::State::retrying ||
           status.reason == "database_not_reached";
  });
}

Task<> Reconciler::stop() {
  co_await fetches_.stop();
  co_await validations_.stop();
}

LocalBytes Reconciler::local_bytes() const {
  LocalBytes result;
  const auto add = [&](const std::filesystem::path& dir, const disk::Alternatives& alternatives) {
    for (const auto& [name, alternative] : alternatives.by_template) {
      for (const auto& file : alternative.bundle.files) {
        result.emplace(file.sha256, disk::alternative_path(dir, name, file.path));
      }
    }
  };
  add(options_.local_dir, local_);
  add(options_.fallback_dir, filesystem_);
  return result;
}

}  // namespace bundlesync::sync
