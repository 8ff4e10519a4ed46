#include "base/json_read.hpp"
#include "settings/documents.hpp"
#include "settings/option.hpp"
#include "settings/target_list.hpp"

#include <boost/json.hpp>

#include <array>
#include <set>

namespace bundlesync::settings {
namespace {

namespace bj = boost::json;

// Patterns judge what parse_value() judges, as far as a pattern can. Anchored, without look-behind: they are read by
// engines of several languages.

std::string digits(std::size_t min, std::size_t max) {
  if (max == 0) return "";
  if (max == 1) return "[0-9]";
  return "[0-9]{" + (min == max ? "" : std::to_string(min) + ",") + std::to_string(max) + "}";
}

/// Decimal numbers from 0 to max, without a sign.
std::string up_to(std::uint64_t max) {
  const std::string last = std::to_string(max);
  std::string pattern = "0*(?:" + last;
  for (std::size_t i = 0; i < last.size(); ++i) {
    if (last[i] == '0') continue;
    pattern += "|" + last.substr(0, i) + "[0-" + static_cast<char>(last[i] - 1) + "]" +
               digits(last.size() - i - 1, last.size() - i - 1);
  }
  if (last.size() > 1) pattern += "|" + digits(1, last.size() - 1);
  return pattern + ")";
}

/// Numbers from min to max, and what follows them.
std::string between(std::uint64_t min, std::uint64_t max, const std::string& then) {
  const std::string too_low = min == 0 ? "" : "(?!" + up_to(min - 1) + then + "$)";
  return too_low + up_to(max) + then;
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array duration_units = {Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000}, Unit{"h", 3'600'000},
                                       Unit{"d", 86'400'000}};
constexpr std::array size_units = {Unit{"B", 1}, Unit{"KiB", 1ULL << 10}, Unit{"MiB", 1ULL << 20},
                                   Unit{"GiB", 1ULL << 30}, Unit{"TiB", 1ULL << 40}};

/// A quantity within the option's range, unit by unit.
std::string quantity(const Option& option, std::span<const Unit> units) {
  std::string pattern;
  for (const auto& unit : units) {
    const std::uint64_t min = (option.min + unit.factor - 1) / unit.factor;
    const std::uint64_t max = option.max / unit.factor;
    if (min > max) continue;
    pattern += (pattern.empty() ? "" : "|") + between(min, max, " ?" + std::string(unit.name));
  }
  return "^(?:" + pattern + ")$";
}

bj::object text_like(std::string pattern) {
  return {{"type", "string"}, {"pattern", std::move(pattern)}};
}

bj::object whole_number(std::uint64_t min, std::uint64_t max) {
  return {{"type", "integer"}, {"minimum", min}, {"maximum", max}};
}

/// What YAML may read as a number or a boolean, and is a text to us.
bj::object any_text() {
  return {{"type", bj::array{"string", "number", "boolean"}}};
}

/// `one`, several with commas between, blanks around each.
std::string list_of(const std::string& one) {
  const std::string padded = R"([ \t\n]*)" + one + R"([ \t\n]*)";
  return "^" + padded + "(?:," + padded + ")*$";
}

bj::array one_or_list(const bj::object& one) {
  return {one, bj::object{{"type", "array"}, {"minItems", 1}, {"items", one}}};
}

const std::string port = "(?!0+(?:[^0-9]|$))" + up_to(65'535);
const std::string name_or_glob = "[a-z0-9*?][a-z0-9._*?-]{0,99}";
const std::string public_key = "ed25519:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=";
const std::string authority = R"((?:\[[0-9A-Fa-f:.]{2,}\]|[A-Za-z0-9._-]+)(?::)" + port + ")?";

bj::array names_schema() {
  bj::array all = one_or_list(text_like(list_of(name_or_glob)));
  all.emplace_back(bj::object{{"type", "integer"}, {"minimum", 0}});  // 7 is a name, too
  return all;
}

/// A program and its arguments.
bj::array words_schema() {
  bj::object list{{"type", "array"}, {"minItems", 1}, {"maxItems", 100}};
  list["items"] = bj::array{text_like("^/")};
  list["additionalItems"] = any_text();
  return {text_like(R"(^[/\[])"), std::move(list)};
}

/// [{path, templates, name}, …], or that as JSON in a text.
bj::array targets_schema() {
  bj::object name{{"type", bj::array{"string", "null"}}};
  bj::object properties;
  properties["path"] = text_like("^/");
  properties["name"] = std::move(name);
  properties["templates"] = bj::object{{"anyOf", names_schema()}};
  bj::object item{{"type", "object"}, {"required", bj::array{"path", "templates"}}, {"additionalProperties", false}};
  item["properties"] = std::move(properties);
  bj::object list{{"type", "array"}, {"minItems", 1}, {"maxItems", targets_max}};
  list["items"] = std::move(item);
  return {text_like(R"(^[ \t\n]*\[)"), std::move(list)};
}

bj::array boolean_schema() {
  bj::object words;
  words["enum"] = {"true", "True", "TRUE", "yes", "on", "1", "false", "False", "FALSE", "no", "off", "0", 1, 0};
  return {bj::object{{"type", "boolean"}}, std::move(words)};
}

/// What an option's value may be, each way it may be written.
bj::array forms(const Option& option) {
  switch (option.type) {
    case Type::boolean:
      return boolean_schema();
    case Type::count:
      return {whole_number(option.min, option.max), text_like("^" + between(option.min, option.max, "") + "$")};
    case Type::duration:
      return {text_like(quantity(option, duration_units))};
    case Type::size:
      return {text_like(quantity(option, size_units)), whole_number(option.min, option.max),
              text_like("^" + between(option.min, option.max, "") + "$")};
    case Type::choice: {
      bj::array choices;
      for (const auto choice : option.choices) choices.emplace_back(choice);
      return {bj::object{{"enum", std::move(choices)}}};
    }
    case Type::path:
      return {text_like("^/")};
    case Type::names:
      return names_schema();
    case Type::keys:
      return one_or_list(text_like(list_of(public_key)));
    case Type::words:
      return words_schema();
    case Type::targets:
      return targets_schema();
    case Type::web_url:
      return {text_like("^https://" + authority + R"((?:[/?][!"$-?A-~]*)?$)"),
              text_like(R"(^http://(?:localhost|\[::1\]|127\.[0-9.]*)(?::)" + port + R"()?(?:[/?][!"$-?A-~]*)?$)")};
    case Type::address:  // some readers of YAML take off for false
      return {text_like(R"(^(?:off|(?:\[[^\]]+\]|[^:\[\]]*):)" + up_to(65'535) + ")$"), bj::object{{"const", false}}};
    case Type::local_url:
      return {text_like(R"(^http://(?:localhost|\[::1\]|127\.[0-9.]*)(?::)" + port + R"()?(?:[/?][!"$-?A-~]*)?$)")};
    case Type::storage_url:
      return {text_like("^(?:file:///[^?#]*|supabase\\+https?://" + authority + "(?:/[^?#]*)?)$")};
    case Type::text:
    case Type::secret:
      return {any_text()};
  }
  return {any_text()};
}

bj::object value_schema(const Option& option) {
  bj::object schema;
  schema["description"] = option.meaning;
  if (!option.standard.empty()) {
    const bool is_boolean = option.type == Type::boolean;
    schema["default"] = is_boolean ? bj::value(option.standard == "true") : bj::value(option.standard);
  }
  bj::array any = forms(option);
  any.emplace_back(bj::object{{"type", "null"}});  // a key without a value counts as not written
  schema["anyOf"] = std::move(any);
  return schema;
}

bj::object file_schema(const Option& option) {
  bj::object schema;
  schema["description"] = "The file that holds " + std::string(option.key) + ". It is read again when it changes.";
  schema["anyOf"] = bj::array{any_text(), bj::object{{"type", "null"}}};
  return schema;
}

bj::object definitions() {
  bj::object all;
  for (const auto& option : options()) {
    all[option.key] = value_schema(option);
    if (option.type == Type::secret) all[std::string(option.key) + "_file"] = file_schema(option);
  }
  return all;
}

/// The map of everything whose key begins with `prefix`: a.b.c may be written as it is, or as b.c in a, or as c in a.b.
bj::object map_schema(const bj::object& keys, const std::string& prefix) {
  bj::object properties;
  std::set<std::string> groups;
  for (const auto& [key, schema] : keys) {
    if (!key.starts_with(prefix)) continue;
    const std::string rest(key.substr(prefix.size()));
    properties[rest] = bj::object{{"$ref", "#/definitions/" + std::string(key)}};
    for (auto dot = rest.find('.'); dot != std::string::npos; dot = rest.find('.', dot + 1)) {
      groups.insert(rest.substr(0, dot));
    }
  }
  for (const auto& group : groups) {
    // `target` has a value of its own: target.strict cannot be nested in it.
    if (!properties.contains(group)) properties[group] = map_schema(keys, prefix + group + ".");
  }
  bj::object schema;
  schema["type"] = bj::array{"object", "null"};
  schema["properties"] = std::move(properties);
  schema["additionalProperties"] = false;
  return schema;
}

}  // namespace

std::string yaml_schema() {
  bj::object schema;
  schema["$schema"] = "http://json-schema.org/draft-07/schema#";
  schema["title"] = "Settings of bundlesync";
  bj::object keys = definitions();
  for (auto& [key, value] : map_schema(keys, "")) schema[key] = value;
  schema["definitions"] = std::move(keys);
  return json::pretty(schema);
}

}  // namespace bundlesync::settings
