#include "live/recover.hpp"

#include "disk/folders.hpp"
#include "disk/layout.hpp"
#include "disk/trees.hpp"
#include "live/view_dir.hpp"

#include <algorithm>
#include <ranges>

namespace bundlesync::live {
namespace {

namespace layout = disk::layout;
using disk::os_fail;

class Recovery {
 public:
  Recovery(disk::Target& target, disk::StateStore& store) : target_(target), store_(store) {}
  Result<void> run();
  std::vector<std::string> done;

 private:
  disk::Files& files() { return target_.files(); }
  Result<std::uint64_t> restore(std::uint64_t named);
  Result<bool> restorable(std::uint64_t number, const disk::State& state);
  Result<void> point_at(std::uint64_t number);
  Result<void> mend_links(const plan::View& view);
  Result<void> remove_unfinished(std::uint64_t shown);
  void repair_modes(std::uint64_t number);

  disk::Target& target_;
  disk::StateStore& store_;
};

Result<void> Recovery::run() {
  auto shown = shown_number(target_);
  if (!shown) return fail(std::move(shown.error()));
  auto found = *shown == 0 ? Result<ViewDir>(ViewDir()) : read_view_dir(target_, *shown);
  const bool gone = *shown == 0 || (!found && found.error().reason() == "dangling");
  if (!found && !gone) return fail(std::move(found.error()));
  if (gone) {
    auto restored = restore(*shown);
    if (!restored) return fail(std::move(restored.error()));
    if (*restored == 0 && !found) return fail(std::move(found.error()));
    if (*restored != 0) {
      shown = *restored;
      found = read_view_dir(target_, *restored);
      if (!found) return fail(std::move(found.error()));
    }
  }
  if (*shown != 0) repair_modes(*shown);
  if (auto mended = mend_links(found->view); !mended) return mended;
  if (auto removed = remove_unfinished(*shown); !removed) return removed;
  // A process that died between its rename and its fsync left a view that shows and is not durable.
  return disk::sync_dir(files(), target_.root(), place(target_, layout::data_link));
}

/// A finished view of ours, whose every tree has the bytes that `state/` (not the tree itself) says. What may pass (too
/// many open files) is an error: an older view must not be taken because of it.
Result<bool> Recovery::restorable(std::uint64_t number, const disk::State& state) {
  if (number > state.last_view) return false;
  auto found = read_view_dir(target_, number);
  if (!found && found.error().may_pass()) return fail(std::move(found.error()));
  if (!found || !found->finished) return false;
  const auto trees = disk::Trees::make(target_);
  for (const auto& [name, shown] : found->view.templates) {
    const auto manifest = state.trees.find(shown.tree);
    if (manifest == state.trees.end()) return false;
    auto verified = trees->verify(shown.tree, manifest->second);
    if (!verified && verified.error().may_pass()) return fail(std::move(verified.error()));
    if (!verified) return false;
  }
  return true;
}

/// `..data` was removed, or the first start died just before making it. 0: nothing can be shown.
Result<std::uint64_t> Recovery::restore(std::uint64_t named) {
  auto state = store_.load();
  if (!state) {
    if (state.error().kind() != ErrorKind::damaged) return fail(std::move(state.error()));
    return 0;  // the caller learns of the damage when it loads the state itself
  }
  auto numbers = view_numbers(target_);
  if (!numbers) return fail(std::move(numbers.error()));
  for (const auto number : std::views::reverse(*numbers)) {
    auto good = restorable(number, *state);
    if (!good) return fail(std::move(good.error()));
    if (!*good) continue;
    if (auto pointed = point_at(number); !pointed) return fail(std::move(pointed.error()));
    done.push_back(place(target_, layout::data_link) + (named == 0 ? " was missing" : " was dangling") +
                   ": shows the view " + layout::view_name(number) + " again");
    return number;
  }
  return 0;
}

Result<void> Recovery::point_at(std::uint64_t number) {
  const std::string temporary = layout::unique(layout::temporary_link_prefix);
  const std::string data(layout::data_link);
  auto made = files().symlink(layout::data_target(number), target_.root(), temporary);
  if (!made) return os_fail(made.error(), "cannot make the link " + place(target_, temporary));
  auto durable = disk::sync_dir(files(), target_.root(), place(target_, temporary));
  auto renamed = durable ? files().rename(target_.root(), temporary, target_.root(), data) : disk::Sys<void>();
  if (durable && renamed) return {};
  (void)files().unlink(target_.root(), temporary);
  if (!durable) return durable;
  return os_fail(renamed.error(), "cannot replace the link " + place(target_, data));
}

Result<void> Recovery::mend_links(const plan::View& view) {
  auto links = look_at_root_links(target_, view);
  if (!links) return fail(std::move(links.error()));
  for (const auto& name : links->missing) {
    auto made = files().symlink(layout::template_target(name), target_.root(), name);
    if (!made) return os_fail(made.error(), "cannot make the link " + place(target_, name));
    done.push_back("made the missing link " + place(target_, name));
  }
  for (const auto& name : links->stale) {
    if (auto removed = files().unlink(target_.root(), name); !removed) {
      return os_fail(removed.error(), "cannot remove the link " + place(target_, name));
    }
    done.push_back("removed the stale link " + place(target_, name));
  }
  for (const auto& taken : links->taken) done.push_back(taken.line());
  return {};
}

/// Newer than what shows: the process that made it died before its swap. Where nothing shows, a finished one stays
/// until tidy, because it may be all that is left.
Result<void> Recovery::remove_unfinished(std::uint64_t shown) {
  auto numbers = view_numbers(target_);
  if (!numbers) return fail(std::move(numbers.error()));
  for (const auto number : *numbers) {
    if (number <= shown) continue;
    if (shown == 0) {
      auto found = read_view_dir(target_, number);
      if (found && found->finished) continue;
    }
    if (auto removed = remove_view_dir(target_, number); !removed) return removed;
    done.push_back("removed the view " + layout::view_name(number) + ", which is newer than what shows");
  }
  return {};
}

/// Content is what counts: a mode that cannot be set back is no reason to fail.
void Recovery::repair_modes(std::uint64_t number) {
  auto dir = files().open_dir(target_.own(), std::string(layout::views_dir) + "/" + layout::view_name(number));
  if (!dir) return;
  auto info = files().stat(dir->get());
  if (info && !files().has_mode(*info, layout::sealed_mode)) (void)files().chmod(dir->get(), layout::sealed_mode);
  auto text = files().open_file(dir->get(), layout::view_file);
  auto text_info = text ? files().stat(text->get()) : std::unexpected(text.error());
  if (text_info && !files().has_mode(*text_info, layout::file_mode)) (void)files().chmod(text->get(), layout::file_mode);
}

}  // namespace

Result<std::vector<std::string>> recover(disk::Target& target, disk::StateStore& store) {
  Recovery recovery(target, store);
  if (auto run = recovery.run(); !run) return fail(std::move(run.error()));
  return std::move(recovery.done);
}

}  // namespace bundlesync::live
