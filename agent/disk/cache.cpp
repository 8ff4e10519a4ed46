#include "disk/cache.hpp"

#include "disk/folders.hpp"
#include "disk/hashing.hpp"
#include "disk/layout.hpp"

#include <algorithm>
#include <cerrno>

namespace bundlesync::disk {
namespace {

std::string shelf(const std::string& hex) {
  return std::string(layout::cache_dir) + "/" + hex.substr(0, 2);
}
std::string rest(const std::string& hex) {
  return hex.substr(2);
}

}  // namespace

std::string Cache::where(const std::string& hex) const {
  return (target_.path() / layout::own_dir / shelf(hex) / rest(hex)).string();
}

Sys<Cache::Opened> Cache::open(int dir, const std::string& name) const {
  Files& files = target_.files();
  auto fd = files.open_file(dir, name);
  if (!fd) return std::unexpected(fd.error());
  auto info = files.stat(fd->get());
  if (!info) return std::unexpected(info.error());
  if (info->type != FileType::regular) return std::unexpected(ELOOP);
  auto hashed = hash_file(files, fd->get());
  if (!hashed) return std::unexpected(hashed.error());
  Opened opened;
  opened.fd = std::move(*fd);
  opened.info = *info;
  opened.content = *hashed;
  return opened;
}

Result<bool> Cache::take(const bundle::File& file, int dir, const std::string& name) {
  Files& files = target_.files();
  const std::string hex = file.sha256.hex();
  auto from = files.open_dir(target_.own(), shelf(hex));
  if (!from && is_shortage(from.error())) return os_fail(from.error(), "cannot open " + where(hex));
  if (!from) return false;
  auto opened = open(from->get(), rest(hex));
  if (!opened && opened.error() == ENOENT) return false;
  if (!opened && is_shortage(opened.error())) return os_fail(opened.error(), "cannot open " + where(hex));
  if (!opened || opened->content.sha256 != file.sha256) {
    (void)drop(hex);  // of no use to anybody; what cannot be removed costs a look at every try
    return false;
  }
  if (file.size && *file.size != opened->content.size) return false;
  if (auto changed = files.chmod(opened->fd.get(), layout::file_mode); !changed) {
    return os_fail(changed.error(), "cannot set the mode of " + where(hex));
  }
  auto renamed = files.rename(from->get(), rest(hex), dir, name);
  if (!renamed && renamed.error() == ENOENT) return false;  // another stage was first
  if (!renamed) return os_fail(renamed.error(), "cannot take " + where(hex));
  auto taken = files.stat_at(dir, name);
  if (!taken) return os_fail(taken.error(), "cannot look at what was taken from " + where(hex));
  if (taken->inode != opened->info.inode ||
      taken->device != opened->info.device) {  // not what was hashed: another one's put
    if (auto removed = files.unlink(dir, name); !removed) return os_fail(removed.error(), "cannot remove " + name);
    return false;
  }
  const std::scoped_lock lock(mutex_);
  used_.erase(hex);
  return true;
}

Result<void> Cache::put(int dir, const std::string& name, const Digest& sha256) {
  Files& files = target_.files();
  const std::string hex = sha256.hex();
  auto base = files.open_dir(target_.own(), layout::cache_dir);
  if (!base) return os_fail(base.error(), "cannot open " + where(hex));
  auto to = make_folder(files, base->get(), hex.substr(0, 2), layout::dir_mode, where(hex));
  if (!to) return fail(std::move(to.error()));
  if (auto renamed = files.rename(dir, name, to->fd.get(), rest(hex)); !renamed) {
    return os_fail(renamed.error(), "cannot keep " + where(hex));
  }
  const std::scoped_lock lock(mutex_);
  used_[hex] = std::chrono::steady_clock::now();
  return {};
}

Cache::Time Cache::last_use(const std::string& hex, Time now) {
  const std::scoped_lock lock(mutex_);
  return used_.try_emplace(hex, now).first->second;
}

Result<std::vector<Cache::Held>> Cache::held() {
  Files& files = target_.files();
  const std::string place = (target_.path() / layout::own_dir / layout::cache_dir).string();
  std::vector<Held> all;
  auto base = files.open_dir(target_.own(), layout::cache_dir);
  if (!base)
    return base.error() == ENOENT ? Result<std::vector<Held>>(all) : os_fail(base.error(), "cannot open " + place);
  auto shelves = files.list(base->get());
  if (!shelves) return os_fail(shelves.error(), "cannot list " + place);
  const auto now = std::chrono::steady_clock::now();
  for (const auto& entry : *shelves) {
    if (entry.type != FileType::directory || entry.name.size() != 2) continue;
    auto dir = files.open_dir(base->get(), entry.name);
    if (!dir) return os_fail(dir.error(), "cannot open " + place + "/" + entry.name);
    auto names = files.list(dir->get());
    if (!names) return os_fail(names.error(), "cannot list " + place + "/" + entry.name);
    for (const auto& name : *names) {
      const std::string hex = entry.name + name.name;
      if (!Digest::parse(hex)) continue;
      auto info = files.stat_at(dir->get(), name.name);
      if (!info && info.error() == ENOENT) continue;  // a stage took it meanwhile
      if (!info) return os_fail(info.error(), "cannot look at " + where(hex));
      all.push_back(Held{hex, info->allocated, last_use(hex, now)});
    }
  }
  return all;
}

Result<Trees::CacheUse> Cache::use() {
  auto all = held();
  if (!all) return fail(std::move(all.error()));
  Trees::CacheUse use;
  for (const auto& one : *all) {
    use.bytes += one.bytes;
    ++use.files;
  }
  return use;
}

Result<void> Cache::drop(const std::string& hex) {
  auto dir = target_.files().open_dir(target_.own(), shelf(hex));
  if (!dir) return dir.error() == ENOENT ? Result<void>() : os_fail(dir.error(), "cannot open " + where(hex));
  auto removed = remove_all(target_.files(), dir->get(), rest(hex), where(hex));
  if (!removed) return removed;
  const std::scoped_lock lock(mutex_);
  used_.erase(hex);
  return {};
}

Result<Trees::CacheUse> Cache::evict(std::chrono::seconds ttl, std::uint64_t bytes_max) {
  auto all = held();
  if (!all) return fail(std::move(all.error()));
  std::ranges::sort(*all, {}, [](const Held& one) { return std::pair(one.used, one.hex); });
  Trees::CacheUse use;
  for (const auto& one : *all) use.bytes += one.bytes;
  const auto now = std::chrono::steady_clock::now();
  for (const auto& one : *all) {
    const bool old = now - one.used >= ttl;
    if (!old && use.bytes <= bytes_max) {
      ++use.files;
      continue;
    }
    if (auto dropped = drop(one.hex); !dropped) return fail(std::move(dropped.error()));
    use.bytes -= one.bytes;
  }
  return use;
}

}  // namespace bundlesync::disk
