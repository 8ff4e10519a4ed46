#include "base/glob.hpp"
#include "base/nearest.hpp"
#include "base/units.hpp"
#include "bundle/path_rules.hpp"
#include "settings/option.hpp"
#include "settings/target_list.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <netinet/in.h>

namespace bundlesync::settings {
namespace {

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

std::string default_of(const Option& option) {
  return option.standard.empty() ? "leave it out if in doubt" : "the default is " + std::string(option.standard);
}

std::unexpected<Error> out_of_range(const Option& option, std::string_view text) {
  return fail(ErrorKind::usage, quoted(text) + " is out of range, allowed is " + allowed(option), default_of(option));
}

Result<Value> parse_boolean(std::string_view text) {
  Value value;
  const auto is_one_of = [text](std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
  };
  if (is_one_of({"true", "True", "TRUE", "yes", "on", "1"})) {
    value.boolean = true;
  } else if (!is_one_of({"false", "False", "FALSE", "no", "off", "0"})) {
    return fail(ErrorKind::usage, quoted(text) + " is neither true nor false", "write true or false");
  }
  value.text = value.boolean ? "true" : "false";
  return value;
}

Result<Value> parse_count(const Option& option, std::string_view text) {
  Value value;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value.number);
  if (error == std::errc::invalid_argument || rest != end) {
    return fail(ErrorKind::usage, quoted(text) + " is not a whole number", "allowed is " + allowed(option));
  }
  if (error != std::errc() || value.number < option.min || value.number > option.max) return out_of_range(option, text);
  value.text = std::to_string(value.number);
  return value;
}

Result<Value> parse_duration_value(const Option& option, std::string_view text) {
  const auto duration = parse_duration(text);
  if (!duration) return fail(duration.error());
  const auto milliseconds = static_cast<std::uint64_t>(duration->count());
  if (milliseconds < option.min || milliseconds > option.max) return out_of_range(option, text);
  Value value;
  value.duration = *duration;
  value.text = format_duration(*duration);
  return value;
}

Result<Value> parse_size_value(const Option& option, std::string_view text) {
  const auto size = parse_size(text);
  if (!size) return fail(size.error());
  if (*size < option.min || *size > option.max) return out_of_range(option, text);
  Value value;
  value.number = *size;
  value.text = format_size(*size);
  return value;
}

Result<Value> parse_choice(const Option& option, std::string_view text) {
  const auto found = std::ranges::find(option.choices, text);
  if (found == option.choices.end()) {
    auto error = Error(ErrorKind::usage, quoted(text) + " is not one of " + allowed(option));
    const auto meant = nearest(text, option.choices);
    return fail(std::move(error).with_hint(meant ? "did you mean '" + std::string(*meant) + "'?" : default_of(option)));
  }
  Value value;
  value.text = text;
  value.choice = static_cast<std::size_t>(found - option.choices.begin());
  return value;
}

/// "/a/b", without a slash at the end.
Result<Value> parse_path(std::string_view text) {
  if (!text.starts_with('/')) {
    return fail(ErrorKind::usage, quoted(text) + " is not an absolute path", "begin it with '/'");
  }
  if (text.find('\0') != std::string_view::npos) return fail(ErrorKind::usage, "the path contains a zero byte");
  while (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
  Value value;
  value.text = text;
  return value;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

Result<void> judge_name(const std::string& name) {
  // A glob is a name with stars: what is left of it must be able to stand in a name.
  std::string letters = name;
  std::ranges::replace_if(letters, [](char c) { return c == '*' || c == '?'; }, 'x');
  if (const auto problem = bundle::name_problem(letters)) {
    return fail(ErrorKind::usage, quoted(name) + " is no template name or glob",
                std::string(bundle::describe_problem(*problem)));
  }
  return {};
}

Result<Value> parse_names(std::string_view text) {
  Value value;
  std::string_view rest = text;
  while (true) {
    const auto comma = rest.find(',');
    const std::string name(trimmed(rest.substr(0, comma)));
    if (name.empty()) {
      return fail(ErrorKind::usage, quoted(text) + " has an empty name",
                  "write names or globs, comma separated, as in section7,intake*");
    }
    if (auto good = judge_name(name); !good) return fail(std::move(good).error());
    if (std::ranges::find(value.names, name) == value.names.end()) {
      value.text += (value.text.empty() ? "" : ",") + name;
      value.names.push_back(name);
    }
    if (comma == std::string_view::npos) return value;
    rest.remove_prefix(comma + 1);
  }
}

/// A program and its arguments: its path alone, or a JSON list of texts (as a list in YAML becomes). No shell ever
/// reads them, so nothing in them has to be quoted.
Result<Value> parse_words(std::string_view text) {
  Value value;
  const auto wrong = [text](const std::string& why) {
    return fail(ErrorKind::usage, quoted(text.substr(0, 200)) + why,
                R"(write the program's absolute path, or a list: ["/usr/local/bin/check-prompts", "--strict"])");
  };
  if (text.starts_with('[')) {
    boost::system::error_code error;
    const auto json = boost::json::parse(text, error);
    if (error || !json.is_array()) return wrong(" is no list of words");
    for (const auto& word : json.as_array()) {
      if (!word.is_string()) return wrong(" has a word that is no text");
      value.words.emplace_back(word.as_string());
    }
  } else {
    value.words.emplace_back(text);
  }
  if (value.words.empty() || !value.words.front().starts_with('/')) return wrong(" begins with no absolute path");
  const bool has_zero =
      std::ranges::any_of(value.words, [](const auto& w) { return w.find('\0') != std::string::npos; });
  if (has_zero || value.words.size() > 100) return wrong(" has a zero byte, or more than 100 words");
  boost::json::array list;
  for (const auto& word : value.words) list.emplace_back(word);
  value.text = boost::json::serialize(list);
  return value;
}

bool is_loopback_host(std::string_view host) {
  const auto is_of_address = [](char c) { return c == '.' || (c >= '0' && c <= '9'); };
  return host == "localhost" || host == "[::1]" ||
         (host.starts_with("127.") && std::ranges::all_of(host, is_of_address));
}

/// "http://127.0.0.1:8080/validate"; where that is allowed "https://…" to anywhere, too.
Result<Value> parse_hook_url(std::string_view text, bool may_be_elsewhere) {
  const bool is_tls = may_be_elsewhere && text.starts_with("https://");
  const std::string_view scheme = is_tls ? "https://" : "http://";
  const auto wrong = [&](const std::string& why) {
    return fail(ErrorKind::usage, quoted(text.substr(0, 200)) + why,
                may_be_elsewhere
                    ? "write it as https://host/path, or http://127.0.0.1:8080/path for somebody on this machine"
                    : "write it as http://127.0.0.1:8080/validate: containers of one pod share the loopback address");
  };
  if (!text.starts_with(scheme)) return wrong(may_be_elsewhere ? " is no URL" : " does not begin with http://");
  const std::string_view rest = text.substr(scheme.size());
  const bool printable = std::ranges::all_of(rest, [](char c) { return c > ' ' && c < 127 && c != '#' && c != '@'; });
  if (!printable) return wrong(" has a character that no such URL has");
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  const std::string_view host = has_port ? authority.substr(0, colon) : authority;
  if (has_port) {
    std::uint16_t port = 0;
    const std::string_view digits = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || port == 0) {
      return wrong(" has no port between 1 and 65535");
    }
  }
  if (host.empty()) return wrong(" names no host");
  if (!is_tls && !is_loopback_host(host)) return wrong(" is not on this machine");
  HookUrl url;
  url.origin = std::string(scheme) + std::string(authority);
  url.target = std::string(rest.substr(authority.size()));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  Value value;
  value.text = text;
  value.hook_url = std::move(url);
  return value;
}

constexpr std::size_t kKeysMax = 16;

Result<Value> parse_keys(std::string_view text) {
  Value value;
  std::string_view rest = text;
  while (true) {
    const auto comma = rest.find(',');
    const std::string_view word = trimmed(rest.substr(0, comma));
    const auto key = bundle::PublicKey::parse(word);
    if (!key) {
      const bool is_private = word.find("PRIVATE KEY") != std::string_view::npos;
      return fail(ErrorKind::usage,
                  (is_private ? "a private key" : quoted(word.substr(0, 80))) + " is no public key of Ed25519",
                  is_private
                      ? "trust.keys takes public keys: bundlesync key show FILE prints the one that belongs to it"
                      : "write public keys as bundlesync key generate prints them, comma separated: "
                        "ed25519:<44 letters of base64>");
    }
    if (std::ranges::find(value.keys, *key) == value.keys.end()) {
      value.text += (value.text.empty() ? "" : ",") + key->text();
      value.keys.push_back(*key);
    }
    if (value.keys.size() > kKeysMax) {
      return fail(ErrorKind::usage, "more than " + std::to_string(kKeysMax) + " keys", "two are enough to change one");
    }
    if (comma == std::string_view::npos) return value;
    rest.remove_prefix(comma + 1);
  }
}

/// "127.0.0.1:9848", "[::1]:9848", "localhost:9848", ":9848" (every address), "off".
Result<Value> parse_address(std::string_view text) {
  Value value;
  value.text = text;
  if (text == "off") return value;
  const auto wrong = [text] {
    return fail(ErrorKind::usage, quoted(text) + " is not an address and a port",
                "write it as 127.0.0.1:9848, [::1]:9848 or off");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') != host.ends_with(']')) return wrong();
  if (host.starts_with('[')) {
    host = host.substr(1, host.size() - 2);
    if (host.empty()) return wrong();
  } else if (host.find(':') != std::string_view::npos) {
    return wrong();
  }
  ListenAddress address;
  address.host = host.empty() ? "0.0.0.0" : std::string(host);
  in6_addr number{};
  const bool is_number = ::inet_pton(text.starts_with('[') ? AF_INET6 : AF_INET, address.host.c_str(), &number) == 1;
  if (!is_number && host != "localhost") return wrong();
  const std::string_view port = text.substr(colon + 1);
  const auto [rest, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc() || rest != port.data() + port.size()) return wrong();
  value.address = std::move(address);
  return value;
}

Result<Value> parse_url(std::string_view text) {
  auto url = parse_storage_url(text);
  if (!url) return fail(std::move(url).error());
  Value value;
  value.text = to_string(*url);
  value.storage_url = std::move(*url);
  return value;
}

}  // namespace

std::string allowed(const Option& option) {
  const auto span = [](const std::string& min, const std::string& max) { return min + " to " + max; };
  switch (option.type) {
    case Type::count:
      return span(std::to_string(option.min), std::to_string(option.max));
    case Type::duration:
      return span(format_duration(std::chrono::milliseconds(option.min)),
                  format_duration(std::chrono::milliseconds(option.max)));
    case Type::size:
      return span(format_size(option.min), format_size(option.max));
    case Type::boolean:
      return "true, false";
    case Type::choice: {
      std::string list;
      for (const auto choice : option.choices) list += (list.empty() ? "" : ", ") + std::string(choice);
      return list;
    }
    case Type::path:
      return "an absolute path";
    case Type::text:
    case Type::names:
    case Type::keys:
    case Type::words:
    case Type::targets:
    case Type::address:
    case Type::local_url:
    case Type::web_url:
    case Type::storage_url:
    case Type::secret:
      break;
  }
  return {};
}

Result<Value> parse_value(const Option& option, std::string_view text) {
  switch (option.type) {
    case Type::boolean:
      return parse_boolean(text);
    case Type::count:
      return parse_count(option, text);
    case Type::duration:
      return parse_duration_value(option, text);
    case Type::size:
      return parse_size_value(option, text);
    case Type::choice:
      return parse_choice(option, text);
    case Type::path:
      return parse_path(text);
    case Type::names:
      return parse_names(text);
    case Type::keys:
      return parse_keys(text);
    case Type::words:
      return parse_words(text);
    case Type::targets:
      return parse_targets(text);
    case Type::local_url:
      return parse_hook_url(text, false);
    case Type::web_url:
      return parse_hook_url(text, true);
    case Type::address:
      return parse_address(text);
    case Type::storage_url:
      return parse_url(text);
    case Type::text:
    case Type::secret:
      break;
  }
  Value value;
  value.text = text;
  return value;
}

}  // namespace bundlesync::settings
