#pragma once

#include "settings/option.hpp"

namespace bundlesync::settings {

inline constexpr std::size_t targets_max = 64;

/// [{"path": "/prompts/med", "templates": ["section7*"], "name": "med"}, …] as a value. A name that is not given is the
/// path's last part. Errors (usage) say which of them is wrong, and how.
Result<Value> parse_targets(std::string_view text);

}  // namespace bundlesync::settings
