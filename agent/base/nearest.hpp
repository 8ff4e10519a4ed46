#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace bundlesync {

/// The candidate that somebody who wrote `word` most likely meant: the fewest edits, a swap of two neighbours being
/// one, at most a third of the word and at most 3; nothing when none is that near. The first of equals.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace bundlesync
