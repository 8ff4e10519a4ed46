#include "live/view_dir.hpp"

#include "bundle/path_rules.hpp"
#include "disk/folders.hpp"
#include "disk/layout.hpp"
#include "live/live_view.hpp"

#include <algorithm>
#include <cerrno>
#include <set>

namespace bundlesync::live {
namespace {

namespace layout = disk::layout;
using disk::os_fail;

constexpr std::uint64_t view_json_bytes_max = 8 << 20;

std::string view_place(const disk::Target& target, std::uint64_t number) {
  return place(target, layout::data_target(number));
}

Error name_taken(const std::string& path, std::string_view what) {
  return Error(ErrorKind::damaged, path + " is " + std::string(what) + ", not a link of the agent's")
      .with_reason("name_taken")
      .with_hint("move it away, the agent then makes its link; the agent removes nothing that it did not make");
}

Result<disk::Fd> open_views(const disk::Target& target) {
  auto fd = target.files().open_dir(target.own(), layout::views_dir);
  if (!fd) return os_fail(fd.error(), "cannot open " + place(target, "..bundlesync/views"));
  return std::move(*fd);
}

plan::Shown told_by_link(const plan::TreeId& tree) {
  plan::Shown shown;
  shown.tree = tree;
  shown.version = layout::version_of_tree_name(tree.name);
  if (shown.version == "filesystem") shown.source = plan::Source::filesystem;
  return shown;
}

Result<void> fill_view_dir(disk::Files& files, int dir, const plan::View& view, const std::string& where) {
  for (const auto& [name, shown] : view.templates) {
    if (auto made = files.symlink(layout::tree_target(shown.tree), dir, name); !made) {
      return os_fail(made.error(), "cannot make the link " + where + "/" + name);
    }
  }
  const std::string file(layout::view_file);
  auto wrote = disk::write_new_file(files, dir, file, view_to_json(view), layout::file_mode, where + "/" + file);
  if (!wrote) return wrote;
  if (auto sealed = files.chmod(dir, layout::sealed_mode); !sealed) {
    return os_fail(sealed.error(), "cannot set the mode of " + where);
  }
  return disk::sync_dir(files, dir, where + "/" + file);
}

}  // namespace

bool is_gone(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

std::string place(const disk::Target& target, std::string_view beneath) {
  return (target.path() / beneath).string();
}

Result<std::uint64_t> shown_number(const disk::Target& target) {
  const std::string name(layout::data_link);
  auto link = target.files().readlink(target.root(), name);
  if (!link && link.error() == ENOENT) return 0;
  if (!link && link.error() == EINVAL) {
    auto info = target.files().stat_at(target.root(), name);
    const bool directory = info && info->type == disk::FileType::directory;
    return fail(name_taken(place(target, name), directory ? "a directory" : "a file"));
  }
  if (!link) return os_fail(link.error(), "cannot read the link " + place(target, name));
  const auto number = layout::parse_data_target(*link);
  if (!number) return fail(name_taken(place(target, name), "a link to '" + *link + "'"));
  return *number;
}

Result<std::vector<std::uint64_t>> view_numbers(const disk::Target& target) {
  auto views = open_views(target);
  if (!views) return fail(std::move(views.error()));
  auto entries = target.files().list(views->get());
  if (!entries) return os_fail(entries.error(), "cannot list " + place(target, "..bundlesync/views"));
  std::vector<std::uint64_t> numbers;
  for (const auto& entry : *entries) {
    if (const auto number = layout::parse_view_name(entry.name)) numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

Result<ViewDir> read_view_dir(const disk::Target& target, std::uint64_t number) {
  disk::Files& files = target.files();
  auto views = open_views(target);
  if (!views) return fail(std::move(views.error()));
  auto dir = files.open_dir(views->get(), layout::view_name(number));
  if (!dir && is_gone(dir.error())) {
    return fail(Error(ErrorKind::damaged, place(target, layout::data_link) + " names the view " +
                                              layout::view_name(number) + ", which is gone")
                    .with_reason("dangling")
                    .with_hint("start the agent: it shows the last good trees again"));
  }
  if (!dir) return os_fail(dir.error(), "cannot open " + view_place(target, number));
  auto entries = files.list(dir->get());
  if (!entries) return os_fail(entries.error(), "cannot list " + view_place(target, number));

  ViewDir found;
  found.view.number = number;
  for (const auto& entry : *entries) {
    if (entry.type != disk::FileType::link) continue;
    auto link = files.readlink(dir->get(), entry.name);
    if (!link) return os_fail(link.error(), "cannot read the link " + view_place(target, number) + "/" + entry.name);
    const auto tree = layout::parse_tree_target(*link);
    if (tree && tree->template_name == entry.name) found.view.templates[entry.name] = told_by_link(*tree);
  }
  const std::string file(layout::view_file);
  auto text = disk::read_file(files, dir->get(), file, view_json_bytes_max, view_place(target, number) + "/" + file);
  const bool gone = !text && (text.error().kind() == ErrorKind::not_found || text.error().kind() == ErrorKind::damaged);
  if (!text && !gone) return fail(std::move(text.error()));
  auto told = text ? view_from_json(*text) : Result<plan::View>(plan::View());
  if (!told || told->number != number) return found;
  found.finished = told->templates.size() == found.view.templates.size();
  for (auto& [name, shown] : found.view.templates) {
    const auto one = told->templates.find(name);
    if (one != told->templates.end() && one->second.tree == shown.tree) {
      shown = one->second;
    } else {
      found.finished = false;
    }
  }
  return found;
}

Result<void> make_view_dir(const disk::Target& target, const plan::View& view) {
  const std::string where = view_place(target, view.number);
  auto views = open_views(target);
  if (!views) return fail(std::move(views.error()));
  // Never into a directory that exists: whoever made it may still be read.
  if (auto made = target.files().mkdir(views->get(), layout::view_name(view.number)); !made) {
    return os_fail(made.error(), "cannot make the directory " + where);
  }
  auto dir = target.files().open_dir(views->get(), layout::view_name(view.number));
  if (!dir) return os_fail(dir.error(), "cannot open " + where);
  if (auto filled = fill_view_dir(target.files(), dir->get(), view, where); !filled) return filled;
  return disk::sync_dir(target.files(), views->get(), where);
}

Result<void> remove_view_dir(const disk::Target& target, std::uint64_t number) {
  auto views = open_views(target);
  if (!views) return fail(std::move(views.error()));
  const std::string gone = layout::unique(layout::gone_prefix);
  auto renamed = target.files().rename(views->get(), layout::view_name(number), views->get(), gone);
  if (!renamed && renamed.error() == ENOENT) return {};
  if (!renamed) return os_fail(renamed.error(), "cannot remove " + view_place(target, number));
  return disk::remove_all(target.files(), views->get(), gone, view_place(target, number));
}

Result<RootLinks> look_at_root_links(const disk::Target& target, const plan::View& view) {
  disk::Files& files = target.files();
  auto entries = files.list(target.root());
  if (!entries) return os_fail(entries.error(), "cannot list " + target.path().string());
  RootLinks links;
  std::set<std::string> there;
  for (const auto& entry : *entries) {
    const bool wanted = view.templates.contains(entry.name);
    if (!wanted && (entry.type != disk::FileType::link || bundle::name_problem(entry.name))) continue;
    there.insert(entry.name);
    if (entry.type != disk::FileType::link) {
      links.taken.push_back(
          name_taken(place(target, entry.name), entry.type == disk::FileType::directory ? "a directory" : "a file"));
      continue;
    }
    auto link = files.readlink(target.root(), entry.name);
    if (!link && link.error() == ENOENT) continue;
    if (!link) return os_fail(link.error(), "cannot read the link " + place(target, entry.name));
    const bool ours = *link == layout::template_target(entry.name);
    if (!wanted && ours) links.stale.push_back(entry.name);
    if (wanted && !ours) links.taken.push_back(name_taken(place(target, entry.name), "a link to '" + *link + "'"));
  }
  for (const auto& [name, shown] : view.templates) {
    if (!there.contains(name)) links.missing.push_back(name);
  }
  return links;
}

}  // namespace bundlesync::live
