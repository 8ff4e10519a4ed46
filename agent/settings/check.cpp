#include "settings/check.hpp"

#include "base/units.hpp"
#include "settings/option.hpp"

#include <algorithm>

namespace bundlesync::settings {
namespace {

bool lies_in(const std::string& path, const std::string& directory) {
  return path == directory || directory == "/" || path.starts_with(directory + "/");
}

/// Where the agent writes and where it must never write may not be inside each other.
Result<void> check_directory(const Settings& settings, const std::string& target) {
  if (target == "/") {
    return fail(ErrorKind::usage, "target is '/'", "give the agent a directory of its own, as in /prompts");
  }
  struct Other {
    const char* key;
    const std::string& path;
  };
  for (const auto& [key, path] :
       {Other{"local_dir", settings.local_dir}, Other{"fallback_dir", settings.fallback_dir}}) {
    if (target.empty() || path.empty()) continue;
    if (!lies_in(target, path) && !lies_in(path, target)) continue;
    return fail(ErrorKind::usage, "target '" + target + "' and " + key + " '" + path + "' are inside each other",
                "the agent writes to target and only reads " + std::string(key) + ": keep them apart");
  }
  return {};
}

/// One target or several; the agent has them all in `targets`. Commands for people look at one: the one that `target`
/// picks, or the only one.
Result<void> settle_targets(Settings& settings, Purpose purpose) {
  if (settings.targets.empty()) {
    if (purpose != Purpose::agent) return {};
    if (settings.target.empty()) return fail(missing("target"));
    if (settings.templates.empty()) return fail(missing("templates"));
    Target only;
    only.path = settings.target;
    only.templates = settings.templates;
    settings.targets.push_back(std::move(only));
    return {};
  }
  if (purpose == Purpose::agent) {
    if (settings.target.empty() && settings.templates.empty()) return {};
    return fail(ErrorKind::usage,
                "targets and " + std::string(settings.target.empty() ? "templates" : "target") + " are both set",
                "keep one of the two: each of targets has its own path and templates");
  }
  if (settings.target.empty() && settings.targets.size() == 1) settings.target = settings.targets.front().path;
  const auto picked = std::ranges::find(settings.targets, settings.target, &Target::path);
  if (picked != settings.targets.end()) settings.templates = picked->templates;
  return {};
}

void warn_of_limits(Settings& settings) {
  if (settings.limits.bundle_bytes_max <= settings.disk_bytes_max) return;
  settings.warnings.push_back(
      "limits.bundle " + format_size(settings.limits.bundle_bytes_max) + " is more than disk.max_bytes " +
      format_size(settings.disk_bytes_max) +
      ": a version of that size never fits (hint: raise disk.max_bytes or lower limits.bundle)");
}

bool is_ipv4_loopback(std::string_view host) {
  const auto is_of_address = [](char c) { return c == '.' || (c >= '0' && c <= '9'); };
  return host.starts_with("127.") && std::ranges::all_of(host, is_of_address);
}

/// Of an origin, "http://host[:port]".
bool is_loopback(std::string_view origin) {
  auto host = origin.substr(origin.find("//") + 2);
  if (host.starts_with('[')) return host.starts_with("[::1]");
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host.ends_with(".localhost") || is_ipv4_loopback(host);
}

void warn_of_plain_http(Settings& settings) {
  if (!settings.storage.url || !settings.storage.key.is_set()) return;
  const auto* supabase = std::get_if<SupabaseStore>(&*settings.storage.url);
  if (supabase == nullptr || !supabase->origin.starts_with("http://") || is_loopback(supabase->origin)) return;
  settings.warnings.push_back(
      "storage.url is plain http: storage.key crosses the network unencrypted (hint: write supabase+https://...)");
}

Result<void> check_trust(Settings& settings) {
  const bool has_keys = !settings.trust.keys.empty();
  if (settings.trust.require && !has_keys) {
    auto error = missing("trust.keys");
    return fail(std::move(error)
                    .within("trust.require is on")
                    .with_hint("bundlesync key generate FILE makes a key and prints what belongs there"));
  }
  if (has_keys && !settings.trust.require) {
    settings.warnings.push_back(
        "trust.keys is set while trust.require is off: versions are shown whoever signed them, or nobody (hint: set "
        "trust.require to true)");
  }
  return {};
}

Error missing_for_remote(std::string_view key) {
  auto error = missing(key);
  return std::move(error).within("remote is on").with_hint("or turn remote off to show local and fallback files only");
}

Result<void> check_remote(Settings& settings) {
  if (remote_off_but_configured(settings)) {
    settings.warnings.push_back("remote is off while " +
                                std::string(settings.database.url.is_set() ? "database.url" : "storage.url") +
                                " is set: neither database nor storage is contacted (hint: set " +
                                environment_name(*find_option("remote")) + "=true to follow them)");
  }
  if (!settings.remote) return {};
  if (!settings.database.url.is_set()) return fail(missing_for_remote("database.url"));
  if (!settings.storage.url) return fail(missing_for_remote("storage.url"));
  if (std::holds_alternative<S3Store>(*settings.storage.url)) return fail(not_spoken(*settings.storage.url));
  const bool is_supabase = std::holds_alternative<SupabaseStore>(*settings.storage.url);
  if (is_supabase && !settings.storage.key.is_set()) return fail(missing_for_remote("storage.key"));
  return {};
}

}  // namespace

Result<void> check_together(Settings& settings, Purpose purpose) {
  if (auto good = check_directory(settings, settings.target); !good) return good;
  for (const auto& target : settings.targets) {
    if (auto good = check_directory(settings, target.path); !good) return good;
  }
  warn_of_limits(settings);
  if (auto good = check_trust(settings); !good) return good;
  if (settings.validate.url && !settings.validate.command.empty()) {
    return fail(ErrorKind::usage, "hooks.validate.url and hooks.validate.command are both set", "keep one of the two");
  }
  if (settings.tell.webhook_secret.is_set() && !settings.tell.webhook) {
    settings.warnings.push_back(
        "hooks.webhook.secret is set while hooks.webhook.url is not: nobody is told (hint: set hooks.webhook.url)");
  }
  // A service that is reached by its name alone may be anywhere: only what is surely this machine needs no word.
  if (purpose != Purpose::agent || settings.remote) warn_of_plain_http(settings);
  if (auto good = settle_targets(settings, purpose); !good) return good;
  return purpose == Purpose::agent ? check_remote(settings) : Result<void>();
}

Error missing(std::string_view key) {
  const auto* option = find_option(key);
  if (option == nullptr) return Error(ErrorKind::usage, std::string(key) + " is not set");
  std::string ways = environment_name(*option);
  if (option->type == Type::secret) ways += ", " + environment_name(*option) + "_FILE";
  if (!option->flag.empty()) ways += ", " + std::string(option->flag);
  return Error(ErrorKind::usage, std::string(key) + " is not set",
               "set " + ways + " or " + std::string(key) + " in the settings file");
}

Error not_spoken(const StorageUrl& url) {
  return Error(ErrorKind::usage,
               "storage.url is " + to_string(url) + ", and this version speaks file:// and supabase+https:// only",
               "mount the store as a directory and give file:///that/directory");
}

bool remote_off_but_configured(const Settings& settings) {
  return !settings.remote && (settings.database.url.is_set() || settings.storage.url.has_value());
}

}  // namespace bundlesync::settings
