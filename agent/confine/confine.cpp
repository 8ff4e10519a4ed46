#include "confine/confine.hpp"

#include <openssl/crypto.h>

#include <cstdlib>
#include <cstring>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace bundlesync::confine {

bool no_core() {
  const rlimit none{0, 0};
  const bool limited = ::setrlimit(RLIMIT_CORE, &none) == 0;
  return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && limited;
}

bool seal_descriptors() {
  constexpr unsigned first_of_others = 3;
  return ::close_range(first_of_others, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

void forget_variables(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    char* value = std::getenv(name.c_str());
    if (value == nullptr) continue;
    OPENSSL_cleanse(value, std::strlen(value));
    ::unsetenv(name.c_str());
  }
}

}  // namespace bundlesync::confine
