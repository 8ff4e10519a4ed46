#pragma once

#include "bundle/bundle.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::cli {

/// How near a file's locale is to the one that was asked for.
enum class LocaleMatch {
  any,             ///< none was asked for
  exact,           ///< it is the one
  language,        ///< its language: fr for fr-CA
  default_locale,  ///< the manifest's default_locale
  none             ///< a file without a locale
};
std::string_view to_string(LocaleMatch match);

struct Choice {
  const bundle::File* file = nullptr;
  LocaleMatch locale = LocaleMatch::any;
};

/// The files of this kind and role (empty: any), in the bundle's order. With a locale: of each kind and role the files
/// of the nearest locale there is, in the order of LocaleMatch; a kind that has none of them is left out.
std::vector<Choice> choose(const bundle::Bundle& bundle, std::string_view kind, std::string_view role,
                           std::string_view locale);

}  // namespace bundlesync::cli
