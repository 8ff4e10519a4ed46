#include "settings/settings.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bundlesync::settings {
namespace {

using namespace std::chrono_literals;
using Files = std::map<std::string, std::string>;

Sources minimal() {
  Sources sources;
  sources.environment = {{"BUNDLESYNC_TARGET", "/prompts"}, {"BUNDLESYNC_TEMPLATES", "*"}};
  return sources;
}

void give_files(Sources& sources, Files files) {
  sources.read_file = [files = std::move(files)](const std::string& path) -> Result<std::string> {
    const auto found = files.find(path);
    if (found == files.end()) return fail(ErrorKind::not_found, "there is no file '" + path + "'");
    return found->second;
  };
}

std::string error_of(const Sources& sources) {
  const auto settings = load(sources);
  if (settings) return "no error";
  EXPECT_EQ(settings.error().kind(), ErrorKind::usage);
  EXPECT_EQ(settings.error().exit_code(), ExitCode::usage);
  return settings.error().text();
}

SettingRow row_of(const Settings& settings, std::string_view key) {
  const auto found = std::ranges::find(settings.rows, key, &SettingRow::key);
  return found == settings.rows.end() ? SettingRow() : *found;
}

TEST(Settings, HaveTheDocumentedDefaults) {
  const auto s = load(minimal()).value();
  EXPECT_EQ(s.target, "/prompts");
  EXPECT_EQ(s.templates, std::vector<std::string>{"*"});
  EXPECT_FALSE(s.target_strict);
  EXPECT_FALSE(s.remote);
  EXPECT_FALSE(s.database.url.is_set());
  EXPECT_EQ(s.database.mode, DatabaseMode::automatic);
  EXPECT_EQ(s.storage.url, std::nullopt);
  EXPECT_EQ(s.storage.bucket, "template-artifacts");
  EXPECT_EQ(s.start_require, plan::StartRequire::any);
  EXPECT_EQ(s.http_listen, (ListenAddress{"127.0.0.1", 9848}));
  EXPECT_EQ(s.poll_interval, 30s);
  EXPECT_EQ(s.poll_interval_proven, 5min);
  EXPECT_EQ(s.retention.age, 1h);
  EXPECT_EQ(s.retention.count, 3U);
  EXPECT_EQ(s.cache_ttl, 24h);
  EXPECT_EQ(s.disk_bytes_max, 512ULL << 20);
  EXPECT_EQ(s.prefetch_spread, 60s);
  EXPECT_EQ(s.limits.files_max, 2'000U);
  EXPECT_EQ(s.limits.bundle_bytes_max, 64ULL << 20);
  EXPECT_EQ(s.limits.file_bytes_max, 16ULL << 20);
  EXPECT_EQ(s.fetch_parallel, 8U);
  EXPECT_EQ(s.log_format, LogFormat::automatic);
  EXPECT_EQ(s.log_level, LogLevel::info);
  EXPECT_TRUE(s.warnings.empty());
}

TEST(Settings, EveryOptionReachesItsMember) {
  auto sources = minimal();
  sources.yaml = YamlText{"a.yaml", R"(
target.strict: true
remote: true
local_dir: /local
fallback_dir: /fallback
start.require: desired
database: {url: "postgresql:///x", ca: /ca.pem, mode: poll}
poll_interval: 7s
storage: {url: "file:///store", bucket: other, key: k}
fetch.parallel: 2
prefetch.spread: 0s
retention: {age: 2h, count: 5}
cache.ttl: 1h
disk.max_bytes: 1GiB
limits: {files: 10, bundle: 2MiB, file: 1MiB}
http.listen: off
log: {format: json, level: debug}
pool.threads: 9
)"};
  const auto s = load(sources).value();
  EXPECT_TRUE(s.target_strict);
  EXPECT_TRUE(s.remote);
  EXPECT_EQ(s.local_dir, "/local");
  EXPECT_EQ(s.fallback_dir, "/fallback");
  EXPECT_EQ(s.start_require, plan::StartRequire::desired);
  EXPECT_EQ(s.database.url.value.reveal(), "postgresql:///x");
  EXPECT_EQ(s.database.ca, "/ca.pem");
  EXPECT_EQ(s.database.mode, DatabaseMode::poll);
  EXPECT_EQ(s.poll_interval, 7s);
  EXPECT_EQ(s.poll_interval_proven, 7s);
  EXPECT_EQ(s.storage.url, StorageUrl(FileStore{"/store"}));
  EXPECT_EQ(s.storage.bucket, "other");
  EXPECT_EQ(s.storage.key.value.reveal(), "k");
  EXPECT_EQ(s.fetch_parallel, 2U);
  EXPECT_EQ(s.prefetch_spread, 0s);
  EXPECT_EQ(s.retention.age, 2h);
  EXPECT_EQ(s.retention.count, 5U);
  EXPECT_EQ(s.cache_ttl, 1h);
  EXPECT_EQ(s.disk_bytes_max, 1ULL << 30);
  EXPECT_EQ(s.limits.files_max, 10U);
  EXPECT_EQ(s.limits.bundle_bytes_max, 2ULL << 20);
  EXPECT_EQ(s.limits.file_bytes_max, 1ULL << 20);
  EXPECT_EQ(s.http_listen, std::nullopt);
  EXPECT_EQ(s.log_format, LogFormat::json);
  EXPECT_EQ(s.log_level, LogLevel::debug);
  EXPECT_EQ(s.pool_threads, 9U);
}

TEST(Settings, FlagsWinOverEnvironmentOverYaml) {
  auto sources = minimal();
  sources.yaml = YamlText{"a.yaml", "target: /yaml\nretention.count: 7\nlog.level: warn\n"};
  sources.environment["BUNDLESYNC_LOG_LEVEL"] = "error";
  sources.environment["BUNDLESYNC_RETENTION_COUNT"] = "";  // empty is not set
  sources.flags = {{"target", "/flag"}};
  const auto s = load(sources).value();
  EXPECT_EQ(s.target, "/flag");
  EXPECT_EQ(row_of(s, "target"), (SettingRow{"target", "/flag", "--target"}));
  EXPECT_EQ(row_of(s, "log.level"), (SettingRow{"log.level", "error", "BUNDLESYNC_LOG_LEVEL"}));
  EXPECT_EQ(row_of(s, "retention.count"), (SettingRow{"retention.count", "7", "a.yaml:2:18"}));
  EXPECT_EQ(row_of(s, "cache.ttl"), (SettingRow{"cache.ttl", "24h", "default"}));
  EXPECT_EQ(row_of(s, "local_dir"), (SettingRow{"local_dir", "", "not set"}));
}

TEST(Settings, ErrorsNameThePlaceTheKeyAndTheRange) {
  auto sources = minimal();
  sources.yaml = YamlText{"a.yaml", "fetch.parallel: 0\n"};
  EXPECT_EQ(error_of(sources),
            "a.yaml:1:17: fetch.parallel: '0' is out of range, allowed is 1 to 64\nhint: the default is 8");
  sources.yaml.reset();
  sources.environment["BUNDLESYNC_RETENTION_AGE"] = "1 hour";
  EXPECT_EQ(
      error_of(sources),
      "BUNDLESYNC_RETENTION_AGE: retention.age: duration '1 hour' has an unknown unit 'hour'\nhint: write a whole "
      "number and one of ms, s, m, h, d, as in 30s");
  sources.environment.erase("BUNDLESYNC_RETENTION_AGE");
  sources.flags = {{"target", "prompts"}};
  EXPECT_EQ(error_of(sources), "--target: target: 'prompts' is not an absolute path\nhint: begin it with '/'");
  sources.flags = {{"tarket", "/prompts"}};
  EXPECT_EQ(error_of(sources), "there is no option 'tarket'");
}

TEST(Settings, TheFlagHasItsOwnVariable) {
  auto sources = minimal();
  sources.environment["FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE"] = "true";
  sources.environment["BUNDLESYNC_DATABASE_URL"] = "postgresql:///x";
  sources.environment["BUNDLESYNC_STORAGE_URL"] = "file:///store";
  EXPECT_TRUE(load(sources).value().remote);
}

TEST(Settings, SecretsComeFromFilesAndAreReadAgain) {
  auto sources = minimal();
  sources.environment["BUNDLESYNC_DATABASE_URL_FILE"] = "/run/db";
  give_files(sources, {{"/run/db", "postgresql:///x\n"}});
  const auto s = load(sources).value();
  EXPECT_EQ(s.database.url.value.reveal(), "postgresql:///x");
  EXPECT_EQ(s.database.url.file, "/run/db");
  EXPECT_EQ(row_of(s, "database.url"),
            (SettingRow{"database.url", "set", "BUNDLESYNC_DATABASE_URL_FILE from file /run/db"}));
  give_files(sources, {{"/run/db", "postgresql:///rotated\r\n"}});
  EXPECT_EQ(read_again(s.database.url, sources.read_file).value().reveal(), "postgresql:///rotated");
  EXPECT_EQ(read_again(s.storage.key, sources.read_file).value().reveal(), "");
  give_files(sources, {});
  EXPECT_EQ(read_again(s.database.url, sources.read_file).error().text(), "there is no file '/run/db'");
}

TEST(Settings, RefuseSecretFilesThatCannotBeSecrets) {
  auto sources = minimal();
  sources.yaml = YamlText{"a.yaml", "storage.key_file: /run/key\n"};
  give_files(sources, {});
  EXPECT_EQ(error_of(sources), "a.yaml:1:19: storage.key: there is no file '/run/key'");
  give_files(sources, {{"/run/key", "\n"}});
  EXPECT_EQ(error_of(sources), "a.yaml:1:19: storage.key: '/run/key' is empty");
  give_files(sources, {{"/run/key", "hunter2\nhunter3\n"}});
  EXPECT_EQ(error_of(sources),
            "a.yaml:1:19: storage.key: '/run/key' has more than one line\nhint: a secret's file holds the secret and "
            "nothing else");
  sources.yaml.reset();
  sources.environment["BUNDLESYNC_STORAGE_KEY"] = "hunter2";
  sources.environment["BUNDLESYNC_STORAGE_KEY_FILE"] = "/run/key";
  EXPECT_EQ(error_of(sources),
            "BUNDLESYNC_STORAGE_KEY and BUNDLESYNC_STORAGE_KEY_FILE are both set\nhint: unset one of the two");
}

TEST(Settings, TakeSystemdCredentialsBetweenYamlAndEnvironment) {
  auto sources = minimal();
  sources.yaml = YamlText{"a.yaml", "storage.key: from-yaml\ndatabase.url: from-yaml\n"};
  sources.environment["CREDENTIALS_DIRECTORY"] = "/run/credentials/bundlesync";
  give_files(sources, {{"/run/credentials/bundlesync/storage.key", "from-credential\n"}});
  auto s = load(sources).value();
  EXPECT_EQ(s.storage.key.value.reveal(), "from-credential");
  EXPECT_EQ(s.storage.key.file, "/run/credentials/bundlesync/storage.key");
  EXPECT_EQ(s.database.url.value.reveal(), "from-yaml");
  sources.environment["BUNDLESYNC_STORAGE_KEY"] = "from-environment";
  s = load(sources).value();
  EXPECT_EQ(s.storage.key.value.reveal(), "from-environment");
  EXPECT_EQ(s.storage.key.file, "");
}

TEST(Settings, TheAgentIgnoresConventionalNames) {
  auto sources = minimal();
  sources.environment["DATABASE_URL"] = "postgresql:///app";
  sources.environment["PGHOST"] = "app";
  sources.environment["SUPABASE_URL"] = "https://abc.supabase.co";
  sources.environment["SUPABASE_SERVICE_ROLE_KEY"] = "k";
  const auto s = load(sources).value();
  EXPECT_FALSE(s.database.url.is_set());
  EXPECT_FALSE(s.database.from_pg_environment);
  EXPECT_EQ(s.storage.url, std::nullopt);
  EXPECT_FALSE(s.storage.key.is_set());
}

TEST(Settings, CommandsFallBackToConventionalNames) {
  Sources sources;
  sources.purpose = Purpose::people;
  sources.environment = {{"DATABASE_URL", "postgresql:///app"},
                         {"PGHOST", "app"},
                         {"SUPABASE_URL", "https://abc.supabase.co/"},
                         {"SUPABASE_SERVICE_ROLE_KEY", "k"}};
  auto s = load(sources).value();
  EXPECT_EQ(s.database.url.value.reveal(), "postgresql:///app");
  EXPECT_FALSE(s.database.from_pg_environment);
  EXPECT_EQ(row_of(s, "database.url"), (SettingRow{"database.url", "set", "DATABASE_URL"}));
  EXPECT_EQ(s.storage.url, StorageUrl(SupabaseStore{"https://abc.supabase.co", "/storage/v1"}));
  EXPECT_EQ(s.storage.key.value.reveal(), "k");

  sources.environment["BUNDLESYNC_DATABASE_URL"] = "postgresql:///ours";
  sources.yaml = YamlText{"a.yaml", "storage.url: file:///store\n"};
  s = load(sources).value();
  EXPECT_EQ(s.database.url.value.reveal(), "postgresql:///ours");
  EXPECT_EQ(s.storage.url, StorageUrl(FileStore{"/store"}));

  sources.environment = {{"PGHOST", "app"}};
  s = load(sources).value();
  EXPECT_FALSE(s.database.url.is_set());
  EXPECT_TRUE(s.database.from_pg_environment);
}

TEST(Settings, WarnOfVariablesThatNothingReads) {
  auto sources = minimal();
  sources.environment["BUNDLESYNC_TEMPLATE"] = "x";
  sources.environment["BUNDLESYNC_REMOTE"] = "true";
  sources.environment["BUNDLESYNC_SOMETHING_ELSE_ENTIRELY"] = "x";
  sources.environment["BUNDLESYNC_PORT_9848_TCP"] = "tcp://10.0.0.1:9848";
  sources.environment["BUNDLESYNC_SERVICE_HOST"] = "10.0.0.1";
  sources.environment["BUNDLESYNC_CONFIG"] = "/etc/bundlesync/agent.yaml";
  EXPECT_EQ(
      load(sources).value().warnings,
      (std::vector<std::string>{
          "BUNDLESYNC_REMOTE is not a known variable and is ignored (hint: did you mean "
          "FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE?)",
          "BUNDLESYNC_SOMETHING_ELSE_ENTIRELY is not a known variable and is ignored",
          "BUNDLESYNC_TEMPLATE is not a known variable and is ignored (hint: did you mean BUNDLESYNC_TEMPLATES?)"}));
}

TEST(Settings, TheFingerprintKnowsValuesButNoSecrets) {
  auto sources = minimal();
  const auto before = fingerprint(load(sources).value());
  EXPECT_EQ(fingerprint(load(sources).value()), before);
  sources.environment["BUNDLESYNC_STORAGE_KEY"] = "a";
  const auto with_key = fingerprint(load(sources).value());
  EXPECT_NE(with_key, before);
  sources.environment["BUNDLESYNC_STORAGE_KEY"] = "b";
  EXPECT_EQ(fingerprint(load(sources).value()), with_key);
  sources.environment["BUNDLESYNC_RETENTION_COUNT"] = "4";
  EXPECT_NE(fingerprint(load(sources).value()), with_key);
}

TEST(Settings, TheFingerprintDoesNotDependOnTheOrigin) {
  auto sources = minimal();
  sources.environment["BUNDLESYNC_CACHE_TTL"] = "1440m";
  EXPECT_EQ(fingerprint(load(sources).value()), fingerprint(load(minimal()).value()));
}

TEST(Settings, NoSecretIsInRowsWarningsOrErrors) {
  auto sources = minimal();
  sources.environment["BUNDLESYNC_DATABASE_URL"] = "postgresql://u:hunter2@h/x";
  sources.environment["BUNDLESYNC_STORAGE_KEY"] = "hunter2";
  const auto s = load(sources).value();
  std::string everything;
  for (const auto& row : s.rows) everything += row.value + row.origin;
  for (const auto& warning : s.warnings) everything += warning;
  sources.environment["BUNDLESYNC_STORAGE_URL"] = "supabase+https://u:hunter2@h";
  everything += error_of(sources);
  EXPECT_EQ(everything.find("hunter2"), std::string::npos) << everything;
}

TEST(Settings, OfThoseWhoOnlyLookNeedNoSecretThatTheyMayNotRead) {
  Sources sources = minimal();
  sources.environment["BUNDLESYNC_DATABASE_URL_FILE"] = "/run/secrets/database.url";
  sources.read_file = [](const std::string& path) -> Result<std::string> {
    return fail(ErrorKind::unauthorised, "cannot read '" + path + "': Permission denied");
  };
  const std::string refused =
      "BUNDLESYNC_DATABASE_URL_FILE: database.url: cannot read '/run/secrets/database.url': Permission denied";
  EXPECT_EQ(error_of(sources), refused);
  sources.purpose = Purpose::people;
  EXPECT_EQ(error_of(sources), refused);
  sources.purpose = Purpose::looking;
  const auto settings = load(sources);
  ASSERT_TRUE(settings) << settings.error().text();
  EXPECT_FALSE(settings->database.url.is_set());
  EXPECT_EQ(settings->target, "/prompts");
}

TEST(Settings, NameAStorageThatThisVersionDoesNotSpeak) {
  Sources sources = minimal();
  sources.environment["FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE"] = "true";
  sources.environment["BUNDLESYNC_DATABASE_URL"] = "postgres://db/app";
  sources.environment["BUNDLESYNC_STORAGE_URL"] = "s3://bucket?region=eu";
  EXPECT_EQ(
      error_of(sources),
      "storage.url is s3://bucket?region=eu, and this version speaks file:// and supabase+https:// only\nhint: mount "
      "the store as a directory and give file:///that/directory");
}

}  // namespace
}  // namespace bundlesync::settings
