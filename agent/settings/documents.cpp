#include "settings/documents.hpp"

#include "settings/option.hpp"

namespace bundlesync::settings {
namespace {

constexpr std::size_t column_max = 100;

/// "# …" lines of at most column_max bytes.
std::string comment(std::string_view text) {
  std::string out;
  std::string line = "#";
  while (!text.empty()) {
    const auto space = text.find(' ');
    const auto word = text.substr(0, space);
    if (line.size() + 1 + word.size() > column_max) {
      out += line + "\n";
      line = "#";
    }
    line += " " + std::string(word);
    text = space == std::string_view::npos ? "" : text.substr(space + 1);
  }
  return out + line + "\n";
}

std::string meaning(const Option& option) {
  std::string text(option.meaning);
  if (const auto range = allowed(option); !range.empty() && option.type != Type::path)
    text += " Allowed: " + range + ".";
  if (!option.conventional.empty()) text += " Commands for people also take " + std::string(option.conventional) + ".";
  return text;
}

bool is_required(const Option& option) {
  return option.key == "target" || option.key == "templates";
}

/// What stands behind the key in a sample: the default, else an example.
std::string shown(const Option& option) {
  return std::string(option.standard.empty() ? option.example : option.standard);
}

/// As YAML has it: what could be read as something else than a text is quoted.
std::string yaml_value(const Option& option) {
  const auto text = shown(option);
  if (option.type == Type::words || option.type == Type::targets) return text;  // a list
  const bool reads_as_octal =
      text.size() > 1 && text.starts_with('0') && text.find_first_not_of("01234567") == std::string::npos;
  if (reads_as_octal) return "\"" + text + "\"";
  return text.find_first_of("*&!|>%@`'\"{}[],#?:") == std::string::npos ? text : "\"" + text + "\"";
}

}  // namespace

std::string sample_yaml() {
  std::string out = "# yaml-language-server: $schema=agent.schema.json\n";
  out += comment(
      "Settings of bundlesync. A key may also be nested (retention: {age: 1h}). Environment variables win over this "
      "file, "
      "flags win over both; `bundlesync config print --origin` tells where each value came from. What is commented out "
      "shows the default (for poll_interval: while notifications are not proven), or an example where there is none.");
  for (const auto& option : options()) {
    out += "\n" + comment(meaning(option));
    if (option.type == Type::secret) {
      out += comment("Better from a file, which is read again when it changes:");
      out += "#" + std::string(option.key) + "_file: /run/secrets/" + std::string(option.key) + "\n";
      continue;
    }
    out += (is_required(option) ? "" : "#") + std::string(option.key) + ": " + yaml_value(option) + "\n";
  }
  return out;
}

std::string sample_environment() {
  std::string out = comment(
      "Settings of bundlesync as environment variables. They win over the settings file. What is commented out shows "
      "the "
      "default, or an example where there is none. An empty variable counts as not set.");
  for (const auto& option : options()) {
    out += "\n" + comment(meaning(option));
    const auto name = environment_name(option);
    if (option.type == Type::secret) {
      out += comment("Better from a file, which is read again when it changes; systemd credentials named " +
                     std::string(option.key) + " are found, too.");
      out += "#" + name + "_FILE=/run/secrets/" + std::string(option.key) + "\n";
    }
    out += (is_required(option) ? "" : "#") + name + "=" + shown(option) + "\n";
  }
  return out;
}

std::string reference() {
  std::string out = "| key | variable | flag | default | allowed | meaning |\n|---|---|---|---|---|---|\n";
  const auto cell = [](std::string_view text) {
    std::string escaped;
    for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
    return " " + escaped + " |";
  };
  for (const auto& option : options()) {
    std::string name = environment_name(option);
    if (option.type == Type::secret) name += ", " + name + "_FILE";
    std::string text(option.meaning);
    if (!option.conventional.empty())
      text += " Commands for people also take " + std::string(option.conventional) + ".";
    const std::string key = std::string(option.key) +
                            (option.type == Type::secret ? ", " + std::string(option.key) + "_file" : std::string());
    out += "|" + cell(key) + cell(name) + cell(option.flag) + cell(option.standard) + cell(allowed(option)) +
           cell(text) + "\n";
  }
  return out;
}

}  // namespace bundlesync::settings
