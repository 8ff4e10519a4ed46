#pragma once

#include <string_view>

namespace bundlesync {

/// Does the text hold `*` or `?`?
bool is_glob(std::string_view text);
/// `*` stands for any bytes, none included, `?` for exactly one; everything else for itself. The whole name must match.
bool glob_match(std::string_view pattern, std::string_view name);

}  // namespace bundlesync
