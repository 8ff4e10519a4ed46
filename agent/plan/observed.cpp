#include "plan/observed.hpp"

#include <array>
#include <utility>

namespace bundlesync::plan {
namespace {
constexpr std::array<std::pair<Source, const char*>, 4> kSources{{
    {Source::remote, "remote"},
    {Source::cache, "cache"},
    {Source::local, "local"},
    {Source::filesystem, "filesystem"},
}};
}  // namespace

const char* to_string(Source source) {
  for (const auto& [value, text] : kSources) {
    if (value == source) return text;
  }
  return "unknown";
}

std::optional<Source> parse_source(std::string_view text) {
  for (const auto& [value, name] : kSources) {
    if (text == name) return value;
  }
  return std::nullopt;
}

}  // namespace bundlesync::plan
