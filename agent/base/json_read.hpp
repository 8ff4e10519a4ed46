#pragma once

#include "base/digest.hpp"
#include "base/error.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reading JSON that somebody else wrote, strictly. All errors are `refused` with one of the reasons json_invalid,
/// json_too_large, json_too_deep, json_duplicate_key, json_missing_key, json_unknown_key, json_wrong_type.
namespace bundlesync::json {

struct Limits {
  std::size_t bytes_max = 8 << 20;
  std::size_t depth_max = 8;
};

/// `name` is what the text is called in errors ("manifest.json"). Refuses a key twice in one object (which most readers
/// let pass, each with another winner), comments, trailing commas, invalid UTF-8, anything after the value.
Result<boost::json::value> parse(std::string_view text, std::string_view name, const Limits& limits = {});

/// Reads one object member by member. The first thing that is wrong is kept and told by finish(); until then a getter
/// gives an empty value, so reading needs no check a line. Every key that was not asked for is unknown.
class ObjectReader {
 public:
  /// `where` names the object in errors: "manifest.json", "manifest.json: artifacts[2]". `value` must outlive the
  /// reader.
  ObjectReader(const boost::json::value& value, std::string where);

  bool has(std::string_view key);                   ///< there and not null
  std::string text(std::string_view key);           ///< required
  std::string text_or_empty(std::string_view key);  ///< missing and null are empty
  std::uint64_t number(std::string_view key);       ///< required, a whole number from 0 to 2^63-1
  std::optional<std::uint64_t> optional_number(std::string_view key);
  std::optional<bool> optional_boolean(std::string_view key);
  Digest digest(std::string_view key);  ///< required, 64 lower-case hex digits
  std::optional<Digest> optional_digest(std::string_view key);
  /// Its elements; missing and null are none.
  std::vector<const boost::json::value*> elements(std::string_view key);
  /// Any value, required; null counts as one. nullptr after an error.
  const boost::json::value* value(std::string_view key);

  /// Lets the caller add what it found wrong itself; the first error wins.
  void reject(Error error);
  bool ok() const { return !error_; }
  /// "where.key", for errors about it.
  std::string at(std::string_view key) const;
  /// The first error, an unknown key included.
  Result<void> finish();

 private:
  const boost::json::value* find(std::string_view key);
  const boost::json::value* require(std::string_view key);
  void wrong_type(std::string_view key, const boost::json::value& value, std::string_view wanted);

  const boost::json::object* object_ = nullptr;
  std::string where_;
  std::vector<std::string_view> asked_;
  std::optional<Error> error_;
};

/// "a string", "an object", "null", …
std::string_view type_name(const boost::json::value& value);

/// Two-space indented JSON with a final newline, for files that people read too. Keys keep their order.
std::string pretty(const boost::json::value& value);

}  // namespace bundlesync::json
