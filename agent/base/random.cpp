#include "base/random.hpp"

#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace bundlesync {

std::uint64_t Random::next() {
  // Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (OOPSLA 2014).
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

std::uint64_t system_seed() {
  std::uint64_t seed = 0;
  if (::getentropy(&seed, sizeof seed) != 0) throw std::system_error(errno, std::generic_category(), "getentropy");
  return seed;
}

}  // namespace bundlesync
