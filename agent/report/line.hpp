#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace bundlesync::report {

inline constexpr std::size_t value_bytes_max = 256;   ///< of one value that a stranger may have chosen: a name, a path
inline constexpr std::size_t prose_bytes_max = 1024;  ///< of one error or hint
inline constexpr std::size_t line_bytes_max = 8192;   ///< of one line of the log

/// The text as one line of the log may carry it: control bytes, bytes that are no UTF-8 and characters that change how
/// a terminal shows what follows become \n, \xNN or \u{NNNN}; at most `bytes_max` of the text are looked at, what is
/// cut off ends in "…". The result never breaks a line, whatever the text.
std::string escaped(std::string_view text, std::size_t bytes_max);

/// `text` as the value of a key: as it is where that reads back unambiguously, else in double quotes; "-" for nothing.
std::string quoted(std::string_view text, std::size_t bytes_max = value_bytes_max);

/// "0.004s", "12.5s", "41s": three digits behind the point below 10 s, one below 100 s, none above; no trailing zeros.
std::string seconds(std::chrono::duration<double> duration);

/// One event: "activate change=812233 view=42 …". Its pairs keep the order in which they were added.
class Line {
 public:
  explicit Line(std::string_view event) : text_(event) {}

  Line& add(std::string_view key, std::string_view value);
  Line& add(std::string_view key, std::unsigned_integral auto value) { return add(key, std::to_string(value)); }
  Line& add(std::string_view key, std::chrono::duration<double> value) { return add(key, seconds(value)); }
  /// A sentence: always quoted, and longer than other values may be.
  Line& prose(std::string_view key, std::string_view text);
  /// `detail` of the plan: "path=a.md want=… got=…" is added as it is, anything else as detail="…".
  Line& detail(std::string_view detail);

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace bundlesync::report
