#include "settings/option.hpp"

#include <gtest/gtest.h>

#include <set>

namespace bundlesync::settings {
namespace {

Value value_of(std::string_view key, std::string_view text) {
  return parse_value(*find_option(key), text).value();
}

std::string error_of(std::string_view key, std::string_view text) {
  const auto value = parse_value(*find_option(key), text);
  if (value) return "no error";
  EXPECT_EQ(value.error().kind(), ErrorKind::usage);
  return value.error().text();
}

TEST(OptionTable, NamesEachOptionOnce) {
  std::set<std::string> keys, variables, flags;
  for (const auto& option : options()) {
    EXPECT_TRUE(keys.emplace(option.key).second) << option.key;
    EXPECT_TRUE(variables.insert(environment_name(option)).second) << option.key;
    if (!option.flag.empty()) {
      EXPECT_TRUE(flags.emplace(option.flag).second) << option.key;
    }
    EXPECT_FALSE(option.meaning.empty()) << option.key;
    EXPECT_TRUE(option.meaning.ends_with('.')) << option.key;
  }
  EXPECT_EQ(find_option("no.such"), nullptr);
}

TEST(OptionTable, EveryDefaultIsAllowed) {
  for (const auto& option : options()) {
    if (option.standard.empty()) continue;
    const auto value = parse_value(option, option.standard);
    EXPECT_TRUE(value) << option.key << ": " << value.error().text();
  }
}

TEST(OptionTable, SecretsHaveNoFlag) {
  for (const auto& option : options()) {
    if (option.type == Type::secret) {
      EXPECT_EQ(option.flag, "") << option.key;
    }
  }
}

TEST(OptionTable, VariablesAreMadeOfKeysButForTheFlag) {
  EXPECT_EQ(environment_name(*find_option("retention.age")), "BUNDLESYNC_RETENTION_AGE");
  EXPECT_EQ(environment_name(*find_option("disk.max_bytes")), "BUNDLESYNC_DISK_MAX_BYTES");
  EXPECT_EQ(environment_name(*find_option("remote")), "FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE");
}

TEST(OptionValue, Booleans) {
  for (const auto* text : {"true", "True", "TRUE", "yes", "on", "1"})
    EXPECT_TRUE(value_of("remote", text).boolean) << text;
  for (const auto* text : {"false", "False", "FALSE", "no", "off", "0"})
    EXPECT_FALSE(value_of("remote", text).boolean) << text;
  EXPECT_EQ(value_of("remote", "on").text, "true");
  EXPECT_EQ(error_of("remote", "maybe"), "'maybe' is neither true nor false");
  EXPECT_EQ(error_of("remote", ""), "'' is neither true nor false");
}

TEST(OptionValue, CountsStayInRange) {
  EXPECT_EQ(value_of("fetch.parallel", "64").number, 64U);
  EXPECT_EQ(error_of("fetch.parallel", "0"), "'0' is out of range, allowed is 1 to 64");
  EXPECT_EQ(error_of("fetch.parallel", "65"), "'65' is out of range, allowed is 1 to 64");
  EXPECT_EQ(error_of("fetch.parallel", "99999999999999999999"),
            "'99999999999999999999' is out of range, allowed is 1 to 64");
  EXPECT_EQ(error_of("fetch.parallel", "8x"), "'8x' is not a whole number\nhint: allowed is 1 to 64");
  EXPECT_EQ(error_of("limits.files", "2,000"), "'2,000' is not a whole number\nhint: allowed is 1 to 100000");
}

TEST(OptionValue, DurationsAndSizesStayInRange) {
  EXPECT_EQ(value_of("poll_interval", "90s").duration, std::chrono::seconds(90));
  EXPECT_EQ(error_of("poll_interval", "2h"), "'2h' is out of range, allowed is 100ms to 1h");
  EXPECT_EQ(error_of("poll_interval", "0s"), "'0s' is out of range, allowed is 100ms to 1h");
  EXPECT_EQ(error_of("poll_interval", "30"),
            "duration '30' has no unit\nhint: write a whole number and one of ms, s, m, h, d, as in 30s");
  EXPECT_EQ(value_of("disk.max_bytes", "1 GiB").number, 1ULL << 30);
  EXPECT_EQ(value_of("disk.max_bytes", "1048576").text, "1MiB");
  EXPECT_EQ(error_of("disk.max_bytes", "1KiB"), "'1KiB' is out of range, allowed is 4KiB to 16TiB");
  EXPECT_EQ(error_of("limits.file", "3GiB"), "'3GiB' is out of range, allowed is 1B to 2GiB");
}

TEST(OptionValue, ChoicesNameTheNearest) {
  EXPECT_EQ(value_of("start.require", "desired").choice, 2U);
  EXPECT_EQ(error_of("start.require", "last-good"),
            "'last-good' is not one of any, last_good, desired\nhint: did you mean 'last_good'?");
  EXPECT_EQ(error_of("database.mode", "notify"), "'notify' is not one of auto, listen, poll");
}

TEST(OptionValue, PathsAreAbsolute) {
  EXPECT_EQ(value_of("target", "/prompts//").text, "/prompts");
  EXPECT_EQ(value_of("target", "/").text, "/");
  EXPECT_EQ(error_of("target", "prompts"), "'prompts' is not an absolute path\nhint: begin it with '/'");
  EXPECT_EQ(error_of("target", ""), "'' is not an absolute path\nhint: begin it with '/'");
}

TEST(OptionValue, NamesAreSplitTrimmedAndKeptOnce) {
  const auto value = value_of("templates", " section7, intake* ,section7,*");
  EXPECT_EQ(value.names, (std::vector<std::string>{"section7", "intake*", "*"}));
  EXPECT_EQ(value.text, "section7,intake*,*");
  const std::string hint = "\nhint: write names or globs, comma separated, as in section7,intake*";
  EXPECT_EQ(error_of("templates", "a,,b"), "'a,,b' has an empty name" + hint);
  EXPECT_EQ(error_of("templates", "a,"), "'a,' has an empty name" + hint);
  EXPECT_EQ(error_of("templates", ""), "'' has an empty name" + hint);
  EXPECT_EQ(error_of("templates", "a/b"),
            "'a/b' is no template name or glob\nhint: a template's name is made of a-z 0-9 . _ -");
}

TEST(OptionValue, Addresses) {
  EXPECT_EQ(value_of("http.listen", "127.0.0.1:9848").address, (ListenAddress{"127.0.0.1", 9848}));
  EXPECT_EQ(value_of("http.listen", "[::1]:80").address, (ListenAddress{"::1", 80}));
  EXPECT_EQ(value_of("http.listen", "localhost:0").address, (ListenAddress{"localhost", 0}));
  EXPECT_EQ(value_of("http.listen", ":9848").address, (ListenAddress{"0.0.0.0", 9848}));
  EXPECT_EQ(value_of("http.listen", "off").address, std::nullopt);
  for (const auto* text :
       {"", "9848", "a:b", "a:", "a:65536", "a:-1", "::1:80", "[::1:80", "::1]:80", "[]:80", "a:80 ", "OFF"}) {
    EXPECT_EQ(error_of("http.listen", text), "'" + std::string(text) +
                                                 "' is not an address and a port\nhint: write it as 127.0.0.1:9848, "
                                                 "[::1]:9848 or off")
        << text;
  }
}

}  // namespace
}  // namespace bundlesync::settings
