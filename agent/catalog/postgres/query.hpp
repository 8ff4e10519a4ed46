#pragma once

#include "catalog/postgres/session.hpp"

#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// Rows as plain texts, for the statements of catalog_sql.hpp.
namespace bundlesync::catalog {

class Cells {
 public:
  Cells(const Rows& rows, std::size_t row) {
    for (std::size_t column = 0; column < rows.columns(); ++column) cells_.push_back(rows.value(row, column));
  }
  std::string text(std::size_t column) const { return cells_.at(column).value_or(""); }  ///< empty for null
  std::string text_or(std::size_t column, std::string_view otherwise) const {
    return cells_.at(column).value_or(std::string(otherwise));
  }
  bool flag(std::size_t column) const { return text(column) == "t"; }
  std::uint64_t number(std::size_t column) const {  ///< 0 for null and for what is no whole number
    const std::string digits = text(column);
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }

 private:
  std::vector<std::optional<std::string>> cells_;
};

inline Result<std::vector<Cells>> query(Session& session, std::string_view sql,
                                        std::initializer_list<Parameter> parameters) {
  auto rows = session.exec(sql, parameters);
  if (!rows) {
    const std::string& code = rows.error().reason();
    const bool no_schema = code == "42P01" || code == "3F000" || code == "42883" || code == "42703";
    if (!no_schema) return fail(std::move(rows.error()));
    return fail(std::move(rows.error()).with_hint("is the database migrated? bundlesync migrate --status tells"));
  }
  std::vector<Cells> all;
  all.reserve(rows->size());
  for (std::size_t row = 0; row < rows->size(); ++row) all.emplace_back(*rows, row);
  return all;
}

template <class Convert>
auto all(Result<std::vector<Cells>> rows, Convert convert)
    -> Result<std::vector<std::invoke_result_t<Convert, const Cells&>>> {
  if (!rows) return fail(std::move(rows.error()));
  std::vector<std::invoke_result_t<Convert, const Cells&>> converted;
  converted.reserve(rows->size());
  for (const auto& cells : *rows) converted.push_back(convert(cells));
  return converted;
}

/// Like Session::transaction, and waits at most 10 s for rows that somebody else holds.
template <class Work>
std::invoke_result_t<Work> in_transaction(Session& session, Work work) {
  return session.transaction([&]() -> std::invoke_result_t<Work> {
    if (auto limited = session.exec("set local lock_timeout = '10s'"); !limited)
      return fail(std::move(limited.error()));
    return work();
  });
}

}  // namespace bundlesync::catalog
