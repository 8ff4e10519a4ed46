#include "async/pool.hpp"
#include "base/backoff.hpp"
#include "base/time.hpp"
#include "sync/reconciler.hpp"

#include <fmt/format.h>

#include <utility>

/// What is complete on disk becomes what apps read.
namespace bundlesync::sync {
namespace {
/// Tries to read a tree on a disk that fails, before its bytes are had from elsewhere.
constexpr unsigned kReadsMax = 5;
/// How long a tree that was just made needs no other look before it is shown.
constexpr auto kFresh = std::chrono::minutes(1);
}  // namespace

Task<> Reconciler::activate() {
  std::set<plan::TreeId> verified;
  for (auto& group : plan_.activate) {
    for (auto& move : group.moves) {
      std::optional<plan::TreeId> tree = co_await tree_for(move);
      if (!tree) break;  // one that cannot be had keeps its whole group waiting
      verified.insert(*tree);
      move.tree = std::move(*tree);
    }
  }
  // The catalog moved on meanwhile: decide anew, and show what is still wanted. Whoever moves often delays nobody else.
  if (plan_revision_ != desired_revision_) decide();

  std::set<std::string> unavailable;
  for (const auto& group : plan_.activate) {
    for (const auto& move : group.moves) {
      if (!verified.contains(move.tree)) unavailable.insert(move.template_name);
    }
  }
  const std::vector<plan::Group> ready = plan::groups_without(plan_.activate, std::move(unavailable), desired_);
  if (ready.empty() && plan_.drop.empty() && !must_show_) co_return;

  Result<void> shown = co_await show(ready);
  if (shown) co_return;
  const std::string& why = shown.error().reason();
  const bool tree_is_gone = why == "tree_missing" || why == "tree_closed";
  bool decide_anew = false;
  if (tree_is_gone) decide_anew = co_await found_damage(ready);
  if (!decide_anew) show_failed(shown.error());
}

/// Somebody took away a tree since it was verified. One that is live would stand in the way of every view: it is built
/// again, or leaves the view, as after a start that finds it damaged. True when the next pass decides something else.
Task<bool> Reconciler::found_damage(const std::vector<plan::Group>& groups) {
  bool found = false;
  for (const auto& group : groups) {
    for (const auto& move : group.moves) found |= fresh_.erase(move.tree) > 0;  // to be verified before it is shown
  }
  const std::size_t known = damaged_.size();
  Result<void> checked = co_await check_live_trees(false);
  if (!checked) world_.reporter.sync_failed(checked.error());  // what cannot be read now may be whole: tried again
  found |= damaged_.size() > known;
  if (found) wakeup_.notify();
  co_return found;
}

/// The tree to show for a move, verified against what the catalog wants; nothing when it cannot be shown now.
Task<std::optional<plan::TreeId>> Reconciler::tree_for(const plan::Move& move) {
  if (move.tree.empty()) {
    Result<plan::TreeId> staged = co_await stage_alternative(*move.alternative);
    if (!staged) {
      world_.reporter.sync_failed(staged.error());
      rescan_at_ = world_.clock.now() + std::chrono::seconds(1);  // the files may have changed under us: look again
      co_return std::nullopt;
    }
    co_return *staged;
  }
  const auto made = fresh_.find(move.tree);
  if (made != fresh_.end() && world_.clock.now() - made->second < kFresh) co_return move.tree;
  const auto failed = failed_reads_.find(move.tree);
  if (failed != failed_reads_.end() && world_.clock.now() < failed->second.next) co_return std::nullopt;

  disk::Trees& trees = world_.trees;
  const plan::TreeId tree = move.tree;
  const Digest manifest = move.content.manifest;
  Result<disk::TreeInfo> verified =
      co_await async::offload(world_.disk_pool, [&trees, &tree, &manifest] { return trees.verify(tree, manifest); });
  if (verified) {
    failed_reads_.erase(tree);
    co_return tree;
  }
  not_verified(move, verified.error());
  co_return std::nullopt;
}

/// A damaged tree is fetched again. One that could not be read may be whole: it is tried again, some times. What may
/// pass (too many open files) is never the tree's fault.
void Reconciler::not_verified(const plan::Move& move, const Error& error) {
  const plan::TreeId& tree = move.tree;
  if (error.kind() != ErrorKind::damaged) {
    FailedRead& failed = failed_reads_[tree];
    const auto wait = std::chrono::duration_cast<async::Duration>(std::max<std::chrono::nanoseconds>(
        backoff_delay(failed.times++, world_.random.next()), std::chrono::milliseconds(100)));
    failed.next = world_.clock.now() + wait;
    if (error.may_pass() || failed.times < kReadsMax) return world_.reporter.sync_failed(error);
  }
  failed_reads_.erase(tree);
  world_.reporter.repaired(fmt::format("tree {}/{} {} and will be fetched again: {}", tree.template_name, tree.name,
                                       error.kind() == ErrorKind::damaged ? "is damaged" : "cannot be read",
                                       error.fact()));
  condemn(tree);
  complete_.erase(move.content);
  wakeup_.notify();
}

Task<Result<plan::TreeId>> Reconciler::stage_alternative(const plan::Alternative& alternative) {
  const bool local = alternative.source == plan::Source::local;
  const std::filesystem::path& dir = local ? options_.local_dir : options_.fallback_dir;
  disk::Trees& trees = world_.trees;
  Result<plan::TreeId> tree =
      co_await async::offload(world_.disk_pool, [&trees, &dir, &alternative]() -> Result<plan::TreeId> {
        auto stage = trees.begin(alternative.bundle, alternative.manifest);
        if (!stage) return fail(stage.error());
        for (const auto& file : alternative.bundle.files) {
          const auto source = disk::alternative_path(dir, alternative.bundle.template_name, file.path);
          Result<bool> taken = (*stage)->take_from(source, file);
          if (!taken) return fail(taken.error());
          if (!*taken) {
            return fail(Error(ErrorKind::unavailable,
                              fmt::format("{} changed while it was read, or cannot be read", source.string())));
          }
        }
        return (*stage)->commit();
      });
  if (!tree) co_return tree;
  disk::TreeInfo info;
  info.id = *tree;
  info.bundle = alternative.bundle;
  info.manifest = alternative.manifest;
  info.bytes = bundle::total_bytes(alternative.bundle.files, 0);
  trees_[*tree] = info;
  complete_[plan::ContentKey{alternative.bundle.template_name, alternative.bundle.version, alternative.manifest}] =
      *tree;
  co_return tree;
}

/// Everything ready goes into one view and is shown by one rename: groups stay whole whatever else comes along.
Task<Result<void>> Reconciler::show(std::vector<plan::Group> groups) {
  std::map<std::string, plan::Shown> templates = view_.templates;
  for (const auto& name : plan_.drop) templates.erase(name);

  disk::State next = state_;
  const std::string now = format_time(world_.clock.wall_now());
  for (const auto& group : groups) {
    for (const auto& move : group.moves) {
      plan::Shown shown;
      shown.tree = move.tree;
      shown.version = move.content.version;
      shown.manifest = move.content.manifest;
      shown.source = downloaded_.contains(move.content) && !move.alternative ? plan::Source::remote : move.source;
      shown.epoch = move.epoch;
      shown.template_id = move.template_id;
      shown.generation = move.generation;
      shown.change = move.change;
      shown.activated_at = now;
      next.trees[move.tree] = move.content.manifest;
      if (!move.template_id.empty()) {
        const plan::AcceptedKey key{move.epoch, move.template_id};
        next.accepted[key] = plan::Accepted{move.generation, move.content.version, move.content.manifest};
        next.epoch = move.epoch;
      }
      templates[move.template_name] = std::move(shown);
    }
  }

  live::LiveView& live = world_.live;
  Result<plan::View> view =
      co_await async::offload(world_.disk_pool, [&live, &templates, &next] { return live.show(templates, next); });
  state_.last_view = next.last_view;
  if (!view && view.error().reason() == "name_taken") view = co_await shown_beside(view.error(), next.last_view);
  if (!view) co_return fail(view.error());

  const plan::View before = std::exchange(view_, std::move(*view));
  state_ = std::move(next);
  must_show_ = false;
  show_failures_ = 0;
  show_not_before_ = {};
  acknowledge(groups, before);
  co_return Result<void>();
}

/// Somebody's file or directory is in the place of one template's link. All templates were swapped in and the other
/// links made, so the view counts; the name that is taken is looked at again from time to time, and said once.
Task<Result<plan::View>> Reconciler::shown_beside(Error taken, std::uint64_t view_number) {
  live::LiveView& live = world_.live;
  Result<plan::View> now = co_await async::offload(world_.disk_pool, [&live] { return live.read(); });
  if (!now || now->number != view_number) co_return fail(std::move(taken));
  world_.reporter.warning(taken.line());
  links_missing_ = true;
  co_return now;
}

/// Only now, after the last fsync: the clocks of what left, the log, the metrics.
void Reconciler::acknowledge(const std::vector<plan::Group>& groups, const plan::View& before) {
  const async::Steady now = world_.clock.now();
  views_made_.push_back(now);
  for (const auto& [name, shown] : before.templates) {
    last_live_[shown.tree] = now;
    const auto still = view_.templates.find(name);
    if (still == view_.templates.end() || still->second.tree != shown.tree) {
      damaged_.erase(shown.tree);
      unread_.erase(shown.tree);
    }
  }
  for (const auto& group : groups) {
    report::Activated activated = describe(group, before);
    world_.reporter.activated(activated);
    announce(activated);
    for (const auto& move : group.moves) {
      damaged_.erase(move.tree);  // made anew under the name of one that was gone
      downloaded_.erase(move.content);
      fresh_.erase(move.tree);
    }
  }
  tidy_at_ = std::min(tidy_at_, now + std::chrono::seconds(1));
}

void Reconciler::announce(const report::Activated& activated) const {
  if (!world_.announcers || world_.announcers->empty()) return;
  hooks::Announcement announcement;
  announcement.target = world_.target.path().string();
  announcement.view = activated.view;
  for (const auto& entry : activated.templates) {
    hooks::ShownVersion& shown = announcement.templates[entry.name];
    shown.version = entry.to_version;
    shown.previous_version = entry.from_version;
    shown.source = plan::to_string(entry.source);
    shown.generation = entry.generation;
    shown.history = entry.history;
  }
  for (const auto& announcer : *world_.announcers) announcer->announce(announcement);
}

report::Activated Reconciler::describe(const plan::Group& group, const plan::View& before) const {
  report::Activated activated;
  activated.change = group.change;
  activated.view = view_.number;
  for (const auto& move : group.moves) {
    const auto previous = before.templates.find(move.template_name);
    const auto downloaded = downloaded_.find(move.content);
    report::ActivatedTemplate entry = describe(view_.templates.at(move.template_name), move.template_name);
    entry.from_version = previous == before.templates.end() ? "" : previous->second.version;
    entry.history = move.history;
    entry.downloaded_bytes = downloaded == downloaded_.end() ? 0 : downloaded->second;
    activated.templates.push_back(std::move(entry));

    const auto committed = parse_time(move.changed_at);
    if (!committed || *committed < started_wall_) continue;  // moved before we looked: nobody waited for us
    const std::chrono::duration<double> took = world_.clock.wall_now() - *committed;
    if (took.count() >= 0) activated.commit_to_visible = took;
  }
  return activated;
}

report::ActivatedTemplate Reconciler::describe(const plan::Shown& shown, const std::string& name) const {
  report::ActivatedTemplate entry;
  entry.name = name;
  entry.to_version = shown.version;
  entry.source = shown.source;
  entry.generation = shown.generation;
  const auto tree = trees_.find(shown.tree);
  if (tree == trees_.end()) return entry;
  for (const auto& file : tree->second.bundle.files) {
    report::ProofFile proof;
    proof.kind = file.kind;
    proof.role = file.role;
    proof.locale = file.locale;
    proof.path = file.path;
    proof.sha256 = file.sha256.hex();
    proof.bytes = file.size.value_or(0);
    entry.files.push_back(std::move(proof));
  }
  return entry;
}

/// The old view or the new one is shown, whole, and which of them is durable is not known: nothing is acknowledged, and
/// all steps are done again with a new view.
void Reconciler::show_failed(const Error& error) {
  must_show_ = true;
  const auto wait = backoff_delay(show_failures_++, world_.random.next());
  show_not_before_ = world_.clock.now() + std::max<std::chrono::nanoseconds>(wait, std::chrono::milliseconds(100));
  world_.reporter.sync_failed(error);
}

}  // namespace bundlesync::sync
