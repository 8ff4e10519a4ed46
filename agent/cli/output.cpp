#include "cli/output.hpp"

#include "base/json_read.hpp"
#include "report/line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <ostream>

namespace bundlesync::cli {
namespace {

constexpr std::size_t kCellBytesMax = 400;
constexpr std::size_t kLineBytesMax = 4096;

/// Characters, not bytes: columns stay straight beside "→" or "é".
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

void print_row(std::ostream& out, const std::vector<std::string>& row, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    line += row[i];
    if (i + 1 < row.size()) line += std::string(widths[i] - width(row[i]) + 2, ' ');
  }
  out << line << '\n';
}

}  // namespace

bool wants_colour(const Environment& environment, bool is_terminal) {
  const auto no_colour = environment.find("NO_COLOR");
  return is_terminal && (no_colour == environment.end() || no_colour->second.empty());
}

void print_error(const Streams& streams, const Environment& environment, const Error& error) {
  const bool colour = wants_colour(environment, streams.err_is_terminal);
  streams.err << (colour ? "\x1b[31merror:\x1b[0m " : "error: ") << report::escaped(error.fact(), kLineBytesMax)
              << '\n';
  for (const auto& hint : error.hints()) streams.err << "hint: " << report::escaped(hint, kLineBytesMax) << '\n';
}

void print_note(const Streams& streams, std::string_view text) {
  streams.err << "note: " << report::escaped(text, kLineBytesMax) << '\n';
}

std::string shown(std::string_view text) {
  return text.empty() ? "-" : report::escaped(text, kCellBytesMax);
}

std::string safe_line(std::string_view line) {
  std::string safe;
  while (!line.empty()) {
    const auto tab = std::min(line.find('\t'), line.size());
    safe += report::escaped(line.substr(0, tab), line.size());
    line.remove_prefix(tab);
    if (line.empty()) break;
    safe += '\t';
    line.remove_prefix(1);
  }
  return safe;
}

void Table::add(std::vector<std::string> row) {
  assert(row.size() == header_.size());
  for (auto& cell : row) cell = shown(cell);
  rows_.push_back(std::move(row));
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  for (const auto& title : header_) widths.push_back(width(title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  print_row(out, header_, widths);
  for (const auto& row : rows_) print_row(out, row, widths);
}

boost::json::object document() {
  boost::json::object object;
  object["schema_version"] = json_schema_version;
  return object;
}

void print_json(std::ostream& out, const boost::json::object& document) {
  out << json::pretty(document);
}

boost::json::value text_or_null(std::string_view text) {
  if (text.empty()) return nullptr;
  return boost::json::value(text);
}

boost::json::array texts(std::span<const std::string> list) {
  boost::json::array array;
  for (const auto& text : list) array.emplace_back(text);
  return array;
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

void Progress::show(std::string_view text) {
  if (!streams_.err_is_terminal) return;
  streams_.err << "\r\x1b[K" << report::escaped(text, 100) << std::flush;
  visible_ = true;
}

void Progress::show(std::uint64_t done, std::uint64_t total, std::string_view text) {
  constexpr std::uint64_t width = 24;
  const std::uint64_t filled = total == 0 ? 0 : std::min(width, width * done / total);
  const std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
  show(fmt::format("[{}] {}/{} {}", bar, done, total, text));
}

void Progress::clear() {
  if (!visible_) return;
  streams_.err << "\r\x1b[K" << std::flush;
  visible_ = false;
}

}  // namespace bundlesync::cli
