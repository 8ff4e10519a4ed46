#pragma once

#include "disk/files.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <limits>
#include <mutex>
#include <vector>

namespace bundlesync::testing {

/// What a call of Files did to the disk, for models that replay it. Identities are (device-local) inode numbers at the
/// time of the call.
struct FileOp {
  enum Kind { create, mkdir, symlink, write, truncate, fsync, rename, unlink, rmdir, mark };
  Kind kind = mark;
  ino_t dir = 0;      ///< of `name`
  ino_t new_dir = 0;  ///< of `new_name`
  ino_t object = 0;   ///< made, written or fsynced
  std::string name;
  std::string new_name;
  std::string bytes;       ///< written, or a link's target, or a mark's text
  bool swallowed = false;  ///< an fsync that only claimed to be one
};

/// Passes every call on, and lets one of them go wrong: calls are counted from 1.
/// A crash is a disk that is dead from some call on: nothing reaches it any more, whatever the process still tries. For
/// the disk that is the same as a process that died there. fsync is not passed on unless asked for: a process that dies
/// loses nothing that it wrote, and what power loss takes is computed from `log`.
class FaultyFiles final : public disk::Files {
 public:
  explicit FaultyFiles(disk::Files& real) : real_(real) {}

  /// The first call from number `call` on that can fail so (EROFS needs a change, EMFILE an open, …) does; `lasting`:
  /// so do all that follow.
  void fail_from(std::size_t call, int code, bool lasting) {
    fail_from_ = call;
    code_ = code;
    lasting_ = lasting;
  }
  void heal() { fail_from_ = never; }
  enum class Moment { before, after };
  void die(std::size_t call, Moment moment) {
    die_at_ = call;
    moment_ = moment;
  }
  /// Dies before the change of this number (from 1). Two crashes with no change between them leave the same disk.
  void die_at_change(std::size_t change) { die_at_change_ = change; }
  /// The machine is on again.
  void revive() {
    dead_ = false;
    die_at_ = never;
    die_at_change_ = never;
  }
  /// The fsync of this number (from 1) does nothing and says it did.
  void swallow_fsync(std::size_t number) { swallow_ = number; }
  /// The fsync of this number (from 1) fails, once.
  void fail_fsync(std::size_t number) { failing_fsync_ = number; }
  void record(bool on) { recording_ = on; }
  void pass_fsync(bool on) { pass_fsync_ = on; }
  void mark(std::string text) {
    FileOp op;
    op.bytes = std::move(text);
    note(std::move(op));
  }

  std::size_t calls() const { return calls_; }
  std::size_t changes() const { return changes_; }  ///< calls that alter the disk
  std::size_t fsyncs() const { return fsyncs_; }
  std::size_t failures() const { return failures_; }
  std::size_t first_failure() const { return first_failure_; }  ///< the number of the call
  bool dead() const { return dead_; }
  const std::vector<FileOp>& log() const { return log_; }

  disk::Sys<disk::Fd> open_path(const std::filesystem::path& path) override {
    return call<disk::Fd>(opens, [&] { return real_.open_path(path); });
  }
  disk::Sys<disk::Fd> open_file_path(const std::filesystem::path& path) override {
    return call<disk::Fd>(opens, [&] { return real_.open_file_path(path); });
  }
  disk::Sys<disk::Fd> open_dir(int dir, std::string_view beneath, disk::Links links) override {
    return call<disk::Fd>(opens, [&] { return real_.open_dir(dir, beneath, links); });
  }
  disk::Sys<disk::Fd> open_file(int dir, std::string_view beneath, disk::Links links) override {
    return call<disk::Fd>(opens, [&] { return real_.open_file(dir, beneath, links); });
  }
  disk::Sys<disk::Fd> create(int dir, const std::string& name) override {
    auto fd = call<disk::Fd>(
        opens | changes_disk | grows, [&] { return real_.create(dir, name); },
        [&](const disk::Fd& made) { note_new(FileOp::create, dir, name, made.get()); });
    return fd;
  }
  disk::Sys<disk::Fd> open_lock(int dir, const std::string& name) override {
    return call<disk::Fd>(
        opens | changes_disk, [&] { return real_.open_lock(dir, name); },
        [&](const disk::Fd& made) { note_new(FileOp::create, dir, name, made.get()); });
  }
  disk::Sys<void> lock(int fd) override {
    return call<void>(plain, [&] { return real_.lock(fd); });
  }
  disk::Sys<void> write(int fd, std::string_view bytes) override {
    return call<void>(
        changes_disk | grows, [&] { return real_.write(fd, bytes); },
        [&] { note_object(FileOp::write, fd, std::string(bytes)); });
  }
  disk::Sys<std::size_t> read(int fd, char* bytes, std::size_t size, std::uint64_t offset) override {
    return call<std::size_t>(plain, [&] { return real_.read(fd, bytes, size, offset); });
  }
  disk::Sys<void> truncate(int fd) override {
    return call<void>(changes_disk, [&] { return real_.truncate(fd); }, [&] { note_object(FileOp::truncate, fd, ""); });
  }
  disk::Sys<void> copy(int from, int to) override {
    return call<void>(
        changes_disk | grows, [&] { return real_.copy(from, to); },
        [&] {
          if (recording_) note_object(FileOp::write, to, content(to));
        });
  }
  disk::Sys<void> fsync(int fd) override {
    const std::size_t number = ++fsyncs_;
    const bool swallowed = number == swallow_;
    if (number == failing_fsync_) return std::unexpected(EIO);
    return call<void>(
        changes_disk | grows, [&] { return pass_fsync_ && !swallowed ? real_.fsync(fd) : disk::Sys<void>(); },
        [&] { note_object(FileOp::fsync, fd, "", swallowed); });
  }
  disk::Sys<void> chmod(int fd, mode_t mode) override {
    return call<void>(changes_disk | permission, [&] { return real_.chmod(fd, mode); });
  }
  disk::Sys<void> chmod_at(int dir, const std::string& name, mode_t mode) override {
    return call<void>(changes_disk | permission, [&] { return real_.chmod_at(dir, name, mode); });
  }
  disk::Sys<void> mkdir(int dir, const std::string& name) override {
    return call<void>(
        changes_disk | permission | grows, [&] { return real_.mkdir(dir, name); },
        [&] { note_new(FileOp::mkdir, dir, name, -1); });
  }
  disk::Sys<void> rename(int dir, const std::string& name, int new_dir, const std::string& new_name) override {
    return call<void>(
        changes_disk | permission | grows, [&] { return real_.rename(dir, name, new_dir, new_name); },
        [&] {
          FileOp op;
          op.kind = FileOp::rename;
          op.dir = inode(dir);
          op.name = name;
          op.new_dir = inode(new_dir);
          op.new_name = new_name;
          note(std::move(op));
        });
  }
  disk::Sys<void> symlink(const std::string& target, int dir, const std::string& name) override {
    return call<void>(
        changes_disk | permission | grows, [&] { return real_.symlink(target, dir, name); },
        [&] { note_new(FileOp::symlink, dir, name, -1, target); });
  }
  disk::Sys<void> unlink(int dir, const std::string& name) override {
    return call<void>(
        changes_disk | permission, [&] { return real_.unlink(dir, name); },
        [&] { note_gone(FileOp::unlink, dir, name); });
  }
  disk::Sys<void> rmdir(int dir, const std::string& name) override {
    return call<void>(
        changes_disk | permission, [&] { return real_.rmdir(dir, name); },
        [&] { note_gone(FileOp::rmdir, dir, name); });
  }
  disk::Sys<std::string> readlink(int dir, const std::string& name) override {
    return call<std::string>(plain, [&] { return real_.readlink(dir, name); });
  }
  disk::Sys<std::vector<disk::Entry>> list(int dir) override {
    return call<std::vector<disk::Entry>>(opens, [&] { return real_.list(dir); });
  }
  disk::Sys<disk::FileInfo> stat(int fd) override {
    return call<disk::FileInfo>(plain, [&] { return real_.stat(fd); });
  }
  disk::Sys<disk::FileInfo> stat_at(int dir, const std::string& name) override {
    return call<disk::FileInfo>(plain, [&] { return real_.stat_at(dir, name); });
  }
  disk::Sys<std::string> file_system(int fd) override {
    return call<std::string>(plain, [&] { return real_.file_system(fd); });
  }

 private:
  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
  enum Trait : unsigned { plain = 0, opens = 1, changes_disk = 2, permission = 4, grows = 8 };

  bool can_fail(unsigned traits) const {
    switch (code_) {
      case ENOSPC:
        return (traits & grows) != 0;
      case EROFS:
        return (traits & changes_disk) != 0;
      case EMFILE:
        return (traits & opens) != 0;
      case EACCES:
        return (traits & (opens | permission)) != 0;
      default:
        return true;
    }
  }

  /// What the call that is about to be made must answer without being made; 0: make it.
  int answer(unsigned traits, bool& dies_after) {
    const std::size_t number = ++calls_;
    if ((traits & changes_disk) != 0) ++changes_;
    if (dead_) return EIO;
    if ((traits & changes_disk) != 0 && changes_ == die_at_change_) dead_ = true;
    if (number >= die_at_) {
      dies_after = number == die_at_ && moment_ == Moment::after;
      if (!dies_after) dead_ = true;
    }
    if (dead_) return EIO;
    if (number < fail_from_ || !can_fail(traits)) return 0;
    if (failures_++ == 0) first_failure_ = number;
    if (!lasting_) fail_from_ = never;
    return code_;
  }

  template <class T, class Call>
  disk::Sys<T> call(unsigned traits, Call make) {
    return call<T>(traits, make, [](const auto&...) {});
  }
  template <class T, class Call, class Then>
  disk::Sys<T> call(unsigned traits, Call make, Then then) {
    const std::scoped_lock lock(mutex_);
    bool dies_after = false;
    if (const int code = answer(traits, dies_after); code != 0) return std::unexpected(code);
    disk::Sys<T> result = make();
    if (result && recording_) {
      if constexpr (std::is_void_v<T>) {
        then();
      } else {
        then(*result);
      }
    }
    if (!dies_after) return result;
    dead_ = true;
    return std::unexpected(EIO);
  }

  ino_t inode(int fd) {
    auto info = real_.stat(fd);
    return info ? info->inode : 0;
  }
  std::string content(int fd) {
    std::string bytes;
    std::string piece(64 << 10, '\0');
    while (true) {
      auto got = real_.read(fd, piece.data(), piece.size(), bytes.size());
      if (!got || *got == 0) return bytes;
      bytes.append(piece, 0, *got);
    }
  }
  void note_new(FileOp::Kind kind, int dir, const std::string& name, int fd, const std::string& bytes = "") {
    FileOp op;
    op.kind = kind;
    op.dir = inode(dir);
    op.name = name;
    op.bytes = bytes;
    auto info = fd >= 0 ? real_.stat(fd) : real_.stat_at(dir, name);
    op.object = info ? info->inode : 0;
    note(std::move(op));
  }
  void note_object(FileOp::Kind kind, int fd, std::string bytes, bool swallowed = false) {
    FileOp op;
    op.kind = kind;
    op.object = inode(fd);
    op.bytes = std::move(bytes);
    op.swallowed = swallowed;
    note(std::move(op));
  }
  void note_gone(FileOp::Kind kind, int dir, const std::string& name) {
    FileOp op;
    op.kind = kind;
    op.dir = inode(dir);
    op.name = name;
    note(std::move(op));
  }
  void note(FileOp op) {
    if (recording_) log_.push_back(std::move(op));
  }

  disk::Files& real_;
  std::mutex mutex_;
  std::size_t calls_ = 0;
  std::size_t changes_ = 0;
  std::size_t fsyncs_ = 0;
  std::size_t failures_ = 0;
  std::size_t fail_from_ = never;
  std::size_t first_failure_ = 0;
  std::size_t die_at_ = never;
  std::size_t die_at_change_ = never;
  std::size_t swallow_ = 0;
  std::size_t failing_fsync_ = 0;
  int code_ = EIO;
  bool lasting_ = false;
  Moment moment_ = Moment::before;
  bool recording_ = false;
  bool pass_fsync_ = false;
  bool dead_ = false;
  std::vector<FileOp> log_;
};

}  // namespace bundlesync::testing
