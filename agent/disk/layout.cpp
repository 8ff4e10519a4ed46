#include "disk/layout.hpp"

#include "base/random.hpp"
#include "bundle/path_rules.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <mutex>

namespace bundlesync::disk::layout {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

const std::string view_prefix = std::string(own_dir) + "/" + std::string(views_dir) + "/";
const std::string tree_prefix = "../../" + std::string(trees_dir) + "/";

constexpr std::size_t digest_digits = 12;
constexpr std::size_t suffix_digits_max = 6;

/// The length of the version in a tree's name; 0 when it is no such name.
std::size_t version_length(std::string_view name) {
  const auto all_digits = [](std::string_view text) {
    return !text.empty() && text.size() <= suffix_digits_max && text[0] != '0' && std::ranges::all_of(text, is_digit);
  };
  const auto good = [](std::string_view base) {
    if (base.size() < digest_digits + 2) return false;
    const auto version = base.substr(0, base.size() - digest_digits - 1);
    return base[version.size()] == '-' && is_version_label(version) &&
           std::ranges::all_of(base.substr(version.size() + 1), is_lower_hex);
  };
  if (good(name)) return name.size() - digest_digits - 1;
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || !all_digits(name.substr(dot + 1)) || !good(name.substr(0, dot))) return 0;
  return dot - digest_digits - 1;
}

}  // namespace

std::string unique(std::string_view prefix) {
  static std::mutex mutex;
  static Random random(system_seed());
  std::uint64_t number = 0;
  {
    const std::scoped_lock lock(mutex);
    number = random.next();
  }
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(number));
  return std::string(prefix) + hex.data();
}

bool is_unique(std::string_view name, std::string_view prefix) {
  return name.size() == prefix.size() + 16 && name.starts_with(prefix) &&
         std::ranges::all_of(name.substr(prefix.size()), is_lower_hex);
}

std::string view_name(std::uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  return digits;
}

std::optional<std::uint64_t> parse_view_name(std::string_view name) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number == 0) return std::nullopt;
  if (view_name(number) != name) return std::nullopt;
  return number;
}

std::string data_target(std::uint64_t number) {
  return view_prefix + view_name(number);
}

std::optional<std::uint64_t> parse_data_target(std::string_view target) {
  if (!target.starts_with(view_prefix)) return std::nullopt;
  return parse_view_name(target.substr(view_prefix.size()));
}

std::string template_target(std::string_view template_name) {
  return std::string(data_link) + "/" + std::string(template_name);
}

std::string tree_target(const plan::TreeId& tree) {
  return tree_prefix + tree.template_name + "/" + tree.name;
}

std::optional<plan::TreeId> parse_tree_target(std::string_view target) {
  if (!target.starts_with(tree_prefix)) return std::nullopt;
  target.remove_prefix(tree_prefix.size());
  const auto slash = target.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  plan::TreeId tree;
  tree.template_name = target.substr(0, slash);
  tree.name = target.substr(slash + 1);
  if (bundle::name_problem(tree.template_name) || !is_tree_name(tree.name)) return std::nullopt;
  return tree;
}

bool is_version_label(std::string_view version) {
  return !bundle::version_problem(version);
}

bool is_tree_name(std::string_view name) {
  return version_length(name) > 0;
}

std::string_view version_of_tree_name(std::string_view name) {
  return name.substr(0, version_length(name));
}

}  // namespace bundlesync::disk::layout
