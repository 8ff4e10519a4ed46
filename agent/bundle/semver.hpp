#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::bundle {

/// A version by semver.org 2.0.0. Numbers are kept as digits: the specification gives them no upper bound.
struct Semver {
  std::string major;
  std::string minor;
  std::string patch;
  std::vector<std::string> prerelease;  ///< "rc", "1" of "1.0.0-rc.1"
  std::string build;                    ///< "linux" of "1.0.0+linux"; counts for nothing in precedence
};

std::optional<Semver> parse_semver(std::string_view text);

/// Precedence (semver.org 2.0.0, 11): "1.0.0-rc.1" < "1.0.0"; versions that differ in build only are equal.
std::strong_ordering compare_precedence(const Semver& a, const Semver& b);

/// A total order for lists: what is no semver comes first, by its bytes; then by precedence, then by bytes.
bool version_less(std::string_view a, std::string_view b);

}  // namespace bundlesync::bundle
