#include "base/utf8.hpp"

#include <array>
#include <cstdint>

namespace bundlesync {

std::optional<Utf8Character> utf8_front(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return Utf8Character{first, 1};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (bytes == 0 || first > 0xf4 || text.size() < bytes) return std::nullopt;
  char32_t code = first & (0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return std::nullopt;
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[bytes] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return std::nullopt;
  return Utf8Character{code, bytes};
}

std::optional<std::size_t> utf8_problem(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto character = utf8_front(text.substr(at));
    if (!character) return at;
    at += character->bytes;
  }
  return std::nullopt;
}

}  // namespace bundlesync
