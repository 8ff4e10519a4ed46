#include "rigs/gate.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <optional>
#include <poll.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace bundlesync::rigs {
namespace fs = std::filesystem;
namespace {

/// Where a call says which file it means: argument numbers, -1 for none.
struct CallKind {
  int number;
  std::string_view name;
  int descriptor;        ///< of the file itself, or of the directory that the path begins in
  int path;              ///< -1: the descriptor is the file
  int other_descriptor;  ///< of a second path
  int other_path;
};

constexpr int kCwd = 100;  ///< a path without a directory: it begins in the working directory

constexpr std::array kCalls = {
    CallKind{SYS_openat, "openat", 0, 1, -1, -1},
    CallKind{SYS_openat2, "openat2", 0, 1, -1, -1},
    CallKind{SYS_mkdirat, "mkdirat", 0, 1, -1, -1},
    CallKind{SYS_unlinkat, "unlinkat", 0, 1, -1, -1},
    CallKind{SYS_renameat2, "renameat2", 0, 1, 2, 3},
    CallKind{SYS_linkat, "linkat", 0, 1, 2, 3},
    CallKind{SYS_symlinkat, "symlinkat", 1, 2, -1, -1},
    CallKind{SYS_readlinkat, "readlinkat", 0, 1, -1, -1},
    CallKind{SYS_newfstatat, "newfstatat", 0, 1, -1, -1},
    CallKind{SYS_statx, "statx", 0, 1, -1, -1},
    CallKind{SYS_fchmodat, "fchmodat", 0, 1, -1, -1},
    CallKind{SYS_fchownat, "fchownat", 0, 1, -1, -1},
    CallKind{SYS_utimensat, "utimensat", 0, 1, -1, -1},
    CallKind{SYS_faccessat2, "faccessat2", 0, 1, -1, -1},
    CallKind{SYS_fstat, "fstat", 0, -1, -1, -1},
    CallKind{SYS_statfs, "statfs", kCwd, 0, -1, -1},
    CallKind{SYS_fstatfs, "fstatfs", 0, -1, -1, -1},
    CallKind{SYS_fsync, "fsync", 0, -1, -1, -1},
    CallKind{SYS_fdatasync, "fdatasync", 0, -1, -1, -1},
    CallKind{SYS_syncfs, "syncfs", 0, -1, -1, -1},
    CallKind{SYS_ftruncate, "ftruncate", 0, -1, -1, -1},
    CallKind{SYS_fallocate, "fallocate", 0, -1, -1, -1},
    CallKind{SYS_read, "read", 0, -1, -1, -1},
    CallKind{SYS_pread64, "pread64", 0, -1, -1, -1},
    CallKind{SYS_write, "write", 0, -1, -1, -1},
    CallKind{SYS_pwrite64, "pwrite64", 0, -1, -1, -1},
    CallKind{SYS_writev, "writev", 0, -1, -1, -1},
    CallKind{SYS_copy_file_range, "copy_file_range", 2, -1, -1, -1},
    CallKind{SYS_getdents64, "getdents64", 0, -1, -1, -1},
    CallKind{SYS_fchmod, "fchmod", 0, -1, -1, -1},
    CallKind{SYS_fchown, "fchown", 0, -1, -1, -1},
    CallKind{SYS_flock, "flock", 0, -1, -1, -1},
#ifdef SYS_open
    CallKind{SYS_open, "open", kCwd, 0, -1, -1},
    CallKind{SYS_mkdir, "mkdir", kCwd, 0, -1, -1},
    CallKind{SYS_rmdir, "rmdir", kCwd, 0, -1, -1},
    CallKind{SYS_unlink, "unlink", kCwd, 0, -1, -1},
    CallKind{SYS_rename, "rename", kCwd, 0, kCwd, 1},
    CallKind{SYS_link, "link", kCwd, 0, kCwd, 1},
    CallKind{SYS_symlink, "symlink", kCwd, 1, -1, -1},
    CallKind{SYS_readlink, "readlink", kCwd, 0, -1, -1},
    CallKind{SYS_renameat, "renameat", 0, 1, 2, 3},
#endif
};

[[noreturn]] void fail_with_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// Lets everything pass but our calls, which wait for an answer.
std::vector<sock_filter> make_filter() {
  std::vector<sock_filter> filter;
  filter.push_back(sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)});
  for (const auto& call : kCalls) {
    filter.push_back(sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<std::uint32_t>(call.number)});
    filter.push_back(sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF});
  }
  filter.push_back(sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
  return filter;
}

void send_descriptor(int socket, int descriptor) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  *reinterpret_cast<int*>(CMSG_DATA(header)) = descriptor;
  if (::sendmsg(socket, &message, 0) < 0) ::_exit(126);
}

int receive_descriptor(int socket) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0) throw NoGate("the kernel does not let us stop system calls");
  return *reinterpret_cast<int*>(CMSG_DATA(CMSG_FIRSTHDR(&message)));
}

/// The program, behind its filter from its first instruction on.
class Child {
 public:
  Child(const tests::Command& command, const std::vector<sock_filter>& filter) {
    std::array<int, 2> sockets{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) fail_with_errno("socketpair");
    std::string pattern = (fs::temp_directory_path() / "bundlesync-gate-XXXXXX").string();
    err_ = ::mkostemp(pattern.data(), O_CLOEXEC);
    if (err_ < 0) fail_with_errno("mkostemp");
    ::unlink(pattern.c_str());
    pid_ = ::fork();
    if (pid_ < 0) fail_with_errno("fork");
    if (pid_ == 0) become(command, filter, sockets[1]);
    ::close(sockets[1]);
    listener_ = receive_descriptor(sockets[0]);
    ::close(sockets[0]);
  }
  ~Child() {
    if (!code_) {
      ::kill(pid_, SIGKILL);
      (void)wait();
    }
    ::close(listener_);
    ::close(err_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int listener() const { return listener_; }
  void kill() const { ::kill(pid_, SIGKILL); }
  int wait() {
    if (code_) return *code_;
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    code_ = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    return *code_;
  }
  std::string err() const {
    std::string text;
    std::array<char, 4096> piece{};
    for (off_t at = 0;;) {
      const ssize_t count = ::pread(err_, piece.data(), piece.size(), at);
      if (count <= 0) return text;
      text.append(piece.data(), static_cast<std::size_t>(count));
      at += count;
    }
  }

 private:
  [[noreturn]] void become(const tests::Command& command, const std::vector<sock_filter>& filter, int socket) const {
    std::vector<std::string> entries;
    for (const auto& [name, value] : command.environment) entries.push_back(name + "=" + value);
    std::vector<char*> words;
    std::vector<char*> environment;
    for (const auto& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
    for (auto& entry : entries) environment.push_back(entry.data());
    words.push_back(nullptr);
    environment.push_back(nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = ::open("/dev/null", O_RDWR);
    if (::chdir("/") != 0 || ::dup2(null, 0) < 0 || ::dup2(null, 1) < 0 || ::dup2(err_, 2) < 0) ::_exit(126);
    sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) ::_exit(126);
    const auto listener = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener < 0) ::_exit(126);
    send_descriptor(socket, static_cast<int>(listener));
    ::fcntl(static_cast<int>(listener), F_SETFD, FD_CLOEXEC);
    ::execve(words[0], words.data(), environment.data());
    ::_exit(127);
  }

  pid_t pid_ = -1;
  int err_ = -1;
  int listener_ = -1;
  std::optional<int> code_;
};

/// Which file a stopped call means.
class Stopped {
 public:
  explicit Stopped(const seccomp_notif& asked) : asked_(asked) {
    for (const auto& call : kCalls) {
      if (call.number == asked.data.nr) kind_ = &call;
    }
  }
  std::string_view name() const { return kind_ ? kind_->name : "?"; }
  bool below(const std::string& root) const {
    if (!kind_) return false;
    if (is_below(place(kind_->descriptor, kind_->path), root)) return true;
    return kind_->other_path >= 0 && is_below(place(kind_->other_descriptor, kind_->other_path), root);
  }

 private:
  static bool is_below(const std::string& path, const std::string& root) {
    return path == root || path.starts_with(root + "/") || path.starts_with(root + " (deleted)");
  }
  std::string link(const std::string& name) const {
    std::array<char, 4096> target{};
    const std::string path = "/proc/" + std::to_string(asked_.pid) + "/" + name;
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    return size < 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(size));
  }
  std::string text(std::uint64_t address) const {
    std::array<char, 4096> bytes{};
    // Not beyond the page: what follows may not be mapped.
    const std::size_t most = 4096 - address % 4096;
    iovec here{bytes.data(), most};
    iovec there{reinterpret_cast<void*>(address), most};
    ssize_t size = ::process_vm_readv(static_cast<pid_t>(asked_.pid), &here, 1, &there, 1, 0);
    if (size < 0) return {};
    std::string found(bytes.data(), ::strnlen(bytes.data(), static_cast<std::size_t>(size)));
    if (found.size() == most) found += text(address + most);
    return found;
  }
  std::string place(int descriptor, int path) const {
    const std::string name = path < 0 ? std::string() : text(asked_.data.args[path]);
    if (name.starts_with('/')) return name;
    const bool here = descriptor == kCwd || static_cast<int>(asked_.data.args[descriptor]) == AT_FDCWD;
    const std::string directory =
        here ? link("cwd") : link("fd/" + std::to_string(static_cast<int>(asked_.data.args[descriptor])));
    return name.empty() ? directory : directory + "/" + name;
  }

  const seccomp_notif& asked_;
  const CallKind* kind_ = nullptr;
};

/// Answers one call after the other until the program has ended.
class Supervisor {
 public:
  Supervisor(Child& child, const std::string& root, const Fault& fault, std::chrono::milliseconds patience)
      : child_(child), root_(root), fault_(fault), give_up_(Clock::now() + patience) {}

  GatedRun run() {
    while (const auto asked = next()) {
      if (!answer(*asked)) break;
    }
    run_.code = child_.wait();
    run_.err = child_.err();
    return std::move(run_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Nothing when the program is over, by itself or by our hand.
  std::optional<seccomp_notif> next() {
    for (;;) {
      const auto limit = kill_at_ ? std::min(*kill_at_, give_up_) : give_up_;
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(limit - Clock::now()).count();
      pollfd wait{child_.listener(), POLLIN, 0};
      const int ready = ::poll(&wait, 1, static_cast<int>(std::max<long>(left, 0)));
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0) {
        run_.stuck = !kill_at_;
        child_.kill();
        return std::nullopt;
      }
      if ((wait.revents & POLLIN) == 0) return std::nullopt;  // nobody is left behind the filter
      seccomp_notif asked{};
      if (::ioctl(child_.listener(), SECCOMP_IOCTL_NOTIF_RECV, &asked) == 0) return asked;
      if (errno != EINTR && errno != ENOENT) return std::nullopt;
    }
  }

  /// False when the program was killed.
  bool answer(const seccomp_notif& asked) {
    if (kill_at_) {  // another thread's, or the one after the call that had to be done
      child_.kill();
      return false;
    }
    int error = 0;
    const Stopped stopped(asked);
    if (stopped.below(root_)) {
      ++run_.calls;
      const bool lasting = fault_.kind == Fault::Kind::error_lasting && run_.calls > fault_.at;
      const bool now = fault_.kind != Fault::Kind::none && run_.calls == fault_.at;
      if (now) {
        run_.fired = true;
        run_.call = stopped.name();
        if (fault_.kind == Fault::Kind::kill_before) {
          if (fault_.first) fault_.first();
          child_.kill();
          return false;
        }
        if (fault_.kind == Fault::Kind::kill_after) kill_at_ = Clock::now() + std::chrono::milliseconds(3);
      }
      if (lasting || (now && fault_.kind != Fault::Kind::kill_after)) error = fault_.error;
    }
    seccomp_notif_resp response{};
    response.id = asked.id;
    response.error = -error;
    if (error == 0) response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    (void)::ioctl(child_.listener(), SECCOMP_IOCTL_NOTIF_SEND, &response);
    return true;
  }

  Child& child_;
  const std::string& root_;
  const Fault& fault_;
  const Clock::time_point give_up_;
  std::optional<Clock::time_point> kill_at_;
  GatedRun run_;
};

}  // namespace

GatedRun run_gated(const tests::Command& command, const fs::path& root, const Fault& fault,
                   std::chrono::milliseconds patience) {
  static const std::vector<sock_filter> filter = make_filter();
  Child child(command, filter);
  const std::string below = root.string();
  return Supervisor(child, below, fault, patience).run();
}

}  // namespace bundlesync::rigs
