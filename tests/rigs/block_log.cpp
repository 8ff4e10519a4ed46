#define FUSE_USE_VERSION 35

#include "rigs/block_log.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bundlesync::rigs {
namespace {

constexpr std::size_t log_bytes_max = 512 << 20;  // taken only as it fills
constexpr fuse_ino_t disk_inode = 2;
constexpr double attributes_last = 3600;  // nobody else changes them

struct Head {
  std::uint64_t offset = 0;
  std::uint32_t size = 0;
  std::uint32_t flush = 0;
};

}  // namespace

/// In memory that both processes see. Only the server writes events, one after the other.
struct LoggedFile::Log {
  std::atomic<std::uint64_t> count;
  std::atomic<std::uint64_t> used;
  std::atomic<bool> full;

  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  void note(bool flush, std::uint64_t offset, std::string_view data) {
    const std::uint64_t at = used;
    if (sizeof(Log) + at + sizeof(Head) + data.size() > log_bytes_max) {
      full = true;
      return;
    }
    const Head head{offset, static_cast<std::uint32_t>(data.size()), flush ? 1U : 0U};
    std::memcpy(bytes() + at, &head, sizeof(head));
    std::memcpy(bytes() + at + sizeof(head), data.data(), data.size());
    used = at + sizeof(head) + data.size();
    ++count;
  }
};

/// One file in one directory, in the process that serves it.
struct LoggedFile::Server {
  Log* log;
  int backing;

  static Server& of(fuse_req_t request) { return *static_cast<Server*>(fuse_req_userdata(request)); }
  struct stat attributes(fuse_ino_t inode) const {
    struct stat info{};
    info.st_ino = inode;
    info.st_nlink = 1;
    info.st_mode = inode == FUSE_ROOT_ID ? S_IFDIR | 0700 : S_IFREG | 0600;
    struct stat there{};
    if (inode == disk_inode && ::fstat(backing, &there) == 0) info.st_size = there.st_size;
    return info;
  }
  static void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    if (parent != FUSE_ROOT_ID || std::string_view(name) != "disk") {
      fuse_reply_err(request, ENOENT);
      return;
    }
    fuse_entry_param entry{};
    entry.ino = disk_inode;
    entry.attr = of(request).attributes(disk_inode);
    entry.attr_timeout = entry.entry_timeout = attributes_last;
    fuse_reply_entry(request, &entry);
  }
  static void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
    const struct stat info = of(request).attributes(inode);
    fuse_reply_attr(request, &info, attributes_last);
  }
  /// Past the page cache: what the loop device writes comes to us at once and in its order.
  static void open(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
    file->direct_io = 1;
    fuse_reply_open(request, file);
  }
  static void read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info*) {
    std::string bytes(size, '\0');
    const auto got = ::pread(of(request).backing, bytes.data(), size, offset);
    if (got < 0) {
      fuse_reply_err(request, errno);
    } else {
      fuse_reply_buf(request, bytes.data(), static_cast<std::size_t>(got));
    }
  }
  static void write(fuse_req_t request, fuse_ino_t, const char* bytes, std::size_t size, off_t offset,
                    fuse_file_info*) {
    Server& server = of(request);
    const auto wrote = ::pwrite(server.backing, bytes, size, offset);
    if (wrote < 0) {
      fuse_reply_err(request, errno);
      return;
    }
    const auto count = static_cast<std::size_t>(wrote);
    server.log->note(false, static_cast<std::uint64_t>(offset), std::string_view(bytes, count));
    fuse_reply_write(request, count);
  }
  static void fsync(fuse_req_t request, fuse_ino_t, int, fuse_file_info*) {
    of(request).log->note(true, 0, "");
    fuse_reply_err(request, 0);
  }

  /// In the child, which never returns from here.
  [[noreturn]] void run(const char* place, int ready) {
    fuse_lowlevel_ops calls{};
    calls.lookup = lookup;
    calls.getattr = getattr;
    calls.open = open;
    calls.read = read;
    calls.write = write;
    calls.fsync = fsync;
    fuse_args arguments = FUSE_ARGS_INIT(0, nullptr);
    fuse_opt_add_arg(&arguments, "blocks");
    fuse_session* session = fuse_session_new(&arguments, &calls, sizeof(calls), this);
    if (session == nullptr || fuse_session_mount(session, place) != 0) ::_exit(1);
    if (::write(ready, "r", 1) != 1) ::_exit(1);
    ::close(ready);
    (void)fuse_session_loop(session);
    ::_exit(0);
  }
};

LoggedFile::LoggedFile(const std::filesystem::path& backing, const std::filesystem::path& place) : place_(place) {
  if (::access("/dev/fuse", R_OK | W_OK) != 0) throw NoDisk("there is no /dev/fuse to use");
  void* memory =
      ::mmap(nullptr, log_bytes_max, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory for the log of a disk");
  log_ = new (memory) Log();
  std::array<int, 2> ready{};
  const int file = ::open(backing.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0 || ::pipe2(ready.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot open " + backing.string());
  const std::string where = place.string();
  const pid_t parent = ::getpid();
  server_ = ::fork();
  if (server_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    ::close(ready[0]);
    Server{log_, file}.run(where.c_str(), ready[1]);
  }
  ::close(file);
  ::close(ready[1]);
  char said = 0;
  const bool serves = server_ > 0 && ::read(ready[0], &said, 1) == 1;
  ::close(ready[0]);
  if (serves) return;
  if (server_ > 0) ::waitpid(server_, nullptr, 0);
  ::munmap(memory, log_bytes_max);
  throw NoDisk("FUSE cannot be mounted here");
}

LoggedFile::~LoggedFile() {
  ::umount2(place_.c_str(), MNT_DETACH);
  // It ends by itself when the last user (a loop device that is on its way out) has closed the file.
  bool ended = false;
  for (int tries = 0; tries < 200 && !ended; ++tries) {
    ended = ::waitpid(server_, nullptr, WNOHANG) != 0;
    if (!ended) ::usleep(10'000);
  }
  if (!ended) {
    ::kill(server_, SIGKILL);
    ::waitpid(server_, nullptr, 0);
  }
  ::munmap(log_, log_bytes_max);
}

std::size_t LoggedFile::count() const {
  return log_->count;
}

std::vector<BlockEvent> LoggedFile::events() const {
  if (log_->full) throw std::runtime_error("more was written to the disk than its log holds");
  std::vector<BlockEvent> all;
  const std::uint64_t count = log_->count;
  const char* at = log_->bytes();
  for (std::uint64_t i = 0; i < count; ++i) {
    Head head;
    std::memcpy(&head, at, sizeof(head));
    at += sizeof(head);
    all.push_back(BlockEvent{head.flush != 0, head.offset, std::string_view(at, head.size)});
    at += head.size;
  }
  return all;
}

void LoggedFile::forget() {
  log_->used = 0;
  log_->count = 0;
}

}  // namespace bundlesync::rigs
