#include "async/pool.hpp"
#include "sync/reconciler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

/// Somebody may edit what apps read, or take it away: a neighbour on a shared volume, an operator who tidies up, a disk
/// that forgets. What is shown is hashed again in the background; I3 says that it never changes, and this finds who
/// broke it. Whether it is there at all is looked at every few seconds.
namespace bundlesync::sync {
namespace {

/// What was read rests for as long as its bytes take at the pace that was set.
async::Duration rest_after(std::uint64_t bytes, std::uint64_t bytes_per_second) {
  const std::chrono::duration<double> rest(static_cast<double>(bytes) / static_cast<double>(bytes_per_second));
  return std::chrono::duration_cast<async::Duration>(rest);
}

}  // namespace

Task<Result<live::Losses>> Reconciler::losses_of(plan::View view) {
  const live::LiveView& live = world_.live;
  co_return co_await async::offload(world_.disk_pool, [&live, &view] { return live.losses(view); });
}

/// A view that is being shown meanwhile looks like a loss: a pass, which shows nothing at that moment, looks again.
Task<> Reconciler::look_for_losses() {
  if (view_.number == 0 || must_show_) co_return;
  const Result<live::Losses> lost = co_await losses_of(view_);
  if (!lost || !lost->any()) co_return;  // what cannot be looked at now may be whole
  losses_suspected_ = true;
  wakeup_.notify();
}

Task<> Reconciler::mend_losses() {
  const plan::View view = view_;
  const Result<live::Losses> lost = co_await losses_of(view);
  if (!lost) co_return;
  for (const auto& name : lost->trees) {
    const plan::Shown& shown = view.templates.at(name);
    if (damaged_.contains(shown.tree)) continue;  // known, and on its way
    quarantine(name, shown, Error(ErrorKind::damaged, fmt::format("tree {}/{} is gone", name, shown.tree.name)));
  }
  if (lost->view) {
    must_show_ = true;  // makes the links, too
    world_.reporter.repaired(fmt::format("the view {} was taken away: what it shows is shown again", view.number));
  } else if (!lost->links.empty() && !links_missing_) {
    co_await make_missing_links();
  }
}

Task<> Reconciler::scrub() {
  for (;;) {
    const async::Steady next_round = world_.clock.now() + options_.scrub_interval;
    std::vector<std::string> names;
    for (const auto& [name, shown] : view_.templates) names.push_back(name);
    for (const auto& name : names) {
      const std::uint64_t bytes = co_await scrub_one(name);
      const async::Duration rest = rest_after(bytes, options_.scrub_bytes_per_second);
      co_await world_.clock.sleep_until(world_.clock.now() + rest);
    }
    co_await world_.clock.sleep_until(std::max(next_round, world_.clock.now() + std::chrono::seconds(1)));
  }
}

/// The bytes that were read. What was swapped away meanwhile says nothing about what is shown now.
Task<std::uint64_t> Reconciler::scrub_one(std::string name) {
  const auto found = view_.templates.find(name);
  if (found == view_.templates.end()) co_return 0;
  const plan::Shown shown = found->second;
  if (damaged_.contains(shown.tree) || unread_.contains(shown.tree)) co_return 0;  // known, and on its way

  disk::Trees& trees = world_.trees;
  const plan::TreeId tree = shown.tree;
  const Digest manifest = expected_manifest(shown);
  Result<disk::TreeInfo> verified =
      co_await async::offload(world_.disk_pool, [&trees, &tree, &manifest] { return trees.verify(tree, manifest); });
  report::Scrubbed told;
  told.template_name = name;
  told.version = shown.version;
  if (verified) {
    told.outcome = "good";
    world_.reporter.scrubbed(told);
    co_return verified->bytes;
  }
  const auto now = view_.templates.find(name);
  if (now == view_.templates.end() || now->second.tree != tree) co_return 0;
  const Error& error = verified.error();
  const bool gone = error.kind() == ErrorKind::damaged || error.kind() == ErrorKind::not_found;
  told.outcome = gone ? "damaged" : "unreadable";
  told.text = error.fact();
  world_.reporter.scrubbed(told);
  if (gone) quarantine(name, shown, error);
  const auto info = trees_.find(tree);
  co_return info == trees_.end() ? 0 : info->second.bytes;
}

/// No byte is taken from it any more, and it goes as soon as another shows in its place: from this disk or from storage
/// where they have its bytes, else, after a moment, what a start would show in its place.
void Reconciler::quarantine(const std::string& name, const plan::Shown& shown, const Error& error) {
  damaged_.insert(shown.tree);
  condemn(shown.tree);
  grace_from_ = world_.clock.now();
  world_.reporter.repaired(fmt::format("what {} shows is damaged and will be built again: {}", name, error.fact()));
  wakeup_.notify();
}

}  // namespace bundlesync::sync
