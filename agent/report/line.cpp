#include "report/line.hpp"

#include "base/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace bundlesync::report {
namespace {

/// Controls, and what makes a terminal or editor show a line other than it is: separators, marks and overrides of
/// direction, zero-width characters.
bool misleads(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x2069) || code == 0xfeff;
}

std::string escape(char32_t code) {
  if (code == U'\n') return "\\n";
  if (code == U'\r') return "\\r";
  if (code == U'\t') return "\\t";
  const auto number = static_cast<std::uint32_t>(code);
  return code < 0x80 ? fmt::format("\\x{:02x}", number) : fmt::format("\\u{{{:x}}}", number);
}

bool reads_back_unquoted(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == ' ' || c == '"' || c == '\\' || c == '='; });
}

enum class Quotes { none, around };

std::string escape_all(std::string_view text, std::size_t bytes_max, Quotes quotes) {
  std::string result;
  std::size_t taken = 0;
  while (taken < text.size()) {
    const auto character = utf8_front(text.substr(taken));
    const std::size_t bytes = character ? character->bytes : 1;
    if (taken + bytes > bytes_max) {
      result += "…";
      break;
    }
    if (!character) {
      result += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text[taken]));
    } else if (misleads(character->code)) {
      result += escape(character->code);
    } else {
      if (quotes == Quotes::around && (character->code == U'"' || character->code == U'\\')) result += '\\';
      result += text.substr(taken, bytes);
    }
    taken += bytes;
  }
  return result;
}

std::string in_quotes(std::string_view text, std::size_t bytes_max) {
  return '"' + escape_all(text, bytes_max, Quotes::around) + '"';
}

constexpr std::array<std::string_view, 4> kOwnKeys{"template", "version", "reason", "next_try"};

/// key=value, space, key=value …, each key a plain word that no line of ours begins with, each value unquoted.
bool is_pairs(std::string_view detail) {
  if (detail.empty() || detail.size() > prose_bytes_max || escaped(detail, detail.size()) != detail) return false;
  while (!detail.empty()) {
    const std::size_t end = std::min(detail.find(' '), detail.size());
    const std::string_view pair = detail.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == pair.size()) return false;
    const std::string_view key = pair.substr(0, equals);
    const bool word = std::ranges::all_of(key, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    if (!word || std::ranges::find(kOwnKeys, key) != kOwnKeys.end()) return false;
    if (!reads_back_unquoted(pair.substr(equals + 1))) return false;
    detail.remove_prefix(std::min(end + 1, detail.size()));
  }
  return true;
}

}  // namespace

std::string escaped(std::string_view text, std::size_t bytes_max) {
  return escape_all(text, bytes_max, Quotes::none);
}

std::string quoted(std::string_view text, std::size_t bytes_max) {
  if (text.empty()) return "-";
  if (text != "-" && reads_back_unquoted(text) && escaped(text, bytes_max) == text) return std::string(text);
  return in_quotes(text, bytes_max);
}

std::string seconds(std::chrono::duration<double> duration) {
  const double value = duration.count();
  std::string text = value < 10    ? fmt::format("{:.3f}", value)
                     : value < 100 ? fmt::format("{:.1f}", value)
                                   : fmt::format("{:.0f}", value);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text + 's';
}

Line& Line::add(std::string_view key, std::string_view value) {
  text_ += fmt::format(" {}={}", quoted(key), quoted(value));
  return *this;
}

Line& Line::prose(std::string_view key, std::string_view text) {
  text_ += fmt::format(" {}={}", key, in_quotes(text, prose_bytes_max));
  return *this;
}

Line& Line::detail(std::string_view detail) {
  if (detail.empty()) return *this;
  if (!is_pairs(detail)) return prose("detail", detail);
  text_ += ' ';
  text_ += detail;
  return *this;
}

}  // namespace bundlesync::report
