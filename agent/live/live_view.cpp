#include "live/live_view.hpp"

#include "bundle/path_rules.hpp"
#include "disk/folders.hpp"
#include "disk/layout.hpp"
#include "live/recover.hpp"
#include "live/view_dir.hpp"

#include <algorithm>

namespace bundlesync::live {
namespace {

namespace layout = disk::layout;
using disk::os_fail;

/// One attempt to show a view. Until the rename everything it made can be undone; afterwards nothing may be.
class Swap {
 public:
  Swap(disk::Target& target, plan::View view) : target_(target), view_(std::move(view)) {}

  Result<void> prepare(disk::StateStore& store, const disk::State& state);
  Result<void> make_links();
  Result<void> swap();
  void undo();
  Result<void> settle();
  const plan::View& view() const { return view_; }

 private:
  disk::Files& files() { return target_.files(); }
  Result<void> sync_root() { return disk::sync_dir(files(), target_.root(), place(target_, layout::data_link)); }

  disk::Target& target_;
  plan::View view_;
  RootLinks links_;
  std::vector<std::string> made_;  ///< links in the root by this attempt
};

/// Step 3: the view's directory and what was accepted, both durable before anything shows them.
Result<void> Swap::prepare(disk::StateStore& store, const disk::State& state) {
  auto links = look_at_root_links(target_, view_);
  if (!links) return fail(std::move(links.error()));
  links_ = std::move(*links);
  if (auto made = make_view_dir(target_, view_); !made) return made;
  return store.save(state);
}

/// Step 4: whatever resolves through the next `..data` is in the root, and durable, before it.
Result<void> Swap::make_links() {
  for (const auto& name : links_.missing) {
    auto made = files().symlink(layout::template_target(name), target_.root(), name);
    if (!made) return os_fail(made.error(), "cannot make the link " + place(target_, name));
    made_.push_back(name);
  }
  const std::string temporary = layout::unique(layout::temporary_link_prefix);
  auto made = files().symlink(layout::data_target(view_.number), target_.root(), temporary);
  if (!made) return os_fail(made.error(), "cannot make the link " + place(target_, temporary));
  made_.push_back(temporary);
  return sync_root();
}

/// Step 5. The caller asked before whether `..data` is a link of ours; rename refuses what became a directory since.
Result<void> Swap::swap() {
  const std::string data(layout::data_link);
  auto renamed = files().rename(target_.root(), made_.back(), target_.root(), data);
  if (renamed) return {};
  if (auto taken = shown_number(target_); !taken) return fail(std::move(taken.error()));
  return os_fail(renamed.error(), "cannot replace the link " + place(target_, data));
}

/// Removes what this attempt made and nothing else. What cannot be removed now is removed at the next start.
void Swap::undo() {
  for (const auto& name : made_) (void)files().unlink(target_.root(), name);
  (void)remove_view_dir(target_, view_.number);
}

Result<void> Swap::settle() {
  if (auto synced = sync_root(); !synced) {
    return fail(
        std::move(synced.error()).with_hint("the new view shows, but may be lost with the power: show it again"));
  }
  for (const auto& name : links_.stale) {
    auto removed = files().unlink(target_.root(), name);
    if (!removed && removed.error() != ENOENT) {
      return os_fail(removed.error(), "cannot remove the link " + place(target_, name));
    }
  }
  if (!links_.taken.empty()) return fail(links_.taken.front());
  return {};
}

std::string beneath_own(const plan::TreeId& tree) {
  return std::string(layout::trees_dir) + "/" + tree.template_name + "/" + tree.name;
}

/// Whether `..data` still leads to the view as it was made.
Result<bool> leads_to(const disk::Target& target, const plan::View& view) {
  auto number = shown_number(target);
  if (!number && number.error().reason() == "name_taken") return false;
  if (!number) return fail(std::move(number.error()));
  if (*number != view.number) return false;
  auto found = read_view_dir(target, *number);
  if (!found && found.error().reason() == "dangling") return false;
  if (!found) return fail(std::move(found.error()));
  return found->finished && std::ranges::equal(found->view.templates, view.templates, [](const auto& a, const auto& b) {
           return a.first == b.first && a.second.tree == b.second.tree;
         });
}

class FileLiveView final : public LiveView {
 public:
  FileLiveView(disk::Target& target, disk::StateStore& store) : target_(target), store_(store) {}

  Result<plan::View> read() const override {
    auto number = shown_number(target_);
    if (!number) return fail(std::move(number.error()));
    if (*number == 0) return plan::View();
    auto found = read_view_dir(target_, *number);
    if (!found) return fail(std::move(found.error()));
    return std::move(found->view);
  }

  Result<plan::View> show(const std::map<std::string, plan::Shown>& templates, disk::State& state) override;
  Result<std::vector<std::string>> recover() override { return live::recover(target_, store_); }
  Result<Losses> losses(const plan::View& view) const override;
  Result<void> tidy(std::size_t keep) override;

 private:
  Result<void> check(const std::map<std::string, plan::Shown>& templates) const;
  Result<std::uint64_t> next_number(std::uint64_t shown, const disk::State& state) const;

  disk::Target& target_;
  disk::StateStore& store_;
};

/// A view that would dangle is never made.
Result<void> FileLiveView::check(const std::map<std::string, plan::Shown>& templates) const {
  for (const auto& [name, shown] : templates) {
    const std::string what = shown.tree.template_name + "/" + shown.tree.name;
    if (bundle::name_problem(name) || shown.tree.template_name != name || !layout::is_tree_name(shown.tree.name)) {
      return fail(ErrorKind::failed, "the template '" + name + "' cannot show the tree '" + what + "'");
    }
    const std::string beneath = beneath_own(shown.tree);
    auto tree = target_.files().open_dir(target_.own(), beneath);
    if (!tree && is_gone(tree.error())) {
      return fail(Error(ErrorKind::damaged, "tree " + what + ": there is none").with_reason("tree_missing"));
    }
    if (!tree) {
      return fail(disk::os_error(tree.error(), "cannot open " + place(target_, "..bundlesync/" + beneath))
                      .with_reason("tree_closed"));
    }
  }
  return {};
}

/// Above every number that was ever used, whatever somebody did to the state or the views.
Result<std::uint64_t> FileLiveView::next_number(std::uint64_t shown, const disk::State& state) const {
  auto numbers = view_numbers(target_);
  if (!numbers) return fail(std::move(numbers.error()));
  return std::max({state.last_view, shown, numbers->empty() ? 0 : numbers->back()}) + 1;
}

Result<plan::View> FileLiveView::show(const std::map<std::string, plan::Shown>& templates, disk::State& state) {
  auto shown = shown_number(target_);
  if (!shown) return fail(std::move(shown.error()));
  if (auto good = check(templates); !good) return fail(std::move(good.error()));
  auto number = next_number(*shown, state);
  if (!number) return fail(std::move(number.error()));
  state.last_view = *number;
  plan::View view;
  view.number = *number;
  view.templates = templates;

  Swap swap(target_, std::move(view));
  auto swapped = swap.prepare(store_, state);
  if (swapped) swapped = swap.make_links();
  if (swapped) swapped = swap.swap();
  if (!swapped) {
    swap.undo();
    return fail(std::move(swapped.error()));
  }
  if (auto settled = swap.settle(); !settled) return fail(std::move(settled.error()));
  return swap.view();
}

Result<Losses> FileLiveView::losses(const plan::View& view) const {
  auto leads = leads_to(target_, view);
  if (!leads) return fail(std::move(leads.error()));
  auto links = look_at_root_links(target_, view);
  if (!links) return fail(std::move(links.error()));
  Losses lost;
  lost.view = !*leads;
  lost.links = std::move(links->missing);
  for (const auto& [name, shown] : view.templates) {
    auto tree = target_.files().open_dir(target_.own(), beneath_own(shown.tree));
    if (!tree && is_gone(tree.error())) lost.trees.push_back(name);
  }
  return lost;
}

Result<void> FileLiveView::tidy(std::size_t keep) {
  auto shown = shown_number(target_);
  if (!shown) return fail(std::move(shown.error()));
  auto numbers = view_numbers(target_);
  if (!numbers) return fail(std::move(numbers.error()));
  std::erase(*numbers, *shown);
  for (std::size_t left = numbers->size(), i = 0; left > keep; --left, ++i) {
    if (auto removed = remove_view_dir(target_, (*numbers)[i]); !removed) return removed;
  }
  return {};
}

}  // namespace

std::unique_ptr<LiveView> LiveView::make(disk::Target& target, disk::StateStore& state) {
  return std::make_unique<FileLiveView>(target, state);
}

}  // namespace bundlesync::live
