#pragma once

#include "settings/settings.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The one table of options. Parser, environment names, help, sample files and reference page come from it.
namespace bundlesync::settings {

enum class Type {
  text,
  path,
  boolean,
  count,
  duration,
  size,
  choice,
  names,
  keys,
  words,
  targets,
  address,
  local_url,
  web_url,
  storage_url,
  secret
};

/// A value of any type after its text was judged; the member for its type is filled.
struct Value {
  std::string text;  ///< in one spelling, for print and the fingerprint; of a secret: the secret itself
  bool boolean = false;
  std::uint64_t number = 0;  ///< count, or bytes
  std::chrono::milliseconds duration{};
  std::size_t choice = 0;  ///< place among Option::choices
  std::vector<std::string> names;
  std::vector<bundle::PublicKey> keys;
  std::optional<ListenAddress> address;
  std::optional<StorageUrl> storage_url;
  std::vector<std::string> words;
  std::vector<Target> targets;
  std::optional<HookUrl> hook_url;
};

struct Option {
  std::string_view key;
  Type type = Type::text;
  std::string_view standard = "";      ///< the default as it would be written; empty: none
  std::string_view environment = "";   ///< where it is not BUNDLESYNC_<KEY>
  std::string_view flag = "";          ///< "--target"; empty: no flag (secrets never have one: argv is public)
  std::string_view conventional = "";  ///< fallback variable for people's commands
  std::uint64_t min = 0;               ///< count; milliseconds of a duration; bytes of a size
  std::uint64_t max = 0;
  std::vector<std::string_view> choices = {};
  std::string_view example = "";                     ///< for the sample files, where there is no default
  std::string_view meaning;                          ///< sentences for the sample files and the reference
  void (*store)(Settings&, const Value&) = nullptr;  ///< secrets are stored by load(), which knows their files
};

/// In the order in which print, samples and reference show them.
std::span<const Option> options();
const Option* find_option(std::string_view key);
/// "BUNDLESYNC_RETENTION_AGE"
std::string environment_name(const Option& option);
/// Every variable that may hold a secret, conventional ones too.
std::vector<std::string> secret_variables();
/// "1s to 1h", "auto, listen, poll", …; empty where any text goes.
std::string allowed(const Option& option);

/// Judges a text. The error says what is wrong with it and what is allowed; the caller adds where it came from.
Result<Value> parse_value(const Option& option, std::string_view text);

}  // namespace bundlesync::settings
