#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

/// UTF-8 by RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF.
namespace bundlesync {

struct Utf8Character {
  char32_t code = 0;
  std::size_t bytes = 0;
};

/// The character at the front of a text that is not empty; nothing where there is no valid UTF-8.
std::optional<Utf8Character> utf8_front(std::string_view text);

/// Offset of the first byte that is no UTF-8; nothing when all of it is.
std::optional<std::size_t> utf8_problem(std::string_view text);

}  // namespace bundlesync
