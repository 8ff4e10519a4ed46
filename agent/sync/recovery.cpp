#include "async/pool.hpp"
#include "sync/reconciler.hpp"

#include <fmt/format.h>

#include <utility>

/// What a start does before anything else: the whole postcondition is checked again, not only the link.
namespace bundlesync::sync {
namespace {
/// Something is gone, or is not what it was: known for good. Every other failure only says that nothing is known now.
bool leads_on(const Error& error) {
  return error.kind() == ErrorKind::damaged || error.kind() == ErrorKind::not_found;
}
}  // namespace

Task<Result<void>> Reconciler::recover(bool last_try) {
  begin_now();
  forget_disk();
  disk::Target& target = world_.target;
  live::LiveView& live = world_.live;
  Result<void> cleaned =
      co_await async::offload(world_.disk_pool, [&target]() -> Result<void> { return target.remove_leftovers(); });
  if (!cleaned) co_return fail(cleaned.error());
  Result<std::vector<std::string>> mended =
      co_await async::offload(world_.disk_pool, [&live] { return live.recover(); });
  if (!mended && !leads_on(mended.error()) && !last_try) co_return fail(mended.error());

  Result<void> loaded = co_await load_memory();
  if (!loaded) co_return loaded;
  // Views were made, none shows, and why is not known: they are not nothing.
  const bool lost = view_.number == 0 && state_.last_view != 0;
  if (!mended && !leads_on(mended.error()) && lost) co_return fail(mended.error());
  Result<void> listed = co_await read_trees();
  if (!listed && !last_try) co_return listed;
  Result<void> checked = co_await check_live_trees(last_try);
  if (!checked) co_return checked;
  co_await rescan_alternatives();
  co_await measure();

  if (!mended) {
    world_.reporter.sync_failed(mended.error());  // a name of ours is taken by somebody: serve what is shown, say so
  } else {
    for (const auto& fact : *mended) world_.reporter.repaired(fact);
  }
  if (!listed) world_.reporter.sync_failed(listed.error());
  report::Activated shown;
  shown.view = view_.number;
  for (const auto& [name, entry] : view_.templates) {
    if (damaged_.contains(entry.tree)) continue;
    report::ActivatedTemplate line = describe(entry, name);
    if (line.source == plan::Source::remote) line.source = plan::Source::cache;  // nothing was downloaded by this start
    shown.templates.push_back(std::move(line));
  }
  world_.reporter.shown_at_start(shown);
  co_return Result<void>();
}

/// State, the last answer, and what is shown. What is damaged is said, and the start goes on without it. What cannot be
/// read now may be whole: going on without it would write the loss down with the next swap.
Task<Result<void>> Reconciler::load_memory() {
  disk::StateStore& store = world_.state;
  live::LiveView& live = world_.live;
  Result<disk::State> state = co_await async::offload(world_.disk_pool, [&store] { return store.load(); });
  if (!state && !leads_on(state.error())) co_return fail(state.error());
  if (state) {
    state_ = std::move(*state);
  } else {
    world_.reporter.warning(state.error().line());
  }
  Result<plan::Desired> desired = co_await async::offload(world_.disk_pool, [&store] { return store.load_desired(); });
  if (!desired && !leads_on(desired.error())) co_return fail(desired.error());
  if (desired) {
    desired_ = std::move(*desired);
  } else {
    world_.reporter.warning(desired.error().line());
  }
  Result<disk::Vetoes> vetoes = co_await async::offload(world_.disk_pool, [&store] { return store.load_vetoes(); });
  if (vetoes) {
    validations_.remember(std::move(*vetoes));
  } else {
    world_.reporter.warning(vetoes.error().line());  // at worst somebody is asked again
  }
  Result<plan::View> view = co_await async::offload(world_.disk_pool, [&live] { return live.read(); });
  if (!view && !leads_on(view.error())) co_return fail(view.error());
  if (view) {
    view_ = std::move(*view);
  } else {
    world_.reporter.sync_failed(view.error());
  }
  co_return Result<void>();
}

Task<Result<void>> Reconciler::read_trees() {
  disk::Trees& trees = world_.trees;
  Result<std::vector<disk::TreeInfo>> found =
      co_await async::offload(world_.disk_pool, [&trees] { return trees.list(); });
  if (!found) co_return fail(found.error());
  const async::Steady now = world_.clock.now();
  for (auto& info : *found) {
    if (trees.condemned(info.id)) continue;
    complete_[plan::ContentKey{info.id.template_name, info.bundle.version, info.manifest}] = info.id;
    last_live_[info.id] = now;
    const plan::TreeId id = info.id;
    trees_[id] = std::move(info);
  }
  co_return Result<void>();
}

/// Every byte of every live tree, against what was accepted. A neighbour could have edited a tree together with its own
/// .bundle.json and the view's .view.json: state/ is what counts. A tree that is damaged goes as soon as it can; one
/// that cannot be read, however often it is tried, is built again where its bytes can be had, and stays until then.
Task<Result<void>> Reconciler::check_live_trees(bool last_try) {
  disk::Trees& trees = world_.trees;
  const plan::View view = view_;
  for (const auto& [name, shown] : view.templates) {
    const plan::TreeId tree = shown.tree;
    if (damaged_.contains(tree)) continue;
    const Digest manifest = expected_manifest(shown);
    Result<disk::TreeInfo> verified =
        co_await async::offload(world_.disk_pool, [&trees, &tree, &manifest] { return trees.verify(tree, manifest); });
    view_.templates[name].manifest = manifest;  // whatever the view's own text says
    if (verified) continue;
    const Error& error = verified.error();
    const bool damaged = leads_on(error);
    if (!damaged && (!last_try || error.may_pass())) co_return fail(error);
    world_.reporter.repaired(fmt::format("what {} shows {} and will be built again: {}", name,
                                         damaged ? "is damaged" : "cannot be read", error.fact()));
    (damaged ? damaged_ : unread_).insert(tree);
    condemn(tree);
  }
  co_return Result<void>();
}

/// Never again taken for what it should hold.
void Reconciler::condemn(const plan::TreeId& tree) {
  world_.trees.condemn(tree);
  trees_.erase(tree);
  std::erase_if(complete_, [&](const auto& entry) { return entry.second == tree; });
}

/// For another try at recover().
void Reconciler::forget_disk() {
  view_ = plan::View();
  state_ = disk::State();
  desired_ = plan::Desired();
  damaged_.clear();
  unread_.clear();
  trees_.clear();
  complete_.clear();
  last_live_.clear();
}

/// What the shown tree should hold: as recorded when it was made or accepted. Only where nothing at all is remembered
/// (state/ of another format, or lost) is the view's own word taken; the catalog's answer checks it later.
Digest Reconciler::expected_manifest(const plan::Shown& shown) const {
  const auto recorded = state_.trees.find(shown.tree);
  if (recorded != state_.trees.end()) return recorded->second;
  const auto accepted = state_.accepted.find(plan::AcceptedKey{shown.epoch, shown.template_id});
  if (accepted != state_.accepted.end() && accepted->second.generation == shown.generation) {
    return accepted->second.manifest;
  }
  return shown.manifest;
}

Task<> Reconciler::rescan_alternatives() {
  disk::Files& files = world_.target.files();
  const Options& options = options_;
  disk::Limits limits;
  limits.files_max = options_.policy.files_max;
  limits.bundle_bytes_max = options_.policy.bundle_bytes_max;
  limits.file_bytes_max = options_.policy.file_bytes_max;
  rescan_at_ = world_.clock.now() + options_.rescan_interval;

  if (!options_.local_dir.empty()) {
    Result<disk::Alternatives> local =
        co_await async::offload(world_.disk_pool, [&] { return disk::scan_local(files, options.local_dir, limits); });
    keep_alternatives(std::move(local), local_);
  }
  if (!options_.fallback_dir.empty()) {
    Result<disk::Alternatives> bare = co_await async::offload(
        world_.disk_pool, [&] { return disk::scan_filesystem(files, options.fallback_dir, limits); });
    keep_alternatives(std::move(bare), filesystem_);
  }
}

void Reconciler::keep_alternatives(Result<disk::Alternatives> found, disk::Alternatives& kept) {
  if (!found) {
    world_.reporter.warning(found.error().line());
    return;
  }
  for (const auto& warning : found->warnings) world_.reporter.warning(warning);
  kept = std::move(*found);
}

Task<> Reconciler::save_desired() {
  desired_unsaved_ = false;
  disk::StateStore& store = world_.state;
  const plan::Desired desired = desired_;
  Result<void> saved =
      co_await async::offload(world_.disk_pool, [&store, &desired] { return store.save_desired(desired); });
  if (!saved)
    world_.reporter.sync_failed(saved.error());  // it only helps a start without a database: try with the next answer
}

Task<> Reconciler::save_vetoes() {
  std::optional<disk::Vetoes> vetoes = validations_.unsaved_vetoes();
  if (!vetoes) co_return;
  disk::StateStore& store = world_.state;
  const disk::Vetoes& all = *vetoes;
  Result<void> saved = co_await async::offload(world_.disk_pool, [&store, &all] { return store.save_vetoes(all); });
  if (!saved) world_.reporter.sync_failed(saved.error());  // at worst somebody is asked again after a restart
}

}  // namespace bundlesync::sync
