#include "disk/target.hpp"

#include "bundle/path_rules.hpp"
#include "disk/folders.hpp"
#include "disk/layout.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <unistd.h>

namespace bundlesync::disk {
namespace {

constexpr int state_format = 1;
constexpr std::string_view state_dir = "state";
constexpr std::string_view format_file = "format";

/// The first failure of several; the others would say the same again.
void keep_first(Result<void>& first, Result<void> next) {
  if (first && !next) first = std::move(next);
}

bool others_may_write(const FileInfo& info) {
  const bool foreign = info.uid != ::geteuid() && info.uid != 0;
  return foreign || (info.mode & 022) != 0;
}

class OpenTarget final : public Target {
 public:
  OpenTarget(Files& files, Options options) : files_(files), options_(std::move(options)) {}

  Result<void> reach_root();
  Result<void> make_folders();
  Result<void> reach_folders();

  Result<void> remove_leftovers() override;
  Result<void> in_place() const override;
  Files& files() const override { return files_; }
  const std::filesystem::path& path() const override { return options_.path; }
  int root() const override { return root_.get(); }
  int own() const override { return own_.get(); }
  const std::string& state_area() const override { return state_area_; }
  bool shared() const override { return shared_; }
  std::string file_system() const override { return files_.file_system(root_.get()).value_or("unknown"); }

 private:
  std::string where(std::string_view beneath) const { return (options_.path / beneath).string(); }
  Result<Fd> make_own(int dir, const std::string& name, mode_t mode, const std::string& place);
  Result<void> make_state_area();
  Result<bool> newer_format(int state) const;
  Result<void> remove_in(const std::string& dir, std::initializer_list<std::string_view> prefixes);
  Result<void> remove_temporary_links();
  Result<void> settle_trees();

  Files& files_;
  Options options_;
  Fd root_;
  Fd own_;
  std::string state_area_;
  bool shared_ = false;
};

Result<void> OpenTarget::reach_root() {
  const std::string path = options_.path.string();
  auto root = files_.open_path(options_.path);
  if (!root && (root.error() == ENOENT || root.error() == ENOTDIR)) {
    return fail(ErrorKind::usage,
                "the target " + path + (root.error() == ENOENT ? " does not exist" : " is not a directory"),
                "make the directory, or mount the volume there");
  }
  if (!root) return os_fail(root.error(), "cannot open the target " + path);
  root_ = std::move(*root);
  auto info = files_.stat(root_.get());
  if (!info) return os_fail(info.error(), "cannot look at the target " + path);
  shared_ = others_may_write(*info);
  return {};
}

Result<Fd> OpenTarget::make_own(int dir, const std::string& name, mode_t mode, const std::string& place) {
  if (auto there = files_.stat_at(dir, name); there && there->uid != ::geteuid()) {
    return fail(Error(ErrorKind::unauthorised, place + " belongs to uid " + std::to_string(there->uid) +
                                                   ", the agent runs as uid " + std::to_string(::geteuid()))
                    .with_reason("not_ours")
                    .with_hint("run the agent as the user that made it, or move it away: the agent makes it anew"));
  }
  auto folder = make_folder(files_, dir, name, mode, place);
  if (!folder) return fail(std::move(folder.error()));
  return std::move(folder->fd);
}

/// Where a rename is seen late or not as one, fsync promises little, and locks are the server's word.
bool is_network(std::string_view file_system) {
  // fuse: sshfs, s3fs, ceph-fuse, GlusterFS; what is local there does not say so.
  constexpr std::array names = {"nfs", "cifs", "smb", "smb2", "ceph", "afs", "9p", "gpfs", "lustre", "fuse"};
  return std::ranges::find(names, file_system) != names.end();
}

Result<void> OpenTarget::make_folders() {
  if (!options_.allow_network && is_network(file_system())) {
    return fail(Error(ErrorKind::usage,
                      "the target " + options_.path.string() + " is on a network file system, " + file_system())
                    .with_reason("network_file_system")
                    .with_hint("give the agent a local volume: an emptyDir, a tmpfs, a disk of this machine")
                    .with_hint("or set target.allow_network_fs to true: README.md says what readers lose"));
  }
  if (shared_ && options_.strict) {
    return fail(Error(ErrorKind::usage, "others may write to the target " + options_.path.string())
                    .with_reason("target_shared")
                    .with_hint("make the directory the agent's own, mode 0755, or set target.strict to false"));
  }
  const std::string own_name(layout::own_dir);
  auto own = make_own(root_.get(), own_name, layout::dir_mode, where(own_name));
  if (!own) return fail(std::move(own.error()));
  own_ = std::move(*own);
  const std::string base = where(own_name) + "/";

  auto views = make_own(own_.get(), std::string(layout::views_dir), layout::dir_mode, base + "views");
  if (!views) return fail(std::move(views.error()));
  auto cache = make_own(own_.get(), "cache", layout::dir_mode, base + "cache");
  if (!cache) return fail(std::move(cache.error()));
  auto digests = make_own(cache->get(), "sha256", layout::dir_mode, base + "cache/sha256");
  if (!digests) return fail(std::move(digests.error()));
  auto trees = make_own(own_.get(), std::string(layout::trees_dir), layout::dir_mode, base + "trees");
  if (!trees) return fail(std::move(trees.error()));
  auto templates = files_.list(trees->get());
  if (!templates) return os_fail(templates.error(), "cannot list " + base + "trees");
  for (const auto& entry : *templates) {
    if (bundle::name_problem(entry.name) || entry.type != FileType::directory) continue;
    auto made = make_own(trees->get(), entry.name, layout::dir_mode, base + "trees/" + entry.name);
    if (!made) return fail(std::move(made.error()));
  }
  if (auto state = make_state_area(); !state) return state;
  // Always, not only when something was made: an agent before us may have died between making and fsync.
  if (auto synced = sync_dir(files_, own_.get(), base + "views"); !synced) return synced;
  return sync_dir(files_, root_.get(), where(own_name));
}

/// A number above ours is a newer agent's. What cannot be read is nobody's: it is written again.
Result<bool> OpenTarget::newer_format(int state) const {
  auto text = read_file(files_, state, std::string(format_file), 64, where("..bundlesync/state/format"));
  if (!text && (text.error().kind() == ErrorKind::not_found || text.error().kind() == ErrorKind::damaged)) return false;
  if (!text) return fail(std::move(text.error()));
  int format = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), format);
  return error == std::errc() && end != text->data() && format > state_format;
}

Result<void> OpenTarget::make_state_area() {
  const std::string base = where(layout::own_dir) + "/";
  state_area_ = state_dir;
  auto state = make_own(own_.get(), state_area_, layout::private_mode, base + state_area_);
  if (!state) return fail(std::move(state.error()));
  auto newer = newer_format(state->get());
  if (!newer) return fail(std::move(newer.error()));
  if (*newer) {
    state_area_ += "." + std::to_string(state_format);
    state = make_own(own_.get(), state_area_, layout::private_mode, base + state_area_);
    if (!state) return fail(std::move(state.error()));
  }
  const std::string format = std::to_string(state_format) + "\n";
  const std::string place = base + state_area_ + "/" + std::string(format_file);
  auto there = read_file(files_, state->get(), std::string(format_file), 64, place);
  if (there && *there == format) return {};
  return replace_file(files_, state->get(), std::string(format_file), format, layout::private_file_mode, Durable::yes,
                      place);
}

Result<void> OpenTarget::reach_folders() {
  auto own = files_.open_dir(root_.get(), layout::own_dir);
  if (!own && own.error() == ENOENT) {
    return fail(ErrorKind::not_found, "no agent has written to " + options_.path.string() + " yet",
                "is this the agent's target? start one with bundlesync agent");
  }
  if (!own) return os_fail(own.error(), "cannot open " + where(layout::own_dir));
  own_ = std::move(*own);
  state_area_ = state_dir;
  auto state = files_.open_dir(own_.get(), state_dir);
  if (!state) return {};  // 0700: somebody else's commands go without
  auto newer = newer_format(state->get());
  if (newer && *newer) state_area_ += "." + std::to_string(state_format);
  return {};
}

Result<void> OpenTarget::remove_in(const std::string& dir, std::initializer_list<std::string_view> prefixes) {
  const std::string place = where(layout::own_dir) + "/" + dir;
  auto fd = files_.open_dir(own_.get(), dir);
  if (!fd) return os_fail(fd.error(), "cannot open " + place);
  auto entries = files_.list(fd->get());
  if (!entries) return os_fail(entries.error(), "cannot list " + place);
  Result<void> first;
  for (const auto& entry : *entries) {
    for (const auto prefix : prefixes) {
      if (!layout::is_unique(entry.name, prefix)) continue;
      keep_first(first, remove_all(files_, fd->get(), entry.name, place + "/" + entry.name));
    }
  }
  return first;
}

Result<void> OpenTarget::remove_temporary_links() {
  auto entries = files_.list(root_.get());
  if (!entries) return os_fail(entries.error(), "cannot list " + options_.path.string());
  Result<void> first;
  for (const auto& entry : *entries) {
    if (entry.type != FileType::link || !layout::is_unique(entry.name, layout::temporary_link_prefix)) continue;
    auto target = files_.readlink(root_.get(), entry.name);
    if (!target || !layout::parse_data_target(*target)) continue;
    keep_first(first, remove_all(files_, root_.get(), entry.name, where(entry.name)));
  }
  return first;
}

Result<void> OpenTarget::settle_trees() {
  const std::string place = where(layout::own_dir) + "/trees";
  auto trees = files_.open_dir(own_.get(), layout::trees_dir);
  if (!trees) return os_fail(trees.error(), "cannot open " + place);
  auto templates = files_.list(trees->get());
  if (!templates) return os_fail(templates.error(), "cannot list " + place);
  Result<void> first;
  for (const auto& entry : *templates) {
    if (bundle::name_problem(entry.name) || entry.type != FileType::directory) continue;
    keep_first(first, remove_in("trees/" + entry.name, {layout::stage_prefix, layout::gone_prefix}));
    auto fd = files_.open_dir(trees->get(), entry.name);
    if (!fd) {
      keep_first(first, os_fail(fd.error(), "cannot open " + place + "/" + entry.name));
      continue;
    }
    keep_first(first, sync_dir(files_, fd->get(), place + "/" + entry.name));
  }
  keep_first(first, sync_dir(files_, trees->get(), place));
  return first;
}

Result<void> OpenTarget::remove_leftovers() {
  Result<void> first = remove_temporary_links();
  keep_first(first, remove_in(std::string(layout::views_dir), {layout::gone_prefix}));
  keep_first(first, remove_in(state_area_, {layout::temporary_prefix}));
  keep_first(first, settle_trees());
  auto state = files_.open_dir(own_.get(), state_area_);
  if (!state) {
    keep_first(first, os_fail(state.error(), "cannot open " + where(layout::own_dir) + "/" + state_area_));
    return first;
  }
  keep_first(first, sync_dir(files_, state->get(), where(layout::own_dir) + "/" + state_area_));
  return first;
}

/// Removed, unmounted or mounted over, renamed away, made anew: the descriptors still lead to what was there.
Result<void> OpenTarget::in_place() const {
  const auto gone = [](int error) { return error == ENOENT || error == ENOTDIR; };
  const auto replaced = [&](const std::string& what) {
    return fail(Error(ErrorKind::failed, what + " is not the directory that this agent opened any more")
                    .with_reason("target_replaced")
                    .with_hint("start the agent again: it takes what is there now, and fills it"));
  };
  const auto same = [](const Sys<FileInfo>& one, const Sys<FileInfo>& other) {
    return !one || !other || one->same_as(*other);
  };
  auto there = files_.open_path(options_.path);
  if (!there && gone(there.error())) return replaced("the target " + options_.path.string());
  if (there && !same(files_.stat(there->get()), files_.stat(root_.get()))) {
    return replaced("the target " + options_.path.string());
  }
  const auto own = files_.stat_at(root_.get(), std::string(layout::own_dir));
  const bool own_gone = !own && gone(own.error());
  if (own_gone || !same(own, files_.stat(own_.get()))) return replaced(where(layout::own_dir));
  return {};
}

}  // namespace

Result<std::unique_ptr<Target>> Target::open(Files& files, Options options) {
  auto target = std::make_unique<OpenTarget>(files, std::move(options));
  if (auto reached = target->reach_root(); !reached) return fail(std::move(reached.error()));
  if (auto made = target->make_folders(); !made) return fail(std::move(made.error()));
  return target;
}

Result<std::unique_ptr<Target>> Target::open_readonly(Files& files, Options options) {
  auto target = std::make_unique<OpenTarget>(files, std::move(options));
  if (auto reached = target->reach_root(); !reached) return fail(std::move(reached.error()));
  if (auto reached = target->reach_folders(); !reached) return fail(std::move(reached.error()));
  return target;
}

}  // namespace bundlesync::disk
