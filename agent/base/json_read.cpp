#include "base/json_read.hpp"

#include "base/nearest.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <set>

namespace bundlesync::json {
namespace {

namespace bj = boost::json;

/// Sees every key of every object and remembers those of the open ones. Builds nothing.
struct KeyWatch {
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  std::vector<std::set<std::string, std::less<>>> open;
  std::string part;
  std::optional<std::string> twice;

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) {
    open.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, bj::error_code&) {
    open.pop_back();
    return true;
  }
  bool on_array_begin(bj::error_code&) { return true; }
  bool on_array_end(std::size_t, bj::error_code&) { return true; }
  bool on_key_part(bj::string_view text, std::size_t, bj::error_code&) {
    part.append(text.data(), text.size());
    return true;
  }
  bool on_key(bj::string_view text, std::size_t, bj::error_code& error) {
    part.append(text.data(), text.size());
    if (!open.back().insert(part).second) {
      twice = part;
      error = bj::error::exception;  // any: `twice` tells what it was
      return false;
    }
    part.clear();
    return true;
  }
  bool on_string_part(bj::string_view, std::size_t, bj::error_code&) { return true; }
  bool on_string(bj::string_view, std::size_t, bj::error_code&) { return true; }
  bool on_number_part(bj::string_view, bj::error_code&) { return true; }
  bool on_int64(std::int64_t, bj::string_view, bj::error_code&) { return true; }
  bool on_uint64(std::uint64_t, bj::string_view, bj::error_code&) { return true; }
  bool on_double(double, bj::string_view, bj::error_code&) { return true; }
  bool on_bool(bool, bj::error_code&) { return true; }
  bool on_null(bj::error_code&) { return true; }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }
};

std::string place(std::string_view text, std::string_view name, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = 1 + std::ranges::count(before, '\n');
  const auto line_start = before.rfind('\n');
  const auto column = line_start == std::string_view::npos ? offset + 1 : offset - line_start;
  return std::string(name) + ":" + std::to_string(line) + ":" + std::to_string(column);
}

Error refusal(std::string fact, std::string_view reason) {
  return Error(ErrorKind::refused, std::move(fact)).with_reason(reason);
}

}  // namespace

Result<bj::value> parse(std::string_view text, std::string_view name, const Limits& limits) {
  if (text.size() > limits.bytes_max) {
    return fail(refusal(std::string(name) + " has " + std::to_string(text.size()) + " bytes, the limit is " +
                            std::to_string(limits.bytes_max),
                        "json_too_large"));
  }
  bj::parse_options options;
  options.max_depth = limits.depth_max;
  bj::basic_parser<KeyWatch> watch(options);
  bj::error_code error;
  const auto used = watch.write_some(false, text.data(), text.size(), error);
  if (watch.handler().twice) {
    return fail(
        refusal(place(text, name, used) + ": key '" + *watch.handler().twice + "' is there twice", "json_duplicate_key")
            .with_hint("keep one of the two"));
  }
  if (error == bj::error::too_deep) {
    return fail(
        refusal(place(text, name, used) + ": nested deeper than " + std::to_string(limits.depth_max), "json_too_deep"));
  }
  if (!error && used < text.size()) error = bj::error::extra_data;
  if (error) return fail(refusal(place(text, name, used) + ": not json: " + error.message(), "json_invalid"));

  auto value = bj::parse(bj::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(refusal(std::string(name) + ": not json: " + error.message(), "json_invalid"));
  return value;
}

std::string_view type_name(const bj::value& value) {
  switch (value.kind()) {
    case bj::kind::null:
      return "null";
    case bj::kind::bool_:
      return "a boolean";
    case bj::kind::int64:
    case bj::kind::uint64:
    case bj::kind::double_:
      return "a number";
    case bj::kind::string:
      return "a string";
    case bj::kind::array:
      return "an array";
    case bj::kind::object:
      break;
  }
  return "an object";
}

ObjectReader::ObjectReader(const bj::value& value, std::string where) : where_(std::move(where)) {
  if (value.is_object()) {
    object_ = &value.get_object();
  } else {
    reject(refusal(where_ + ": expected an object, got " + std::string(type_name(value)), "json_wrong_type"));
  }
}

std::string ObjectReader::at(std::string_view key) const {
  // "manifest.json: template", "manifest.json: artifacts[2].kind"
  const bool nested = where_.find(": ") != std::string::npos;
  return where_ + (nested ? "." : ": ") + std::string(key);
}

void ObjectReader::reject(Error error) {
  if (!error_) error_ = std::move(error);
}

const bj::value* ObjectReader::find(std::string_view key) {
  asked_.push_back(key);
  if (error_) return nullptr;
  const auto found = object_->find(bj::string_view(key.data(), key.size()));
  return found == object_->end() ? nullptr : &found->value();
}

const bj::value* ObjectReader::require(std::string_view key) {
  const auto* found = find(key);
  if (found == nullptr) reject(refusal(at(key) + " is missing", "json_missing_key"));
  return error_ ? nullptr : found;
}

void ObjectReader::wrong_type(std::string_view key, const bj::value& value, std::string_view wanted) {
  reject(refusal(at(key) + ": expected " + std::string(wanted) + ", got " + std::string(type_name(value)),
                 "json_wrong_type"));
}

bool ObjectReader::has(std::string_view key) {
  const auto* found = find(key);
  return found != nullptr && !found->is_null();
}

const bj::value* ObjectReader::value(std::string_view key) {
  return require(key);
}

std::string ObjectReader::text(std::string_view key) {
  const auto* found = require(key);
  if (found == nullptr) return {};
  if (const auto* string = found->if_string()) return std::string(string->data(), string->size());
  wrong_type(key, *found, "a string");
  return {};
}

std::string ObjectReader::text_or_empty(std::string_view key) {
  return has(key) ? text(key) : std::string();
}

std::uint64_t ObjectReader::number(std::string_view key) {
  const auto* found = require(key);
  if (found == nullptr) return 0;
  if (const auto* number = found->if_int64(); number != nullptr && *number >= 0) {
    return static_cast<std::uint64_t>(*number);
  }
  if (found->is_number()) {
    reject(refusal(at(key) + ": expected a whole number from 0 to 9223372036854775807, got " + bj::serialize(*found),
                   "json_wrong_type"));
  } else {
    wrong_type(key, *found, "a number");
  }
  return 0;
}

std::optional<std::uint64_t> ObjectReader::optional_number(std::string_view key) {
  if (!has(key)) return std::nullopt;
  return number(key);
}

std::optional<bool> ObjectReader::optional_boolean(std::string_view key) {
  if (!has(key)) return std::nullopt;
  const auto* found = find(key);
  if (const auto* boolean = found->if_bool()) return *boolean;
  wrong_type(key, *found, "a boolean");
  return std::nullopt;
}

Digest ObjectReader::digest(std::string_view key) {
  const auto hex = text(key);
  if (error_) return {};
  if (const auto digest = Digest::parse(hex)) return *digest;
  reject(refusal(at(key) + ": expected 64 lower-case hex digits, got '" + hex + "'", "json_wrong_type"));
  return {};
}

std::optional<Digest> ObjectReader::optional_digest(std::string_view key) {
  if (!has(key)) return std::nullopt;
  return digest(key);
}

std::vector<const bj::value*> ObjectReader::elements(std::string_view key) {
  std::vector<const bj::value*> elements;
  if (!has(key)) return elements;
  const auto* found = find(key);
  if (const auto* array = found->if_array()) {
    for (const auto& element : *array) elements.push_back(&element);
  } else {
    wrong_type(key, *found, "an array");
  }
  return elements;
}

Result<void> ObjectReader::finish() {
  if (!error_) {
    for (const auto& member : *object_) {
      const std::string_view key(member.key().data(), member.key().size());
      if (std::ranges::find(asked_, key) != asked_.end()) continue;
      Error unknown = refusal(at(key) + " is not a known key", "json_unknown_key");
      if (const auto meant = nearest(key, asked_))
        unknown = std::move(unknown).with_hint("did you mean '" + std::string(*meant) + "'?");
      reject(std::move(unknown));
      break;
    }
  }
  if (error_) return fail(*error_);
  return {};
}

namespace {

void append_pretty(std::string& out, const bj::value& value, std::size_t indent) {
  const std::string inner(indent + 2, ' ');
  const std::string outer(indent, ' ');
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    const char* separator = "{\n";
    for (const auto& member : *object) {
      out += separator + inner + bj::serialize(bj::string(member.key())) + ": ";
      append_pretty(out, member.value(), indent + 2);
      separator = ",\n";
    }
    out += "\n" + outer + "}";
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    const char* separator = "[\n";
    for (const auto& element : *array) {
      out += separator + inner;
      append_pretty(out, element, indent + 2);
      separator = ",\n";
    }
    out += "\n" + outer + "]";
  } else {
    out += bj::serialize(value);
  }
}

}  // namespace

std::string pretty(const bj::value& value) {
  std::string out;
  append_pretty(out, value, 0);
  return out + "\n";
}

}  // namespace bundlesync::json
