#include "base/json_read.hpp"

#include <gtest/gtest.h>

namespace bundlesync::json {
namespace {

struct Refusal {
  std::string reason;
  std::string text;
  bool operator==(const Refusal&) const = default;
};
void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.reason << ": " << refusal.text;
}

Refusal refusal_of(std::string_view text, const Limits& limits = {}) {
  const auto value = parse(text, "a.json", limits);
  if (value) return {"", "no error"};
  EXPECT_EQ(value.error().kind(), ErrorKind::refused);
  return {value.error().reason(), value.error().text()};
}

TEST(JsonParse, TakesPlainJson) {
  const auto value = parse(R"({"a": [1, null, true, "é"], "b": {"a": 2}})", "a.json");
  ASSERT_TRUE(value);
  EXPECT_EQ(boost::json::serialize(*value), R"({"a":[1,null,true,"é"],"b":{"a":2}})");
}

TEST(JsonParse, RefusesAKeyTwiceInOneObjectOnly) {
  EXPECT_EQ(refusal_of("{\n  \"a\": 1,\n  \"a\": 2}"),
            (Refusal{"json_duplicate_key", "a.json:3:5: key 'a' is there twice\nhint: keep one of the two"}));
  EXPECT_EQ(refusal_of(R"([{"b": {"k": 1, "\u006b": 2}}])").reason, "json_duplicate_key");
  EXPECT_TRUE(parse(R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]})", "a.json"));
}

TEST(JsonParse, RefusesWhatIsNoJsonWithItsPlace) {
  EXPECT_EQ(refusal_of("{\"a\": 1,\n \"b\" 2}"), (Refusal{"json_invalid", "a.json:2:6: not json: syntax error"}));
  for (const auto* text : {"", "{", "{\"a\": 1,}", "[1,]", "// x\n1", "{'a': 1}", "nul", "1 2", "{} x", "\"\xff\"",
                           "\"a\nb\"", "NaN", "01"}) {
    EXPECT_EQ(refusal_of(text).reason, "json_invalid") << text;
  }
}

TEST(JsonParse, RefusesWhatIsTooDeepOrTooLarge) {
  Limits limits;
  limits.depth_max = 3;
  EXPECT_TRUE(parse("[[[]]]", "a.json", limits));
  EXPECT_EQ(refusal_of("[[[[]]]]", limits), (Refusal{"json_too_deep", "a.json:1:4: nested deeper than 3"}));
  limits.bytes_max = 4;
  EXPECT_TRUE(parse("1234", "a.json", limits));
  EXPECT_EQ(refusal_of("12345", limits), (Refusal{"json_too_large", "a.json has 5 bytes, the limit is 4"}));
}

boost::json::value value_of(std::string_view text) {
  return parse(text, "a.json").value();
}

std::string first_error(ObjectReader& reader) {
  const auto done = reader.finish();
  return done ? "no error" : done.error().text();
}

TEST(JsonObjectReader, ReadsEveryType) {
  const auto value = value_of(R"({"t": "x", "n": 7, "big": 9223372036854775807, "b": true, "z": null, "l": [1, 2],
    "d": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"})");
  ObjectReader reader(value, "a.json");
  EXPECT_EQ(reader.text("t"), "x");
  EXPECT_EQ(reader.number("n"), 7U);
  EXPECT_EQ(reader.optional_number("big"), 9223372036854775807U);
  EXPECT_EQ(reader.optional_boolean("b"), true);
  EXPECT_FALSE(reader.has("z"));
  EXPECT_EQ(reader.text_or_empty("z"), "");
  EXPECT_EQ(reader.text_or_empty("missing"), "");
  EXPECT_EQ(reader.optional_number("z"), std::nullopt);
  EXPECT_EQ(reader.optional_digest("missing"), std::nullopt);
  EXPECT_EQ(reader.digest("d"), Digest::of("abc"));
  EXPECT_EQ(reader.elements("l").size(), 2U);
  EXPECT_TRUE(reader.elements("missing").empty());
  EXPECT_EQ(first_error(reader), "no error");
}

TEST(JsonObjectReader, NamesTheFirstThingThatIsWrong) {
  const auto value = value_of(R"({"t": 1, "n": "x", "extra": 1})");
  ObjectReader reader(value, "a.json: files[3]");
  EXPECT_EQ(reader.text("t"), "");
  EXPECT_EQ(reader.number("n"), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(first_error(reader), "a.json: files[3].t: expected a string, got a number");
}

TEST(JsonObjectReader, RefusesMissingWrongAndUnknown) {
  const auto error_of = [](std::string_view text, auto read) {
    const auto value = value_of(text);
    ObjectReader reader(value, "a.json");
    read(reader);
    const auto done = reader.finish();
    return done ? Refusal{"", "no error"} : Refusal{done.error().reason(), done.error().text()};
  };
  EXPECT_EQ(error_of("{}", [](auto& r) { r.text("version"); }),
            (Refusal{"json_missing_key", "a.json: version is missing"}));
  EXPECT_EQ(error_of("[]", [](auto& r) { r.text("version"); }),
            (Refusal{"json_wrong_type", "a.json: expected an object, got an array"}));
  EXPECT_EQ(error_of(R"({"version": null})", [](auto& r) { r.text("version"); }),
            (Refusal{"json_wrong_type", "a.json: version: expected a string, got null"}));
  EXPECT_EQ(error_of(R"({"n": -1})", [](auto& r) { r.number("n"); }),
            (Refusal{"json_wrong_type", "a.json: n: expected a whole number from 0 to 9223372036854775807, got -1"}));
  EXPECT_EQ(
      error_of(R"({"n": 1.5})", [](auto& r) { r.number("n"); }),
      (Refusal{"json_wrong_type", "a.json: n: expected a whole number from 0 to 9223372036854775807, got 1.5E0"}));
  EXPECT_EQ(error_of(R"({"n": 9223372036854775808})", [](auto& r) { r.number("n"); }).reason, "json_wrong_type");
  EXPECT_EQ(error_of(R"({"d": "AB"})", [](auto& r) { r.digest("d"); }),
            (Refusal{"json_wrong_type", "a.json: d: expected 64 lower-case hex digits, got 'AB'"}));
  EXPECT_EQ(error_of(R"({"l": {}})", [](auto& r) { r.elements("l"); }),
            (Refusal{"json_wrong_type", "a.json: l: expected an array, got an object"}));
  EXPECT_EQ(error_of(R"({"b": 1})", [](auto& r) { r.optional_boolean("b"); }),
            (Refusal{"json_wrong_type", "a.json: b: expected a boolean, got a number"}));
  EXPECT_EQ(error_of(R"({"versoin": "1"})", [](auto& r) { r.text_or_empty("version"); }),
            (Refusal{"json_unknown_key", "a.json: versoin is not a known key\nhint: did you mean 'version'?"}));
  EXPECT_EQ(error_of(R"({"zzz": "1"})", [](auto& r) { r.text_or_empty("version"); }),
            (Refusal{"json_unknown_key", "a.json: zzz is not a known key"}));
}

TEST(JsonPretty, IndentsAndEndsWithANewline) {
  EXPECT_EQ(pretty(value_of(R"({"a":[1,{"b":null}],"c":{},"d":[],"é\"":"x"})")),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {},\n  \"d\": [],\n  \"é\\\"\": "
            "\"x\"\n}\n");
}

}  // namespace
}  // namespace bundlesync::json
