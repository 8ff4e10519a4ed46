#include "base/units.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

namespace bundlesync {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array durations = {Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000}, Unit{"h", 3'600'000},
                                  Unit{"d", 86'400'000}};
constexpr std::array sizes = {Unit{"B", 1}, Unit{"KiB", 1ULL << 10}, Unit{"MiB", 1ULL << 20}, Unit{"GiB", 1ULL << 30},
                              Unit{"TiB", 1ULL << 40}};

// So that every duration also fits nanoseconds in 64 bits, which clocks count in.
constexpr std::uint64_t duration_ms_max = std::numeric_limits<std::int64_t>::max() / 1'000'000;
constexpr std::uint64_t size_bytes_max = std::numeric_limits<std::int64_t>::max();

constexpr const char* duration_hint = "write a whole number and one of ms, s, m, h, d, as in 30s";
constexpr const char* size_hint = "write a whole number and one of B, KiB, MiB, GiB, TiB, as in 512MiB";

struct Quantity {
  std::string what;  ///< "duration" or "size", for the error
  std::span<const Unit> units;
  std::string_view bare_unit;  ///< what a number alone means; empty: refused
  std::uint64_t max;
  const char* hint;
};

std::string quoted(const Quantity& quantity, std::string_view text) {
  return quantity.what + " '" + std::string(text) + "'";
}

Result<std::uint64_t> parse(std::string_view text, const Quantity& quantity) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::invalid_argument) {
    return fail(ErrorKind::usage, quoted(quantity, text) + " does not begin with a whole number", quantity.hint);
  }
  const bool number_too_large = error == std::errc::result_out_of_range;
  std::string_view name(rest, static_cast<std::size_t>(end - rest));
  if (name.starts_with(' ')) name.remove_prefix(1);
  if (name.empty()) name = quantity.bare_unit;
  if (name.empty()) return fail(ErrorKind::usage, quoted(quantity, text) + " has no unit", quantity.hint);
  if (name.starts_with('.')) {
    return fail(ErrorKind::usage, quoted(quantity, text) + " is no whole number of units", quantity.hint);
  }
  for (const auto& unit : quantity.units) {
    if (unit.name != name) continue;
    if (number_too_large || number > quantity.max / unit.factor) {
      return fail(ErrorKind::usage, quoted(quantity, text) + " is too large");
    }
    return number * unit.factor;
  }
  return fail(ErrorKind::usage, quoted(quantity, text) + " has an unknown unit '" + std::string(name) + "'",
              quantity.hint);
}

std::string format(std::uint64_t value, std::span<const Unit> units, std::string_view zero) {
  if (value == 0) return std::string(zero);
  const Unit* best = &units.front();
  for (const auto& unit : units) {
    if (value % unit.factor == 0) best = &unit;
  }
  return std::to_string(value / best->factor) + std::string(best->name);
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = parse(text, {"duration", durations, "", duration_ms_max, duration_hint});
  if (!value) return fail(value.error());
  return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
}

std::string format_duration(std::chrono::milliseconds duration) {
  // Days are read but not written: "24h" is how the documents say it.
  const auto value = static_cast<std::uint64_t>(duration.count() < 0 ? 0 : duration.count());
  return format(value, std::span(durations).first(4), "0s");
}

Result<std::uint64_t> parse_size(std::string_view text) {
  return parse(text, {"size", sizes, "B", size_bytes_max, size_hint});
}

std::string format_size(std::uint64_t bytes) {
  return format(bytes, sizes, "0B");
}

}  // namespace bundlesync
