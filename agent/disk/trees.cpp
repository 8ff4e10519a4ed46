#include "disk/trees.hpp"

#include "bundle/bundle_json.hpp"
#include "bundle/path_rules.hpp"
#include "disk/folders.hpp"
#include "disk/layout.hpp"
#include "disk/tree_store.hpp"
#include "disk/verify.hpp"

#include <cerrno>

namespace bundlesync::disk {
namespace {

constexpr int names_max = 10'000;  // of one version's trees, ".2" and so on

std::unexpected<Error> refuse(std::string fact, std::string_view reason) {
  return fail(Error(ErrorKind::refused, std::move(fact))
                  .with_reason(reason)
                  .with_hint(std::string(bundle::describe_problem(reason))));
}

}  // namespace

std::string TreeStore::folder_where(const std::string& template_name) const {
  return (target_.path() / layout::own_dir / layout::trees_dir / template_name).string();
}

std::string TreeStore::where(const TreeId& tree) const {
  return folder_where(tree.template_name) + "/" + tree.name;
}

Result<Fd> TreeStore::open_folder(const std::string& template_name) const {
  if (bundle::name_problem(template_name)) {
    return fail(ErrorKind::not_found, "'" + template_name + "' is no template's name");
  }
  auto fd = files().open_dir(target_.own(), std::string(layout::trees_dir) + "/" + template_name);
  if (!fd) return os_fail(fd.error(), "cannot open " + folder_where(template_name));
  return std::move(*fd);
}

Result<TreeInfo> TreeStore::read_info(int folder, const TreeId& tree) const {
  TreeInfo info;
  info.id = tree;
  auto bytes = bytes_beneath(files(), folder, tree.name, where(tree));
  if (!bytes) return fail(std::move(bytes.error()));
  info.bytes = *bytes;
  auto dir = files().open_dir(folder, tree.name);
  if (!dir) return dir.error() == EACCES ? Result<TreeInfo>(info) : os_fail(dir.error(), "cannot open " + where(tree));
  const std::string name(layout::bundle_file);
  auto text = read_file(files(), dir->get(), name, bundle_json_bytes_max, where(tree) + "/" + name);
  if (!text && text.error().kind() == ErrorKind::unavailable) return fail(std::move(text.error()));
  if (!text) return info;
  auto bundle = bundle::bundle_from_json(*text);
  if (!bundle || bundle->template_name != tree.template_name ||
      bundle->version != layout::version_of_tree_name(tree.name)) {
    return info;
  }
  info.bundle = std::move(*bundle);
  info.manifest = bundle::manifest_digest(info.bundle.files);
  return info;
}

Result<std::vector<TreeInfo>> TreeStore::list() const {
  const std::string place = folder_where("");
  std::vector<TreeInfo> all;
  auto trees = files().open_dir(target_.own(), layout::trees_dir);
  if (!trees) return os_fail(trees.error(), "cannot open " + place);
  auto templates = files().list(trees->get());
  if (!templates) return os_fail(templates.error(), "cannot list " + place);
  for (const auto& entry : *templates) {
    if (entry.type != FileType::directory || bundle::name_problem(entry.name)) continue;
    auto folder = open_folder(entry.name);
    if (!folder) return fail(std::move(folder.error()));
    auto names = files().list(folder->get());
    if (!names) return os_fail(names.error(), "cannot list " + folder_where(entry.name));
    for (const auto& name : *names) {
      if (name.type != FileType::directory || !layout::is_tree_name(name.name)) continue;
      auto info = read_info(folder->get(), TreeId{entry.name, name.name});
      if (!info && info.error().kind() == ErrorKind::not_found) continue;  // removed meanwhile
      if (!info) return fail(std::move(info.error()));
      all.push_back(std::move(*info));
    }
  }
  return all;
}

Result<TreeInfo> TreeStore::verify(const TreeId& tree, const Digest& manifest) {
  const std::string name = "tree " + tree.template_name + "/" + tree.name;
  if (condemned(tree)) {
    return fail(Error(ErrorKind::damaged, name + ": was found damaged before").with_reason("condemned"));
  }
  auto folder = layout::is_tree_name(tree.name) ? open_folder(tree.template_name)
                                                : Result<Fd>(fail(ErrorKind::not_found, "no tree's name"));
  if (!folder && folder.error().kind() == ErrorKind::not_found) {
    return fail(Error(ErrorKind::damaged, name + ": there is none").with_reason("tree_missing"));
  }
  if (!folder) return fail(std::move(folder.error()));
  return verify_tree(files(), folder->get(), tree, manifest);
}

void TreeStore::condemn(const TreeId& tree) {
  {
    const std::scoped_lock lock(mutex_);
    condemned_.insert(tree);
  }
  drop_from_index(tree);
}

bool TreeStore::condemned(const TreeId& tree) const {
  const std::scoped_lock lock(mutex_);
  return condemned_.contains(tree);
}

Result<void> TreeStore::remove(const TreeId& tree) {
  drop_from_index(tree);
  if (!layout::is_tree_name(tree.name)) return fail(ErrorKind::not_found, "'" + tree.name + "' is no tree's name");
  auto folder = open_folder(tree.template_name);
  if (!folder) return folder.error().kind() == ErrorKind::not_found ? Result<void>() : fail(std::move(folder.error()));
  const std::string gone = layout::unique(layout::gone_prefix);
  auto renamed = files().rename(folder->get(), tree.name, folder->get(), gone);
  if (!renamed && renamed.error() != ENOENT) return os_fail(renamed.error(), "cannot remove " + where(tree));
  {
    const std::scoped_lock lock(mutex_);
    condemned_.erase(tree);  // the next tree of this name is another one
  }
  return renamed ? remove_all(files(), folder->get(), gone, where(tree)) : Result<void>();
}

Result<std::uint64_t> TreeStore::bytes_used() const {
  auto trees = bytes_beneath(files(), target_.own(), std::string(layout::trees_dir), folder_where(""));
  if (!trees) return trees;
  auto cache = bytes_beneath(files(), target_.own(), "cache", (target_.path() / layout::own_dir / "cache").string());
  if (!cache) return cache;
  return *trees + *cache;
}

Result<void> TreeStore::check(const bundle::Bundle& bundle, const Digest& manifest) const {
  const std::string what = bundle.template_name + " " + bundle.version;
  if (auto problem = bundle::name_problem(bundle.template_name)) return refuse("template " + what, *problem);
  if (!layout::is_version_label(bundle.version)) return refuse("version " + what, "version_invalid");
  if (auto problem = bundle::bundle_problem(bundle.files)) return refuse(what + ": " + problem->path, problem->reason);
  const Digest found = bundle::manifest_digest(bundle.files);
  if (found == manifest) return {};
  return fail(
      Error(ErrorKind::refused, what + ": its files give manifest " + found.hex() + ", expected " + manifest.hex())
          .with_reason("manifest_mismatch"));
}

Result<Fd> TreeStore::make_template_folder(const std::string& template_name) {
  auto trees = files().open_dir(target_.own(), layout::trees_dir);
  if (!trees) return os_fail(trees.error(), "cannot open " + folder_where(""));
  auto folder = make_folder(files(), trees->get(), template_name, layout::dir_mode, folder_where(template_name));
  if (!folder) return fail(std::move(folder.error()));
  if (folder->made) {
    const std::scoped_lock lock(mutex_);
    folders_made_.insert(template_name);
  }
  return std::move(folder->fd);
}

void TreeStore::left_over(const std::string& template_name, const std::string& stage) {
  const std::scoped_lock lock(mutex_);
  left_over_.emplace(template_name, stage);
}

Result<void> TreeStore::remove_left_over() {
  std::set<std::pair<std::string, std::string>> again;
  {
    const std::scoped_lock lock(mutex_);
    again = left_over_;
  }
  for (const auto& one : again) {
    auto folder = open_folder(one.first);
    if (!folder) return fail(std::move(folder.error()));
    auto removed = remove_all(files(), folder->get(), one.second, folder_where(one.first) + "/" + one.second);
    if (!removed) return removed;
    const std::scoped_lock lock(mutex_);
    left_over_.erase(one);
  }
  return {};
}

Result<std::unique_ptr<Stage>> TreeStore::begin(const bundle::Bundle& bundle, const Digest& manifest) {
  if (auto good = check(bundle, manifest); !good) return fail(std::move(good.error()));
  if (auto removed = remove_left_over(); !removed) return fail(std::move(removed.error()));
  auto folder = make_template_folder(bundle.template_name);
  if (!folder) return fail(std::move(folder.error()));
  std::string name = layout::unique(layout::stage_prefix);
  const std::string place = folder_where(bundle.template_name) + "/" + name;
  auto made = make_folder(files(), folder->get(), name, layout::private_mode, place);
  if (!made) {
    if (!remove_all(files(), folder->get(), name, place)) left_over(bundle.template_name, name);
    return fail(std::move(made.error()));
  }
  return make_stage(*this, bundle, manifest, std::move(*folder), std::move(made->fd), std::move(name));
}

Result<std::string> TreeStore::free_name(const bundle::Bundle& bundle, const Digest& manifest, bool& intact) {
  const std::string base = bundle::tree_name(bundle.version, manifest);
  auto folder = open_folder(bundle.template_name);
  if (!folder) return fail(std::move(folder.error()));
  for (int number = 1; number <= names_max; ++number) {
    const TreeId tree{bundle.template_name, number == 1 ? base : base + "." + std::to_string(number)};
    auto there = files().stat_at(folder->get(), tree.name);
    if (!there && there.error() == ENOENT) return tree.name;
    if (!there) return os_fail(there.error(), "cannot look at " + where(tree));
    auto verified = verify(tree, manifest);
    intact = verified.has_value();
    if (intact) return tree.name;
    if (verified.error().kind() != ErrorKind::damaged) return fail(std::move(verified.error()));
    condemn(tree);
  }
  return fail(ErrorKind::failed,
              "every name for a tree of " + bundle.template_name + " " + bundle.version + " is taken",
              "remove old trees from " + folder_where(bundle.template_name));
}

/// The entry of the tree in its folder, and the folder's own where it is new.
Result<void> TreeStore::make_durable(const std::string& template_name, int folder) {
  if (auto synced = sync_dir(files(), folder, folder_where(template_name)); !synced) return synced;
  {
    const std::scoped_lock lock(mutex_);
    if (!folders_made_.contains(template_name)) return {};
  }
  auto trees = files().open_dir(target_.own(), layout::trees_dir);
  if (!trees) return os_fail(trees.error(), "cannot open " + folder_where(""));
  if (auto synced = sync_dir(files(), trees->get(), folder_where("")); !synced) return synced;
  const std::scoped_lock lock(mutex_);
  folders_made_.erase(template_name);
  return {};
}

Result<TreeStore::Published> TreeStore::publish(const bundle::Bundle& bundle, const Digest& manifest, int folder,
                                                const std::string& stage) {
  const std::scoped_lock publishing(publishing_);
  bool intact = false;
  auto name = free_name(bundle, manifest, intact);
  if (!name) return fail(std::move(name.error()));
  Published published;
  published.tree = TreeId{bundle.template_name, *name};
  if (intact) return published;
  if (auto renamed = files().rename(folder, stage, folder, *name); !renamed) {
    return os_fail(renamed.error(), "cannot make " + where(published.tree));
  }
  if (auto durable = make_durable(bundle.template_name, folder); !durable) {
    // An fsync that failed must not be repeated and believed: the entry is made again by another rename.
    if (!files().rename(folder, *name, folder, stage)) condemn(published.tree);
    return fail(std::move(durable.error()));
  }
  {
    const std::scoped_lock lock(mutex_);
    condemned_.erase(published.tree);  // what had this name before is gone: this tree is another one
  }
  index(published.tree, bundle);
  published.renamed = true;
  return published;
}

std::unique_ptr<Trees> Trees::make(Target& target) {
  return std::make_unique<TreeStore>(target);
}

}  // namespace bundlesync::disk
