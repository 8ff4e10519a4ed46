#include "bundle/placeholders.hpp"

#include <algorithm>

namespace bundlesync::bundle {
namespace {

constexpr std::size_t name_max = 100;

bool begins_name(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}
bool continues_name(char c) {
  return begins_name(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

void skip_spaces(std::string_view& text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
}

/// The name in what follows "{{"; empty where there is none.
std::string_view name_in(std::string_view text) {
  if (!text.empty() && std::string_view("{&#^").find(text.front()) != std::string_view::npos) text.remove_prefix(1);
  skip_spaces(text);
  if (text.empty() || !begins_name(text.front())) return {};
  const auto end = static_cast<std::size_t>(std::ranges::find_if_not(text, continues_name) - text.begin());
  const auto name = text.substr(0, end);
  text.remove_prefix(end);
  skip_spaces(text);
  return text.starts_with("}}") && name.size() <= name_max ? name : std::string_view();
}

}  // namespace

std::set<std::string> placeholders(std::string_view text) {
  std::set<std::string> names;
  for (auto at = text.find("{{"); at != std::string_view::npos; at = text.find("{{", at + 2)) {
    const auto name = name_in(text.substr(at + 2));
    if (!name.empty()) names.emplace(name);
  }
  return names;
}

}  // namespace bundlesync::bundle
