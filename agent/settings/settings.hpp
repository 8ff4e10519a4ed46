#pragma once

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "bundle/ed25519.hpp"
#include "bundle/limits.hpp"
#include "plan/plan.hpp"
#include "settings/storage_url.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the user wants, typed. option.hpp has the table that everything here comes from: names, defaults, ranges,
/// meanings.
namespace bundlesync::settings {

enum class DatabaseMode { automatic, listen, poll };
enum class LogFormat { automatic, text, json };
enum class LogLevel { debug, info, warn, error };

/// A secret, and the file it came from, so that it can be read again when the file changes.
struct SecretSetting {
  Secret value;
  std::string file;  ///< empty: not from a file
  bool is_set() const { return !value.empty(); }
};

struct ListenAddress {
  std::string host;  ///< without the brackets of an IPv6 address
  std::uint16_t port = 0;
  bool operator==(const ListenAddress&) const = default;
};

/// Where a hook is: plain HTTP to a loopback address of this machine (or pod), or HTTPS to anywhere.
struct HookUrl {
  std::string origin;  ///< "http://127.0.0.1:8080"
  std::string target;  ///< "/validate", with its query
  bool operator==(const HookUrl&) const = default;
};

enum class OnError { hold, accept };

/// One row of `config print --origin`.
struct SettingRow {
  std::string key;
  std::string value;   ///< in one spelling; of a secret only "set", or empty
  std::string origin;  ///< "default", "agent.yaml:3:9", "BUNDLESYNC_TARGET", "--target", "… from file /run/key"
  bool operator==(const SettingRow&) const = default;
};

/// One directory that apps read, and what is shown in it.
struct Target {
  std::string name;                    ///< in logs, metrics and addresses, where there are several; else empty
  std::string path;                    ///< absolute
  std::vector<std::string> templates;  ///< names and globs, as given, each once
  bool operator==(const Target&) const = default;
};

/// Paths are absolute. A text is empty where nothing is set.
struct Settings {
  std::string target;                  ///< empty where `targets` says it for several
  std::vector<std::string> templates;  ///< names and globs, as given, each once; of `target`
  std::vector<Target> targets;         ///< of the agent: all of them, one where there is only `target`
  bool target_strict = false;
  bool target_allow_network = false;
  std::uint32_t target_file_mode = 0;  ///< as chmod(2) takes it
  std::uint32_t target_dir_mode = 0;
  std::optional<std::uint32_t> target_gid;
  bool remote = false;

  struct Database {
    SecretSetting url;
    bool from_pg_environment =
        false;  ///< no url, and libpq's own PG* variables name the server (commands for people only)
    std::string ca;
    DatabaseMode mode = DatabaseMode::automatic;
  } database;

  struct Storage {
    std::optional<StorageUrl> url;
    std::string bucket;
    SecretSetting key;
    std::string ca;
  } storage;

  std::string local_dir;
  std::string fallback_dir;
  plan::StartRequire start_require = plan::StartRequire::any;
  std::optional<ListenAddress> http_listen;  ///< absent: off

  std::chrono::milliseconds poll_interval{};         ///< while notifications are not proven to arrive
  std::chrono::milliseconds poll_interval_proven{};  ///< while they are: 5 min unless poll_interval is set, then that

  struct Trust {
    std::vector<bundle::PublicKey> keys;  ///< each once
    bool require = false;                 ///< then there is a key
  } trust;

  struct Validate {
    std::optional<HookUrl> url;
    std::vector<std::string> command;  ///< at most one of the two is set
    std::chrono::milliseconds timeout{};
    OnError on_error = OnError::hold;
    bool is_set() const { return url.has_value() || !command.empty(); }
  } validate;

  struct Tell {
    std::optional<HookUrl> webhook;
    SecretSetting webhook_secret;
    std::string webhook_ca;
    std::vector<std::string> exec;
    std::chrono::milliseconds timeout{};
    std::chrono::milliseconds spread{};
  } tell;

  struct Scrub {
    std::chrono::seconds interval{};  ///< 0: off
    std::uint64_t bytes_per_second = 0;
  } scrub;

  struct Retention {
    std::chrono::seconds age{};
    std::uint64_t count = 0;
  } retention;
  std::chrono::seconds cache_ttl{};
  std::uint64_t disk_bytes_max = 0;
  std::chrono::milliseconds prefetch_spread{};
  bundle::Limits limits;
  std::size_t fetch_parallel = 0;
  std::size_t pool_threads = 0;
  bool confine = true;
  LogFormat log_format = LogFormat::automatic;
  LogLevel log_level = LogLevel::info;

  std::vector<SettingRow> rows;       ///< every option, in the table's order
  std::vector<std::string> warnings;  ///< facts that deserve a WARN and stop nothing
};

/// Who asks. The agent takes credentials from BUNDLESYNC_* only and needs target and templates; commands for people
/// fall back to the conventional names (DATABASE_URL, PG*, SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY) and need nothing.
/// Those that only look at the target run as whoever reads it: for them a secret whose file they cannot read is not
/// set.
enum class Purpose { agent, people, looking };

struct YamlText {
  std::string name;  ///< as errors call it: the path that was given
  std::string text;
};

/// Everything that settings come from. YAML < systemd credentials < environment < flags.
struct Sources {
  std::optional<YamlText> yaml;
  std::map<std::string, std::string> environment;  ///< an empty value counts as not set
  std::map<std::string, std::string>
      flags;  ///< option key ("target") to text; the command line maps flag names to keys
  Purpose purpose = Purpose::agent;
  /// Reads a secret's file. ErrorKind::not_found for one that is not there.
  std::function<Result<std::string>(const std::string& path)> read_file;
};

/// All settings, judged one by one and together. Pure but for read_file; repeatable. Errors are `usage`: an unknown
/// key, a wrong type, a value out of range, a secret's file that cannot be read, options that contradict each other,
/// something required that is missing; with file, line and column where it came from a file.
Result<Settings> load(const Sources& sources);

/// "target is not set" with all the ways to set it. For a command that needs what load() did not demand.
Error missing(std::string_view key);
/// A storage that can be named, and that this version has no client for.
Error not_spoken(const StorageUrl& url);

/// The flag is off while a database or a storage is configured: `config check` fails, the agent warns.
bool remote_off_but_configured(const Settings& settings);

/// Reads a secret again from where it came: itself where that was no file.
Result<Secret> read_again(const SecretSetting& secret,
                          const std::function<Result<std::string>(const std::string& path)>& read_file);

/// SHA-256 over every key and value; of a secret only whether it is set.
Digest fingerprint(const Settings& settings);

}  // namespace bundlesync::settings
