#include "storage/key_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace bundlesync::storage {
namespace {

bool is_control(char byte) {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
}

std::optional<std::string_view> segment_problem(std::string_view segment) {
  if (segment.empty()) return "it has an empty segment";
  if (segment == "." || segment == "..") return "it has a segment '.' or '..'";
  if (segment.starts_with(".bundlesync-"))
    return "a segment begins with '.bundlesync-', the mark of unfinished uploads";
  if (segment.size() > key_segment_bytes_max) return "a segment is longer than 255 bytes";
  return std::nullopt;
}

std::optional<std::string_view> key_problem(std::string_view key) {
  if (key.empty()) return "it is empty";
  if (key.size() > key_bytes_max) return "it is longer than 1024 bytes";
  if (std::ranges::any_of(key, is_control)) return "it holds a control byte";
  if (key.find_first_of("\\%:?#") != std::string_view::npos) return R"(it holds one of \ % : ? #)";
  if (key.front() == '/') return "it is absolute";

  for (std::size_t begin = 0; begin <= key.size();) {
    const std::size_t end = std::min(key.find('/', begin), key.size());
    if (auto problem = segment_problem(key.substr(begin, end - begin))) return problem;
    begin = end + 1;
  }
  return std::nullopt;
}

}  // namespace

Result<void> check_key(std::string_view key) {
  const auto problem = key_problem(key);
  if (!problem) return {};
  return fail(Error(ErrorKind::refused, fmt::format("the storage key {} is invalid: {}", quoted_key(key), *problem),
                    "a key is <template>/v<version>/<path>, relative and without escapes")
                  .with_reason("key_invalid"));
}

std::string quoted_key(std::string_view key) {
  constexpr std::size_t shown_max = 120;
  std::string text = "'";
  for (const char byte : key.substr(0, shown_max)) {
    if (is_control(byte)) {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    } else {
      text += byte;
    }
  }
  if (key.size() > shown_max) text += fmt::format("… ({} bytes)", key.size());
  return text + "'";
}

}  // namespace bundlesync::storage
