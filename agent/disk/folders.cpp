#include "disk/folders.hpp"

#include "disk/layout.hpp"

#include <cerrno>

namespace bundlesync::disk {
namespace {

std::string quoted(std::string_view what, std::string_view where) {
  return std::string(what) + " " + std::string(where);
}

Sys<void> remove_tree(Files& files, int dir, const std::string& name, int depth) {
  auto info = files.stat_at(dir, name);
  if (!info) return std::unexpected(info.error());
  if (info->type != FileType::directory) return files.unlink(dir, name);
  if (depth > depth_max) return std::unexpected(ELOOP);
  // Trees are 0555, and only root may remove from those.
  if ((info->mode & 0700) != 0700) {
    if (auto changed = files.chmod_at(dir, name, layout::private_mode); !changed) return changed;
  }
  Sys<void> first;
  {
    auto fd = files.open_dir(dir, name);
    if (!fd) return std::unexpected(fd.error());
    auto entries = files.list(fd->get());
    if (!entries) return std::unexpected(entries.error());
    for (const auto& entry : *entries) {
      auto removed = remove_tree(files, fd->get(), entry.name, depth + 1);
      if (!removed && removed.error() != ENOENT && first) first = removed;
    }
  }
  if (!first) return first;
  return files.rmdir(dir, name);
}

Sys<std::uint64_t> allocated(Files& files, int dir, const std::string& name, int depth) {
  auto info = files.stat_at(dir, name);
  if (!info) return info.error() == ENOENT ? Sys<std::uint64_t>(0) : std::unexpected(info.error());
  std::uint64_t bytes = info->allocated;
  if (info->type != FileType::directory || depth > depth_max) return bytes;
  auto fd = files.open_dir(dir, name);
  if (!fd) return fd.error() == ENOENT ? Sys<std::uint64_t>(bytes) : std::unexpected(fd.error());
  auto entries = files.list(fd->get());
  if (!entries) return std::unexpected(entries.error());
  for (const auto& entry : *entries) {
    auto beneath = allocated(files, fd->get(), entry.name, depth + 1);
    if (!beneath) return beneath;
    bytes += *beneath;
  }
  return bytes;
}

Sys<void> fill(Files& files, int fd, std::string_view bytes, mode_t mode, Durable durable) {
  if (auto wrote = files.write(fd, bytes); !wrote) return wrote;
  if (auto changed = files.chmod(fd, mode); !changed) return changed;
  if (durable == Durable::no) return {};
  return files.fsync(fd);
}

/// A file that could not be filled or fsynced is condemned: removed, never fsynced again.
Result<void> write_file(Files& files, int dir, const std::string& name, std::string_view bytes, mode_t mode,
                        Durable durable, std::string_view where) {
  auto fd = files.create(dir, name);
  if (!fd) return os_fail(fd.error(), quoted("cannot create", where));
  if (auto filled = fill(files, fd->get(), bytes, mode, durable); !filled) {
    (void)files.unlink(dir, name);
    return os_fail(filled.error(), quoted("cannot write", where));
  }
  return {};
}

}  // namespace

Result<Folder> make_folder(Files& files, int dir, const std::string& name, mode_t mode, std::string_view where) {
  Folder folder;
  auto made = files.mkdir(dir, name);
  if (!made && made.error() != EEXIST) return os_fail(made.error(), quoted("cannot make the directory", where));
  folder.made = made.has_value();
  auto fd = files.open_dir(dir, name);
  if (!fd && (fd.error() == ENOTDIR || fd.error() == ELOOP)) {
    return fail(Error(ErrorKind::damaged, std::string(where) + " is not a directory")
                    .with_reason("name_taken")
                    .with_hint("move it away; the agent makes the directory itself"));
  }
  if (!fd) return os_fail(fd.error(), quoted("cannot open the directory", where));
  auto info = files.stat(fd->get());
  if (!info) return os_fail(info.error(), quoted("cannot look at", where));
  if (!files.has_mode(*info, mode)) {
    auto changed = files.chmod(fd->get(), mode);
    if (!changed) return os_fail(changed.error(), quoted("cannot set the mode of", where));
  }
  folder.fd = std::move(*fd);
  return folder;
}

Result<std::string> read_file(Files& files, int dir, const std::string& name, std::uint64_t bytes_max,
                              std::string_view where) {
  auto fd = files.open_file(dir, name);
  if (!fd && fd.error() != ELOOP) return os_fail(fd.error(), quoted("cannot open", where));
  auto info = fd ? files.stat(fd->get()) : std::unexpected(ELOOP);
  if (!info && info.error() != ELOOP) return os_fail(info.error(), quoted("cannot look at", where));
  if (!info || info->type != FileType::regular) {
    return fail(Error(ErrorKind::damaged, std::string(where) + " is not a file").with_reason("not_a_file"));
  }
  std::string bytes;
  std::string piece(64 << 10, '\0');
  while (bytes.size() <= bytes_max) {
    auto got = files.read(fd->get(), piece.data(), piece.size(), bytes.size());
    if (!got) return os_fail(got.error(), quoted("cannot read", where));
    if (*got == 0) return bytes;
    bytes.append(piece, 0, *got);
  }
  return fail(Error(ErrorKind::damaged, std::string(where) + " has more than " + std::to_string(bytes_max) + " bytes")
                  .with_reason("too_large"));
}

Result<void> write_new_file(Files& files, int dir, const std::string& name, std::string_view bytes, mode_t mode,
                            std::string_view where) {
  return write_file(files, dir, name, bytes, mode, Durable::yes, where);
}

Result<void> replace_file(Files& files, int dir, const std::string& name, std::string_view bytes, mode_t mode,
                          Durable durable, std::string_view where) {
  const std::string temporary = layout::unique(layout::temporary_prefix);
  if (auto wrote = write_file(files, dir, temporary, bytes, mode, durable, where); !wrote) return wrote;
  if (auto renamed = files.rename(dir, temporary, dir, name); !renamed) {
    (void)files.unlink(dir, temporary);
    return os_fail(renamed.error(), quoted("cannot replace", where));
  }
  if (durable == Durable::no) return {};
  return sync_dir(files, dir, where);
}

Result<void> remove_all(Files& files, int dir, const std::string& name, std::string_view where) {
  auto removed = remove_tree(files, dir, name, 0);
  if (!removed && removed.error() != ENOENT) return os_fail(removed.error(), quoted("cannot remove", where));
  return {};
}

Result<std::uint64_t> bytes_beneath(Files& files, int dir, const std::string& name, std::string_view where) {
  auto bytes = allocated(files, dir, name, 0);
  if (!bytes) return os_fail(bytes.error(), quoted("cannot measure", where));
  return *bytes;
}

Result<void> sync_dir(Files& files, int dir, std::string_view where) {
  auto fd = files.open_dir(dir, ".");
  if (!fd) return os_fail(fd.error(), quoted("cannot open the directory of", where));
  if (auto synced = files.fsync(fd->get()); !synced) {
    return os_fail(synced.error(), quoted("cannot make durable (fsync) the directory of", where));
  }
  return {};
}

}  // namespace bundlesync::disk
