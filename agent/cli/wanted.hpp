#pragma once

#include "base/error.hpp"
#include "plan/observed.hpp"

#include <string>
#include <string_view>

namespace bundlesync::cli {

/// What somebody waits for: a template, in one version or in any.
struct Wanted {
  std::string template_name;
  std::string version;  ///< empty: whichever
  bool operator==(const Wanted&) const = default;
};

/// "T" or "T@V". usage: no template's name, no version's.
Result<Wanted> parse_wanted(std::string_view text);

bool is_shown(const Wanted& wanted, const plan::View& view);

/// "section7 1.1.0", or "section7" for any version
std::string to_string(const Wanted& wanted);

}  // namespace bundlesync::cli
