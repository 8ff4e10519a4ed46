#include "bundle/semver.hpp"

#include <algorithm>

namespace bundlesync::bundle {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_identifier_byte(char c) {
  return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
}
bool is_numeric(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}
bool is_number(std::string_view text) {
  return is_numeric(text) && (text.size() == 1 || text.front() != '0');
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const auto dot = text.find('.');
    parts.emplace_back(text.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    text.remove_prefix(dot + 1);
  }
}

bool are_identifiers(const std::vector<std::string>& parts) {
  return std::ranges::all_of(
      parts, [](const std::string& part) { return !part.empty() && std::ranges::all_of(part, is_identifier_byte); });
}

/// Digits without leading zeros: the longer one is the larger.
std::strong_ordering compare_digits(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a <=> b;
}

std::strong_ordering compare_identifiers(std::string_view a, std::string_view b) {
  const bool a_numeric = is_numeric(a);
  const bool b_numeric = is_numeric(b);
  if (a_numeric && b_numeric) return compare_digits(a, b);
  if (a_numeric != b_numeric) return a_numeric ? std::strong_ordering::less : std::strong_ordering::greater;
  return a <=> b;
}

}  // namespace

std::optional<Semver> parse_semver(std::string_view text) {
  Semver version;
  if (const auto plus = text.find('+'); plus != std::string_view::npos) {
    version.build = text.substr(plus + 1);
    if (!are_identifiers(split(version.build))) return std::nullopt;
    text = text.substr(0, plus);
  }
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    version.prerelease = split(text.substr(dash + 1));
    if (!are_identifiers(version.prerelease)) return std::nullopt;
    for (const auto& part : version.prerelease) {
      if (is_numeric(part) && !is_number(part)) return std::nullopt;  // no leading zeros
    }
    text = text.substr(0, dash);
  }
  auto core = split(text);
  if (core.size() != 3 || !std::ranges::all_of(core, [](const auto& part) { return is_number(part); })) {
    return std::nullopt;
  }
  version.major = std::move(core[0]);
  version.minor = std::move(core[1]);
  version.patch = std::move(core[2]);
  return version;
}

std::strong_ordering compare_precedence(const Semver& a, const Semver& b) {
  if (const auto order = compare_digits(a.major, b.major); order != 0) return order;
  if (const auto order = compare_digits(a.minor, b.minor); order != 0) return order;
  if (const auto order = compare_digits(a.patch, b.patch); order != 0) return order;
  if (a.prerelease.empty() || b.prerelease.empty()) return b.prerelease.size() <=> a.prerelease.size();
  const auto shared = std::min(a.prerelease.size(), b.prerelease.size());
  for (std::size_t i = 0; i < shared; ++i) {
    if (const auto order = compare_identifiers(a.prerelease[i], b.prerelease[i]); order != 0) return order;
  }
  return a.prerelease.size() <=> b.prerelease.size();
}

bool version_less(std::string_view a, std::string_view b) {
  const auto left = parse_semver(a);
  const auto right = parse_semver(b);
  if (left.has_value() != right.has_value()) return !left;
  if (left) {
    if (const auto order = compare_precedence(*left, *right); order != 0) return order < 0;
  }
  return a < b;
}

}  // namespace bundlesync::bundle
