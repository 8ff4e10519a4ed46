#include "confine/confine.hpp"

#include <cstdint>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace bundlesync::confine {
namespace {

constexpr int kAbiWithRefer = 2;
constexpr int kAbiWithTruncate = 3;
// Headers may be older than the kernel.
constexpr std::uint64_t kRefer = 1ULL << 13;
constexpr std::uint64_t kTruncate = 1ULL << 14;

std::uint64_t writing(int abi) {
  std::uint64_t access = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                         LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                         LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                         LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM | kRefer;
  if (abi >= kAbiWithTruncate) access |= kTruncate;
  return access;
}

class Descriptor {
 public:
  explicit Descriptor(long number) : number_(static_cast<int>(number)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

}  // namespace

int write_only_beneath(const std::vector<std::string>& directories) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  const int abi = static_cast<int>(version);
  if (abi < kAbiWithRefer) return 0;
  landlock_ruleset_attr ruleset_about{};
  ruleset_about.handled_access_fs = writing(abi);
  const Descriptor ruleset(
      ::syscall(SYS_landlock_create_ruleset, &ruleset_about, sizeof ruleset_about.handled_access_fs, 0));
  if (!ruleset) return 0;
  for (const auto& directory : directories) {
    const Descriptor target(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!target) return 0;
    landlock_path_beneath_attr beneath{};
    beneath.allowed_access = writing(abi);
    beneath.parent_fd = target.get();
    if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0) return 0;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 0;
  return ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0 ? abi : 0;
}

}  // namespace bundlesync::confine
