#pragma once

#include "base/error.hpp"
#include "cli/cli.hpp"

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// How the commands speak.
namespace bundlesync::cli {

inline constexpr std::uint64_t json_schema_version = 1;

/// Is colour wanted on a stream that is (or is not) a terminal? NO_COLOR says no (no-color.org).
bool wants_colour(const Environment& environment, bool is_terminal);

/// "error: fact", then its "hint: …" lines.
void print_error(const Streams& streams, const Environment& environment, const Error& error);
/// "note: …": talk that is no error. One line whatever the text.
void print_note(const Streams& streams, std::string_view text);

/// A text from outside as a terminal may show it: one line, no control bytes. "-" for nothing.
std::string shown(std::string_view text);

/// A whole line of somebody's text as a terminal may show it: as it is, but for control bytes other than a tab.
std::string safe_line(std::string_view line);

/// Columns as wide as their widest cell, two spaces between them. Nothing but the header when there are no rows.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  /// As many cells as the header has. Cells are shown().
  void add(std::vector<std::string> row);
  void print(std::ostream& out) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

/// {"schema_version": 1} to add to: what every --json begins with.
boost::json::object document();
void print_json(std::ostream& out, const boost::json::object& document);
/// null for an empty text.
boost::json::value text_or_null(std::string_view text);
boost::json::array texts(std::span<const std::string> list);

/// "1 file", "3 files"
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);

/// One line that is written over while long work goes on; nothing where err is no terminal.
class Progress {
 public:
  explicit Progress(const Streams& streams) : streams_(streams) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(std::string_view text);
  /// A bar before the text: "[######......] 2/4 text".
  void show(std::uint64_t done, std::uint64_t total, std::string_view text);
  void clear();

 private:
  const Streams& streams_;
  bool visible_ = false;
};

}  // namespace bundlesync::cli
