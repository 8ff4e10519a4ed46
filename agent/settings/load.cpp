#include "base/nearest.hpp"
#include "settings/check.hpp"
#include "settings/option.hpp"
#include "settings/yaml_file.hpp"

#include <algorithm>
#include <array>

namespace bundlesync::settings {
namespace {

using Environment = std::map<std::string, std::string>;

const std::string* find_variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() || found->second.empty() ? nullptr : &found->second;
}

/// Lays one kind of source over another; what comes later wins.
class Layers {
 public:
  explicit Layers(const Sources& sources) : sources_(sources) {}

  Result<GivenMap> gather() {
    if (sources_.yaml) {
      auto given = read_yaml(*sources_.yaml);
      if (!given) return given;
      given_ = std::move(*given);
    }
    for (const auto& option : options()) {
      if (option.type == Type::secret) add_credential(option);
      if (auto done = add_environment(option); !done) return fail(std::move(done).error());
    }
    for (const auto& [key, text] : sources_.flags) {
      const auto* option = find_option(key);
      if (option == nullptr) return fail(ErrorKind::usage, "there is no option '" + key + "'");
      put(*option, text, std::string(option->flag.empty() ? option->key : option->flag));
    }
    return std::move(given_);
  }

 private:
  void put(const Option& option, std::string text, std::string where, bool names_a_file = false) {
    given_.insert_or_assign(std::string(option.key), Given{std::move(text), std::move(where), names_a_file});
  }

  /// systemd's LoadCredential= and SetCredential=: a file named like the key, if it is there.
  void add_credential(const Option& option) {
    const auto* directory = find_variable(sources_.environment, "CREDENTIALS_DIRECTORY");
    if (directory == nullptr || !sources_.read_file) return;
    const std::string path = *directory + "/" + std::string(option.key);
    const auto text = sources_.read_file(path);
    if (!text && text.error().kind() == ErrorKind::not_found) return;
    put(option, path, "CREDENTIALS_DIRECTORY", true);
  }

  Result<void> add_environment(const Option& option) {
    const auto name = environment_name(option);
    const auto* value = find_variable(sources_.environment, name);
    const auto* file = option.type == Type::secret ? find_variable(sources_.environment, name + "_FILE") : nullptr;
    if (value != nullptr && file != nullptr) {
      return fail(ErrorKind::usage, name + " and " + name + "_FILE are both set", "unset one of the two");
    }
    if (value != nullptr) put(option, *value, name);
    if (file != nullptr) put(option, *file, name + "_FILE", true);
    if (sources_.purpose != Purpose::agent) add_conventional(option);
    return {};
  }

  void add_conventional(const Option& option) {
    const std::string name(option.conventional);
    if (name.empty() || given_.contains(option.key)) return;
    const auto* value = find_variable(sources_.environment, name);
    if (value == nullptr) return;
    const bool is_project = name == "SUPABASE_URL" && value->starts_with("http");
    // SUPABASE_URL is that of the project: its storage lives under a path of it.
    put(option, is_project ? "supabase+" + *value : *value, name);
  }

  const Sources& sources_;
  GivenMap given_;
};

Result<std::string> read_secret(const std::string& path,
                                const std::function<Result<std::string>(const std::string& path)>& read_file) {
  if (!read_file) return fail(ErrorKind::usage, "secret files cannot be read here");
  auto text = read_file(path);
  if (!text) return text;
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  if (text->empty()) return fail(ErrorKind::usage, "'" + path + "' is empty");
  if (text->find_first_of(std::string("\n\r\0", 3)) != std::string::npos) {
    return fail(ErrorKind::usage, "'" + path + "' has more than one line",
                "a secret's file holds the secret and nothing else");
  }
  return text;
}

SecretSetting* secret_of(Settings& settings, std::string_view key) {
  if (key == "database.url") return &settings.database.url;
  if (key == "storage.key") return &settings.storage.key;
  if (key == "hooks.webhook.secret") return &settings.tell.webhook_secret;
  return nullptr;
}

Result<SettingRow> store_secret(Settings& settings, const Option& option, const Given& given, const Sources& sources) {
  auto& secret = *secret_of(settings, option.key);
  if (!given.names_a_file) {
    secret.value = Secret(given.text);
    return SettingRow{std::string(option.key), "set", given.where};
  }
  auto text = read_secret(given.text, sources.read_file);
  if (!text && sources.purpose == Purpose::looking) return SettingRow{std::string(option.key), "", given.where};
  if (!text) {
    // Whatever kept it from being read, it is the settings that name it.
    Error error(ErrorKind::usage, given.where + ": " + std::string(option.key) + ": " + text.error().fact());
    for (const auto& hint : text.error().hints()) error = std::move(error).with_hint(hint);
    return fail(std::move(error));
  }
  secret.value = Secret(std::move(*text));
  secret.file = given.text;
  return SettingRow{std::string(option.key), "set", given.where + " from file " + given.text};
}

Result<SettingRow> store(Settings& settings, const Option& option, const GivenMap& given, const Sources& sources) {
  const auto found = given.find(option.key);
  if (found == given.end() && option.standard.empty()) return SettingRow{std::string(option.key), "", "not set"};
  if (found != given.end() && option.type == Type::secret) {
    if (found->second.text.empty()) return SettingRow{std::string(option.key), "", found->second.where};
    return store_secret(settings, option, found->second, sources);
  }
  const std::string where = found == given.end() ? "default" : found->second.where;
  const auto value = parse_value(option, found == given.end() ? option.standard : std::string_view(found->second.text));
  if (!value) {
    auto error = value.error();
    return fail(std::move(error).within(where + ": " + std::string(option.key)));
  }
  option.store(settings, *value);
  return SettingRow{std::string(option.key), value->text, where};
}

/// A variable of ours that nothing reads is a typing error more often than not. Kubernetes sets some of its own for a
/// Service that is called bundlesync.
std::vector<std::string> unknown_variables(const Environment& environment) {
  std::vector<std::string> names = {"BUNDLESYNC_CONFIG", "BUNDLESYNC_ACTOR", "BUNDLESYNC_AGENT_STORAGE_KEY",
                                    "BUNDLESYNC_AGENT_STORAGE_KEY_FILE"};
  for (const auto& option : options()) {
    names.push_back(environment_name(option));
    if (option.type == Type::secret) names.push_back(names.back() + "_FILE");
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  std::vector<std::string> warnings;
  for (const auto& [name, value] : environment) {
    if (!name.starts_with("BUNDLESYNC_") || std::ranges::find(names, name) != names.end()) continue;
    if (name.starts_with("BUNDLESYNC_SERVICE_") || name.starts_with("BUNDLESYNC_PORT")) continue;
    std::string warning = name + " is not a known variable and is ignored";
    const auto meant =
        name == "BUNDLESYNC_REMOTE" ? std::optional(find_option("remote")->environment) : nearest(name, candidates);
    if (meant) warning += " (hint: did you mean " + std::string(*meant) + "?)";
    warnings.push_back(std::move(warning));
  }
  return warnings;
}

bool names_a_server(const Environment& environment) {
  constexpr std::array names = {"PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE"};
  return std::ranges::any_of(names, [&](const char* name) { return find_variable(environment, name) != nullptr; });
}

}  // namespace

Result<Settings> load(const Sources& sources) {
  auto given = Layers(sources).gather();
  if (!given) return fail(std::move(given).error());
  Settings settings;
  for (const auto& option : options()) {
    auto row = store(settings, option, *given, sources);
    if (!row) return fail(std::move(row).error());
    settings.rows.push_back(std::move(*row));
  }
  const bool poll_is_set = given->contains("poll_interval");
  settings.poll_interval_proven = poll_is_set ? settings.poll_interval : std::chrono::minutes(5);
  if (sources.purpose != Purpose::agent && !settings.database.url.is_set()) {
    settings.database.from_pg_environment = names_a_server(sources.environment);
  }
  settings.warnings = unknown_variables(sources.environment);
  if (auto good = check_together(settings, sources.purpose); !good) return fail(std::move(good).error());
  return settings;
}

Result<Secret> read_again(const SecretSetting& secret,
                          const std::function<Result<std::string>(const std::string& path)>& read_file) {
  if (secret.file.empty()) return secret.value;
  auto text = read_secret(secret.file, read_file);
  if (!text) return fail(std::move(text).error());
  return Secret(std::move(*text));
}

Digest fingerprint(const Settings& settings) {
  std::string text;
  for (const auto& row : settings.rows) text += row.key + "=" + row.value + "\n";
  return Digest::of(text);
}

}  // namespace bundlesync::settings
