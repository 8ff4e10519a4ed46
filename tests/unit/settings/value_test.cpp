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
  EXPECT_EQ(error_of("remote", "maybe"), "'maybe' is neither true nor false\nhint: write true or false");
  EXPECT_EQ(error_of("remote", ""), "'' is neither true nor false\nhint: write true or false");
}

TEST(OptionValue, CountsStayInRange) {
  EXPECT_EQ(value_of("fetch.parallel", "64").number, 64U);
  EXPECT_EQ(error_of("fetch.parallel", "0"), "'0' is out of range, allowed is 1 to 64\nhint: the default is 8");
  EXPECT_EQ(error_of("fetch.parallel", "65"), "'65' is out of range, allowed is 1 to 64\nhint: the default is 8");
  EXPECT_EQ(error_of("fetch.parallel", "99999999999999999999"),
            "'99999999999999999999' is out of range, allowed is 1 to 64\nhint: the default is 8");
  EXPECT_EQ(error_of("fetch.parallel", "8x"), "'8x' is not a whole number\nhint: allowed is 1 to 64");
  EXPECT_EQ(error_of("limits.files", "2,000"), "'2,000' is not a whole number\nhint: allowed is 1 to 100000");
}

TEST(OptionValue, DurationsAndSizesStayInRange) {
  EXPECT_EQ(value_of("poll_interval", "90s").duration, std::chrono::seconds(90));
  EXPECT_EQ(error_of("poll_interval", "2h"), "'2h' is out of range, allowed is 100ms to 1h\nhint: the default is 30s");
  EXPECT_EQ(error_of("poll_interval", "0s"), "'0s' is out of range, allowed is 100ms to 1h\nhint: the default is 30s");
  EXPECT_EQ(error_of("poll_interval", "30"),
            "duration '30' has no unit\nhint: write a whole number and one of ms, s, m, h, d, as in 30s");
  EXPECT_EQ(value_of("disk.max_bytes", "1 GiB").number, 1ULL << 30);
  EXPECT_EQ(value_of("disk.max_bytes", "1048576").text, "1MiB");
  EXPECT_EQ(error_of("disk.max_bytes", "1KiB"),
            "'1KiB' is out of range, allowed is 4KiB to 16TiB\nhint: the default is 512MiB");
  EXPECT_EQ(error_of("limits.file", "3GiB"),
            "'3GiB' is out of range, allowed is 1B to 2GiB\nhint: the default is 16MiB");
}

TEST(OptionValue, ChoicesNameTheNearest) {
  EXPECT_EQ(value_of("start.require", "desired").choice, 2U);
  EXPECT_EQ(error_of("start.require", "last-good"),
            "'last-good' is not one of any, last_good, desired\nhint: did you mean 'last_good'?");
  EXPECT_EQ(error_of("database.mode", "notify"),
            "'notify' is not one of auto, listen, poll\nhint: the default is auto");
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
  for (const auto* text : {"", "9848", "a:b", "a:", "127.0.0.1:65536", "127.0.0.1:-1", "db.example:80",
                           "[127.0.0.1]:80", "1.2.3:80", "::1:80", "[::1:80", "::1]:80", "[]:80", "a:80 ", "OFF"}) {
    EXPECT_EQ(error_of("http.listen", text), "'" + std::string(text) +
                                                 "' is not an address and a port\nhint: write it as 127.0.0.1:9848, "
                                                 "[::1]:9848 or off")
        << text;
  }
}

TEST(OptionValue, PublicKeysAreEachTakenOnce) {
  const std::string a = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
  const std::string b = "ed25519:PUAXw+hDiVqStwqnTXt+vJyYLM8uxJaMwM1V8Sr0Zgw=";
  EXPECT_EQ(value_of("trust.keys", a).keys.size(), 1U);
  EXPECT_EQ(value_of("trust.keys", a + " ," + b + "," + a).text, a + "," + b);
  const std::string hint =
      "\nhint: write public keys as bundlesync key generate prints them, comma separated: ed25519:<44 letters of "
      "base64>";
  EXPECT_EQ(error_of("trust.keys", ""), "'' is no public key of Ed25519" + hint);
  EXPECT_EQ(error_of("trust.keys", a + ","), "'' is no public key of Ed25519" + hint);
  EXPECT_EQ(error_of("trust.keys", "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            "'ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' is no public key of Ed25519" + hint)
      << "a point for which anybody can sign";
  EXPECT_EQ(error_of("trust.keys", "-----BEGIN PRIVATE KEY-----\nsentinel\n"),
            "a private key is no public key of Ed25519\n"
            "hint: trust.keys takes public keys: bundlesync key show FILE prints the one that belongs to it");
  std::string many = a;
  for (int i = 0; i < 40; ++i) many += "," + b;
  EXPECT_EQ(value_of("trust.keys", many).keys.size(), 2U);
}

TEST(OptionValue, AProgramIsAPathOrAListOfWords) {
  EXPECT_EQ(value_of("hooks.validate.command", "/bin/check it").words, std::vector<std::string>{"/bin/check it"})
      << "no shell, no splitting";
  const auto words = value_of("hooks.validate.command", R"x(["/bin/check", "--strict", "a b", "$(x)"])x");
  EXPECT_EQ(words.words, (std::vector<std::string>{"/bin/check", "--strict", "a b", "$(x)"}));
  EXPECT_EQ(words.text, R"x(["/bin/check","--strict","a b","$(x)"])x");
  const std::string hint =
      "\nhint: write the program's absolute path, or a list: [\"/usr/local/bin/check-prompts\", \"--strict\"]";
  EXPECT_EQ(error_of("hooks.validate.command", "check"), "'check' begins with no absolute path" + hint);
  EXPECT_EQ(error_of("hooks.validate.command", "[]"), "'[]' begins with no absolute path" + hint);
  EXPECT_EQ(error_of("hooks.validate.command", "[\"/a\", 1]"), "'[\"/a\", 1]' has a word that is no text" + hint);
  EXPECT_EQ(error_of("hooks.validate.command", "[\"/a\""), "'[\"/a\"' is no list of words" + hint);
}

TEST(OptionValue, AWebhookIsToldOverTlsOrOnThisMachine) {
  const auto url = value_of("hooks.webhook.url", "https://hooks.example.org:8443/a?b=c").hook_url;
  ASSERT_TRUE(url);
  EXPECT_EQ(url->origin, "https://hooks.example.org:8443");
  EXPECT_EQ(url->target, "/a?b=c");
  EXPECT_EQ(value_of("hooks.webhook.url", "http://127.0.0.1:1/").hook_url->origin, "http://127.0.0.1:1");
  for (const char* wrong : {"http://hooks.example.org/", "ftp://127.0.0.1/", "https://", "https:///x",
                            "https://user@host/", "https://host:0/", "https://host/#x"}) {
    EXPECT_FALSE(parse_value(*find_option("hooks.webhook.url"), wrong)) << wrong;
  }
}

TEST(OptionValue, AHookIsAskedOnThisMachineOnly) {
  const auto url = value_of("hooks.validate.url", "http://127.0.0.1:8080/validate?x=1").hook_url;
  EXPECT_EQ(url->origin, "http://127.0.0.1:8080");
  EXPECT_EQ(url->target, "/validate?x=1");
  EXPECT_EQ(value_of("hooks.validate.url", "http://localhost").hook_url->target, "/");
  EXPECT_EQ(value_of("hooks.validate.url", "http://[::1]:99/x").hook_url->origin, "http://[::1]:99");
  const std::string hint =
      "\nhint: write it as http://127.0.0.1:8080/validate: containers of one pod share the loopback address";
  for (const std::string text : {"http://example.org/x", "http://127.0.0.1.example.org/", "http://10.0.0.1/",
                                 "http://169.254.169.254/", "http://[::2]/"}) {
    EXPECT_EQ(error_of("hooks.validate.url", text), "'" + text + "' is not on this machine" + hint);
  }
  EXPECT_EQ(error_of("hooks.validate.url", "https://127.0.0.1/"),
            "'https://127.0.0.1/' does not begin with http://" + hint);
  for (const std::string text : {"http://127.0.0.1:8080@evil/", "http://127.0.0.1/a b", "http://127.0.0.1/#x"}) {
    EXPECT_EQ(error_of("hooks.validate.url", text), "'" + text + "' has a character that no such URL has" + hint);
  }
  for (const std::string text : {"http://127.0.0.1:0/", "http://127.0.0.1:65536/", "http://127.0.0.1:/"}) {
    EXPECT_EQ(error_of("hooks.validate.url", text), "'" + text + "' has no port between 1 and 65535" + hint);
  }
}

}  // namespace
}  // namespace bundlesync::settings
