#pragma once

#include <string>
#include <vector>

/// What the process gives up before it talks to anybody. Everything is for good, and what threads and children come
/// later inherits it. A kernel that does not know one of these is no error: the rest holds.
namespace bundlesync::confine {

/// No core dumps (PR_SET_DUMPABLE, RLIMIT_CORE): neither they nor /proc/PID/{environ,mem,fd} show our secrets to
/// another process of this user. False where the kernel refuses.
bool no_core();

/// No program that is ever run here gets a descriptor that somebody left open for us. False where the kernel is too
/// old.
bool seal_descriptors();

/// Writes zeros over these variables' values where the kernel shows them (/proc/PID/environ), and unsets them.
/// Before there are other threads.
void forget_variables(const std::vector<std::string>& names);

/// System calls that an agent never needs and an intruder would like fail with EPERM from now on (seccomp): tracing and
/// reading other processes, mounts and namespaces, modules, keyrings, BPF, io_uring, the clock, and running programs
/// unless `may_run_programs`. Sets no_new_privs. False where the kernel has no seccomp.
bool refuse_system_calls(bool may_run_programs);

/// Nothing outside `directories` can be made, written, renamed or removed from now on (Landlock); reading stays as it
/// is. Sets no_new_privs. The kernel's Landlock ABI; 0 where it has none, or one that cannot express this (before 2,
/// which knows no renames between directories).
int write_only_beneath(const std::vector<std::string>& directories);

}  // namespace bundlesync::confine
