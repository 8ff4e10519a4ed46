#include "settings/option.hpp"

#include <algorithm>

namespace bundlesync::settings {
namespace {

constexpr std::uint64_t second = 1'000;  // in milliseconds, as min and max of a duration are
constexpr std::uint64_t hour = 3'600 * second;
constexpr std::uint64_t day = 24 * hour;
constexpr std::uint64_t kib = 1ULL << 10;
constexpr std::uint64_t gib = 1ULL << 30;
constexpr std::uint64_t tib = 1ULL << 40;

std::chrono::seconds seconds(const Value& value) {
  return std::chrono::duration_cast<std::chrono::seconds>(value.duration);
}

/// "0444"
std::uint32_t mode_of(const std::string& text) {
  return static_cast<std::uint32_t>(std::stoul(text, nullptr, 8));
}

std::vector<Option> what_apps_read() {
  return {
      {.key = "target",
       .type = Type::path,
       .flag = "--target",
       .example = "/prompts",
       .meaning = "The directory that apps read. Required, unless targets is set.",
       .store = [](Settings& s, const Value& v) { s.target = v.text; }},
      {.key = "target.strict",
       .type = Type::boolean,
       .standard = "false",
       .meaning = "Refuse a target that others than the agent may write to; false only reports it.",
       .store = [](Settings& s, const Value& v) { s.target_strict = v.boolean; }},
      {.key = "target.allow_network_fs",
       .type = Type::boolean,
       .standard = "false",
       .meaning = "Take a target on NFS, SMB, Ceph and the like, where readers may see a swap late, and not as one.",
       .store = [](Settings& s, const Value& v) { s.target_allow_network = v.boolean; }},
      {.key = "target.file_mode",
       .type = Type::choice,
       .standard = "0444",
       .choices = {"0444", "0440", "0400"},
       .meaning = "Mode of every file that apps read, whatever the umask; set before it can be seen.",
       .store = [](Settings& s, const Value& v) { s.target_file_mode = mode_of(v.text); }},
      {.key = "target.dir_mode",
       .type = Type::choice,
       .standard = "0555",
       .choices = {"0555", "0550", "0500"},
       .meaning = "Mode of every directory that apps read; the agent's own above them are writable for it, too.",
       .store = [](Settings& s, const Value& v) { s.target_dir_mode = mode_of(v.text); }},
      {.key = "target.gid",
       .type = Type::count,
       .min = 0,
       .max = 4'294'967'294,
       .example = "3000",
       .meaning =
           "Group of what apps read, as a number. The agent must be in it (fsGroup or supplementalGroups of a pod, "
           "SupplementaryGroups= of a unit). Where it is not set, the agent's own.",
       .store = [](Settings& s, const Value& v) { s.target_gid = static_cast<std::uint32_t>(v.number); }},
      {.key = "templates",
       .type = Type::names,
       .flag = "--templates",
       .example = "*",
       .meaning =
           "Names or globs, comma separated. '*' is everything enabled in the database and every subdirectory of "
           "local_dir and fallback_dir. Required, unless targets is set.",
       .store = [](Settings& s, const Value& v) { s.templates = v.names; }},
      {.key = "targets",
       .type = Type::targets,
       .example =
           R"([{"path": "/prompts/med", "templates": ["section7*"]}, {"path": "/prompts/ops", "templates": "*"}])",
       .meaning =
           "Several directories instead of one, each with its own templates, over one database session. \"name\" "
           "stands in logs and metrics, and is the path's last part unless it is given; disk.max_bytes holds for "
           "each.",
       .store = [](Settings& s, const Value& v) { s.targets = v.targets; }},
      {.key = "remote",
       .type = Type::boolean,
       .standard = "false",
       .environment = "FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE",
       .flag = "--remote",
       .meaning =
           "Follow the database and the storage at all. While false, neither is ever contacted and only local and "
           "fallback files, or what was shown last, are shown.",
       .store = [](Settings& s, const Value& v) { s.remote = v.boolean; }},
      {.key = "local_dir",
       .type = Type::path,
       .flag = "--local-dir",
       .example = "/app/bundles",
       .meaning = "Bundles to show while the database has none: <dir>/<template>/manifest.json. Read only.",
       .store = [](Settings& s, const Value& v) { s.local_dir = v.text; }},
      {.key = "fallback_dir",
       .type = Type::path,
       .flag = "--fallback-dir",
       .example = "/app/prompts",
       .meaning = "Bare files to show when nothing else is there: <dir>/<template>/... Never opened for writing.",
       .store = [](Settings& s, const Value& v) { s.fallback_dir = v.text; }},
      {.key = "start.require",
       .type = Type::choice,
       .standard = "any",
       .flag = "--start-require",
       .choices = {"any", "last_good", "desired"},
       .meaning =
           "What may be shown before the database was first reached: any; last_good (no local or fallback files); "
           "desired (only what the database names).",
       .store = [](Settings& s, const Value& v) { s.start_require = static_cast<plan::StartRequire>(v.choice); }},
  };
}

std::vector<Option> where_it_comes_from() {
  return {
      {.key = "database.url",
       .type = Type::secret,
       .conventional = "DATABASE_URL",
       .example = "postgresql://agent@db.example.org/prompts",
       .meaning = "Where Postgres is, as libpq writes it (URL or key=value); several hosts are allowed.",
       .store = nullptr},
      {.key = "database.ca",
       .type = Type::path,
       .example = "/etc/ssl/certs/database-ca.pem",
       .meaning = "Certificates that the database's must be signed by; the system's where not set.",
       .store = [](Settings& s, const Value& v) { s.database.ca = v.text; }},
      {.key = "database.mode",
       .type = Type::choice,
       .standard = "auto",
       .choices = {"auto", "listen", "poll"},
       .meaning =
           "listen waits for notifications; poll asks every poll_interval; auto listens, proves that notifications "
           "arrive, and polls when they do not.",
       .store = [](Settings& s, const Value& v) { s.database.mode = static_cast<DatabaseMode>(v.choice); }},
      {.key = "poll_interval",
       .type = Type::duration,
       .standard = "30s",
       .flag = "--poll-interval",
       .min = 100,
       .max = hour,
       .meaning = "How often the database is asked, give or take 20 %. Where it is not set, 5m while notifications are "
                  "proven to arrive.",
       .store = [](Settings& s, const Value& v) { s.poll_interval = v.duration; }},
      {.key = "storage.url",
       .type = Type::storage_url,
       .flag = "--storage-url",
       .conventional = "SUPABASE_URL",
       .example = "file:///srv/bundles",
       .meaning = "Where the files of versions are: file:///dir or supabase+https://host/storage/v1.",
       .store = [](Settings& s, const Value& v) { s.storage.url = v.storage_url; }},
      {.key = "storage.bucket",
       .type = Type::text,
       .standard = "template-artifacts",
       .meaning = "The bucket of a supabase storage.",
       .store = [](Settings& s, const Value& v) { s.storage.bucket = v.text; }},
      {.key = "storage.key",
       .type = Type::secret,
       .conventional = "SUPABASE_SERVICE_ROLE_KEY",
       .example = "sb_...",
       .meaning = "The key of a supabase storage: a JWT or an sb_ key.",
       .store = nullptr},
      {.key = "storage.ca",
       .type = Type::path,
       .example = "/etc/ssl/certs/storage-ca.pem",
       .meaning = "Certificates to trust besides the system's, for a storage whose own are signed by somebody else.",
       .store = [](Settings& s, const Value& v) { s.storage.ca = v.text; }},
      {.key = "fetch.parallel",
       .type = Type::count,
       .standard = "8",
       .min = 1,
       .max = 64,
       .meaning = "Files that are downloaded at the same time.",
       .store = [](Settings& s, const Value& v) { s.fetch_parallel = v.number; }},
      {.key = "prefetch.spread",
       .type = Type::duration,
       .standard = "60s",
       .min = 0,
       .max = hour,
       .meaning = "The previous default is fetched at a random moment within this time, so that a rollback needs no "
                  "download and a fleet does not fetch at once.",
       .store = [](Settings& s, const Value& v) { s.prefetch_spread = v.duration; }},
  };
}

std::vector<Option> whom_we_believe() {
  return {
      {.key = "trust.require",
       .type = Type::boolean,
       .standard = "false",
       .meaning = "Show only versions that one of trust.keys signed, whatever the database says; what is shown stays "
                  "while a version is refused. Local and fallback files need no signature.",
       .store = [](Settings& s, const Value& v) { s.trust.require = v.boolean; }},
      {.key = "trust.keys",
       .type = Type::keys,
       .example = "ed25519:Ff2ae33oa7d8Gz+O43i3JY0aPzHzsbRRUyFvpUkJoZY=",
       .meaning = "Public keys of publishers, comma separated, as bundlesync key generate prints them. Two while one "
                  "takes the place of the other.",
       .store = [](Settings& s, const Value& v) { s.trust.keys = v.keys; }},
  };
}

std::vector<Option> who_looks_first() {
  return {
      {.key = "hooks.validate.url",
       .type = Type::local_url,
       .example = "http://127.0.0.1:8080/validate",
       .meaning =
           "Every version is POSTed here before it is shown for the first time, as JSON {template, version, path}: "
           "2xx accepts, 4xx vetoes. A vetoed version is refused until its row changes.",
       .store = [](Settings& s, const Value& v) { s.validate.url = v.hook_url; }},
      {.key = "hooks.validate.command",
       .type = Type::words,
       .example = R"(["/usr/local/bin/check-prompts", "--strict"])",
       .meaning = "The same by a program, run without a shell, with BUNDLESYNC_TEMPLATE, BUNDLESYNC_VERSION and "
                  "BUNDLESYNC_PATH in its environment: exit 0 accepts, 1 to 125 vetoes.",
       .store = [](Settings& s, const Value& v) { s.validate.command = v.words; }},
      {.key = "hooks.validate.timeout",
       .type = Type::duration,
       .standard = "10s",
       .min = 100,
       .max = hour,
       .meaning = "How long the validator may take.",
       .store = [](Settings& s, const Value& v) { s.validate.timeout = v.duration; }},
      {.key = "hooks.validate.on_error",
       .type = Type::choice,
       .standard = "hold",
       .choices = {"hold", "accept"},
       .meaning =
           "When the validator cannot be asked, fails or takes too long: hold keeps what is shown and asks again; "
           "accept shows the version.",
       .store = [](Settings& s, const Value& v) { s.validate.on_error = static_cast<OnError>(v.choice); }},
      {.key = "hooks.webhook.url",
       .type = Type::web_url,
       .example = "https://hooks.example.org/prompts",
       .meaning = "Told by a POST of JSON after other versions are shown: target, view, and of each template the "
                  "version and the one before. Never in the way of showing; five tries, then a WARN.",
       .store = [](Settings& s, const Value& v) { s.tell.webhook = v.hook_url; }},
      {.key = "hooks.webhook.secret",
       .type = Type::secret,
       .example = "at-least-32-random-characters",
       .meaning = "Key of the HMAC-SHA256 that the webhook's X-Bundlesync-Signature holds.",
       .store = nullptr},
      {.key = "hooks.webhook.ca",
       .type = Type::path,
       .example = "/etc/ssl/certs/hooks-ca.pem",
       .meaning = "Certificates to trust besides the system's, for the webhook.",
       .store = [](Settings& s, const Value& v) { s.tell.webhook_ca = v.text; }},
      {.key = "hooks.exec",
       .type = Type::words,
       .example = R"(["/usr/local/bin/prompts-moved", "--quiet"])",
       .meaning = "Told by running this program, without a shell, with BUNDLESYNC_TARGET, BUNDLESYNC_VIEW and "
                  "BUNDLESYNC_TEMPLATES (name=version ...) in its environment; exit 0 means told. The same five tries.",
       .store = [](Settings& s, const Value& v) { s.tell.exec = v.words; }},
      {.key = "hooks.timeout",
       .type = Type::duration,
       .standard = "10s",
       .min = 100,
       .max = hour,
       .meaning = "How long one try to tell the webhook or the program may take.",
       .store = [](Settings& s, const Value& v) { s.tell.timeout = v.duration; }},
      {.key = "hooks.spread",
       .type = Type::duration,
       .standard = "0s",
       .min = 0,
       .max = hour,
       .meaning = "They are told at a random moment within this time, so that a fleet does not call at once.",
       .store = [](Settings& s, const Value& v) { s.tell.spread = v.duration; }},
  };
}

std::vector<Option> what_is_kept() {
  return {
      {.key = "retention.age",
       .type = Type::duration,
       .standard = "1h",
       .min = 0,
       .max = 3650 * day,
       .meaning = "Versions on disk that are younger than this are kept.",
       .store = [](Settings& s, const Value& v) { s.retention.age = seconds(v); }},
      {.key = "retention.count",
       .type = Type::count,
       .standard = "3",
       .min = 0,
       .max = 1'000,
       .meaning = "So many of the last versions of each template are kept, besides the shown and the previous one.",
       .store = [](Settings& s, const Value& v) { s.retention.count = v.number; }},
      {.key = "cache.ttl",
       .type = Type::duration,
       .standard = "24h",
       .min = 0,
       .max = 3650 * day,
       .meaning = "Verified files that no version on disk holds are kept so long after their last use.",
       .store = [](Settings& s, const Value& v) { s.cache_ttl = seconds(v); }},
      {.key = "disk.max_bytes",
       .type = Type::size,
       .standard = "512MiB",
       .min = 4 * kib,
       .max = 16 * tib,
       .meaning = "Everything the agent keeps under the target fits in this. Less than the volume's limit: Kubernetes "
                  "evicts the whole pod over an emptyDir's sizeLimit.",
       .store = [](Settings& s, const Value& v) { s.disk_bytes_max = v.number; }},
      {.key = "scrub.interval",
       .type = Type::duration,
       .standard = "1h",
       .min = 0,
       .max = 365 * day,
       .meaning =
           "Everything that is shown is hashed again so often, in the background; what somebody changed is built "
           "again. 0 for never.",
       .store = [](Settings& s, const Value& v) { s.scrub.interval = seconds(v); }},
      {.key = "scrub.rate",
       .type = Type::size,
       .standard = "16MiB",
       .min = 4 * kib,
       .max = 16 * gib,
       .meaning = "So many bytes a second are read for it, on the average.",
       .store = [](Settings& s, const Value& v) { s.scrub.bytes_per_second = v.number; }},
      {.key = "limits.files",
       .type = Type::count,
       .standard = "2000",
       .min = 1,
       .max = 100'000,
       .meaning = "A version with more files is refused before anything is downloaded.",
       .store = [](Settings& s, const Value& v) { s.limits.files_max = v.number; }},
      {.key = "limits.bundle",
       .type = Type::size,
       .standard = "64MiB",
       .min = 1,
       .max = 16 * gib,
       .meaning = "A version with more bytes is refused before anything is downloaded.",
       .store = [](Settings& s, const Value& v) { s.limits.bundle_bytes_max = v.number; }},
      {.key = "limits.file",
       .type = Type::size,
       .standard = "16MiB",
       .min = 1,
       .max = 2 * gib,
       .meaning = "A version with a larger file is refused before anything is downloaded.",
       .store = [](Settings& s, const Value& v) { s.limits.file_bytes_max = v.number; }},
  };
}

std::vector<Option> what_operators_see() {
  return {
      {.key = "http.listen",
       .type = Type::address,
       .standard = "127.0.0.1:9848",
       .flag = "--http-listen",
       .meaning = "Address and port of health, metrics and status; off to disable.",
       .store = [](Settings& s, const Value& v) { s.http_listen = v.address; }},
      {.key = "log.format",
       .type = Type::choice,
       .standard = "auto",
       .flag = "--log-format",
       .choices = {"auto", "text", "json"},
       .meaning = "auto is text on a terminal and JSON elsewhere.",
       .store = [](Settings& s, const Value& v) { s.log_format = static_cast<LogFormat>(v.choice); }},
      {.key = "log.level",
       .type = Type::choice,
       .standard = "info",
       .flag = "--log-level",
       .choices = {"debug", "info", "warn", "error"},
       .meaning = "The least severe lines that are written.",
       .store = [](Settings& s, const Value& v) { s.log_level = static_cast<LogLevel>(v.choice); }},
      {.key = "confine",
       .type = Type::boolean,
       .standard = "true",
       .meaning =
           "The agent gives up what it does not need before it talks to anybody: no core dumps, no system calls "
           "that only an intruder would make (seccomp), no writing outside target (Landlock), as far as the kernel "
           "knows these. false for looking at it with a debugger.",
       .store = [](Settings& s, const Value& v) { s.confine = v.boolean; }},
      {.key = "pool.threads",
       .type = Type::count,
       .standard = "4",
       .min = 1,
       .max = 64,
       .meaning = "Threads that write and hash files, beside the one that decides.",
       .store = [](Settings& s, const Value& v) { s.pool_threads = v.number; }},
  };
}

std::vector<Option> make_table() {
  std::vector<Option> table;
  for (auto part : {what_apps_read(), where_it_comes_from(), whom_we_believe(), who_looks_first(), what_is_kept(),
                    what_operators_see()}) {
    std::ranges::move(part, std::back_inserter(table));
  }
  return table;
}

}  // namespace

std::span<const Option> options() {
  static const std::vector<Option> table = make_table();
  return table;
}

const Option* find_option(std::string_view key) {
  const auto all = options();
  const auto found = std::ranges::find(all, key, &Option::key);
  return found == all.end() ? nullptr : &*found;
}

std::string environment_name(const Option& option) {
  if (!option.environment.empty()) return std::string(option.environment);
  std::string name = "BUNDLESYNC_";
  for (const char c : option.key) {
    name += c == '.' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

std::vector<std::string> secret_variables() {
  std::vector<std::string> names;
  for (const auto& option : options()) {
    if (option.type != Type::secret) continue;
    names.push_back(environment_name(option));
    if (!option.conventional.empty()) names.emplace_back(option.conventional);
  }
  names.emplace_back("PGPASSWORD");
  return names;
}

}  // namespace bundlesync::settings
