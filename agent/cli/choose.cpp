#include "cli/choose.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace bundlesync::cli {
namespace {

/// "fr" of "fr-CA" and "fr_CA"
std::string_view language_of(std::string_view locale) {
  return locale.substr(0, locale.find_first_of("-_"));
}

std::optional<LocaleMatch> match(const bundle::File& file, const bundle::Bundle& bundle, std::string_view wanted) {
  if (wanted.empty()) return LocaleMatch::any;
  if (file.locale == wanted) return LocaleMatch::exact;
  if (file.locale.empty()) return LocaleMatch::none;
  if (file.locale == language_of(wanted)) return LocaleMatch::language;
  if (file.locale == bundle.default_locale) return LocaleMatch::default_locale;
  return std::nullopt;
}

}  // namespace

std::string_view to_string(LocaleMatch match) {
  switch (match) {
    case LocaleMatch::any:
      return "any";
    case LocaleMatch::exact:
      return "exact";
    case LocaleMatch::language:
      return "language";
    case LocaleMatch::default_locale:
      return "default_locale";
    case LocaleMatch::none:
      return "none";
  }
  return "";
}

std::vector<Choice> choose(const bundle::Bundle& bundle, std::string_view kind, std::string_view role,
                           std::string_view locale) {
  using Sort = std::pair<std::string_view, std::string_view>;
  std::vector<Choice> choices;
  std::map<Sort, LocaleMatch> nearest;
  for (const auto& file : bundle.files) {
    if (!kind.empty() && file.kind != kind) continue;
    if (!role.empty() && file.role != role) continue;
    const auto matched = match(file, bundle, locale);
    if (!matched) continue;
    choices.push_back(Choice{&file, *matched});
    const auto [best, first] = nearest.emplace(Sort(file.kind, file.role), *matched);
    if (!first) best->second = std::min(best->second, *matched);
  }
  std::erase_if(choices, [&](const Choice& choice) {
    return choice.locale != nearest.at(Sort(choice.file->kind, choice.file->role));
  });
  return choices;
}

}  // namespace bundlesync::cli
