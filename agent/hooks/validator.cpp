#include "hooks/validator.hpp"

#include "base/utf8.hpp"

namespace bundlesync::hooks {

std::string first_line(std::string_view said) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = said.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  said.remove_prefix(begin);
  said = said.substr(0, said.find('\n')).substr(0, said_bytes_max);
  said = said.substr(0, said.find_last_not_of(kSpace) + 1);
  std::string line;
  while (!said.empty()) {
    const auto character = utf8_front(said);
    const std::size_t size = character ? character->bytes : 1;
    const bool is_control =
        character && (character->code < 0x20 || (character->code >= 0x7f && character->code < 0xa0));
    line += character && !is_control ? said.substr(0, size) : "?";
    said.remove_prefix(size);
  }
  return line;
}

}  // namespace bundlesync::hooks
