#include "confine/confine.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

// By hand, for the list is all there is to it: no argument is looked at. What is allowed is not listed: libc, OpenSSL
// and libpq may need another call tomorrow, and an agent that dies of that keeps nobody's promise.
namespace bundlesync::confine {
namespace {

#if defined(__x86_64__)
constexpr unsigned kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr unsigned kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr unsigned kArchitecture = 0;
#endif

/// x32 calls have this bit: the same calls under other numbers.
constexpr unsigned kX32Bit = 0x40000000U;

constexpr std::array kRefused = {
// other processes
#ifndef __SANITIZE_ADDRESS__  // which stops the threads of a process that ends so, to look for leaks
    SYS_ptrace,
#endif
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd, SYS_kcmp, SYS_process_madvise,
    // mounts, namespaces, roots
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns, SYS_open_tree, SYS_move_mount,
    SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_swapon, SYS_swapoff, SYS_quotactl,
    SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_mknodat,
    // the kernel
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_bpf, SYS_perf_event_open,
    SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_syslog, SYS_acct,
    SYS_personality, SYS_nfsservctl, SYS_lookup_dcookie,
    // keys, clocks, names
    SYS_add_key, SYS_request_key, SYS_keyctl, SYS_clock_settime, SYS_settimeofday, SYS_adjtimex, SYS_clock_adjtime,
    SYS_sethostname, SYS_setdomainname,
    // who we are
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setgroups, SYS_capset};
constexpr std::array kRunning = {SYS_execve, SYS_execveat};

sock_filter statement(int code, unsigned value) {
  return sock_filter{static_cast<unsigned short>(code), 0, 0, value};
}
/// Skips `skip` statements unless the value is equal.
sock_filter unless_equal(unsigned value, unsigned char skip) {
  return sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, skip, value};
}

std::vector<sock_filter> filter(bool may_run_programs) {
  const auto refuse = statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
  std::vector<sock_filter> program = {
      statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, kArchitecture},
      refuse,  // another architecture's calls
      statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
#if defined(__x86_64__)
  program.push_back(sock_filter{BPF_JMP | BPF_JGE | BPF_K, 0, 1, kX32Bit});
  program.push_back(refuse);
#endif
  const auto refuse_call = [&](long number) {
    program.push_back(unless_equal(static_cast<unsigned>(number), 1));
    program.push_back(refuse);
  };
  for (const long number : kRefused) refuse_call(number);
  if (!may_run_programs) {
    for (const long number : kRunning) refuse_call(number);
  }
  program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return program;
}

}  // namespace

bool refuse_system_calls(bool may_run_programs) {
  if (kArchitecture == 0) return false;
  std::vector<sock_filter> statements = filter(may_run_programs);
  const sock_fprog program{static_cast<unsigned short>(statements.size()), statements.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  // For every thread that there is.
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

}  // namespace bundlesync::confine
