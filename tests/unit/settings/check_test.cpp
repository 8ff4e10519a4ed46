#include "settings/check.hpp"

#include <gtest/gtest.h>

namespace bundlesync::settings {
namespace {

Sources with(std::map<std::string, std::string> environment, Purpose purpose = Purpose::agent) {
  Sources sources;
  sources.purpose = purpose;
  sources.environment = std::move(environment);
  return sources;
}

std::map<std::string, std::string> minimal() {
  return {{"BUNDLESYNC_TARGET", "/prompts"}, {"BUNDLESYNC_TEMPLATES", "*"}};
}

constexpr const char* plain_http =
    "storage.url is plain http: storage.key crosses the network unencrypted (hint: write supabase+https://...)";

std::string error_of(const Sources& sources) {
  const auto settings = load(sources);
  return settings ? "no error" : settings.error().text();
}

TEST(SettingsTogether, TheAgentNeedsTargetAndTemplates) {
  EXPECT_EQ(error_of(with({})),
            "target is not set\nhint: set BUNDLESYNC_TARGET, --target or target in the settings file");
  EXPECT_EQ(error_of(with({{"BUNDLESYNC_TARGET", "/p"}})),
            "templates is not set\nhint: set BUNDLESYNC_TEMPLATES, --templates or templates in the settings file");
}

TEST(SettingsTogether, CommandsForPeopleNeedNothing) {
  EXPECT_EQ(error_of(with({}, Purpose::people)), "no error");
  EXPECT_EQ(error_of(with({{"FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE", "1"}}, Purpose::people)), "no error");
}

TEST(SettingsTogether, RemoteNeedsDatabaseAndStorage) {
  auto environment = minimal();
  environment["FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE"] = "true";
  const std::string off_hint = "\nhint: or turn remote off to show local and fallback files only";
  EXPECT_EQ(error_of(with(environment)),
            "remote is on: database.url is not set\nhint: set BUNDLESYNC_DATABASE_URL, BUNDLESYNC_DATABASE_URL_FILE or "
            "database.url in the settings file" +
                off_hint);
  environment["BUNDLESYNC_DATABASE_URL"] = "postgresql:///x";
  EXPECT_EQ(
      error_of(with(environment)),
      "remote is on: storage.url is not set\nhint: set BUNDLESYNC_STORAGE_URL, --storage-url or storage.url in the "
      "settings file" +
          off_hint);
  environment["BUNDLESYNC_STORAGE_URL"] = "supabase+http://h";
  EXPECT_EQ(error_of(with(environment)),
            "remote is on: storage.key is not set\nhint: set BUNDLESYNC_STORAGE_KEY, BUNDLESYNC_STORAGE_KEY_FILE or "
            "storage.key in the settings file" +
                off_hint);
  environment["BUNDLESYNC_STORAGE_KEY"] = "k";
  EXPECT_EQ(load(with(environment)).value().warnings, std::vector<std::string>{plain_http});
  environment["BUNDLESYNC_STORAGE_URL"] = "file:///store";
  EXPECT_TRUE(load(with(environment)).value().warnings.empty());
}

TEST(SettingsTogether, PlainHttpIsSaidUnlessItStaysOnThisMachine) {
  auto environment = minimal();
  environment["BUNDLESYNC_STORAGE_KEY"] = "k";
  for (const auto* host : {"storage", "10.0.0.1:5000", "localhost.example.org", "[::2]:5000", "127.example.org"}) {
    environment["BUNDLESYNC_STORAGE_URL"] = "supabase+http://" + std::string(host);
    EXPECT_EQ(load(with(environment, Purpose::people)).value().warnings, std::vector<std::string>{plain_http}) << host;
  }
  for (const auto* host : {"localhost:5000", "127.0.0.1", "127.1.2.3:1", "[::1]:5000", "kong.localhost"}) {
    environment["BUNDLESYNC_STORAGE_URL"] = "supabase+http://" + std::string(host);
    EXPECT_TRUE(load(with(environment, Purpose::people)).value().warnings.empty()) << host;
  }
  environment["BUNDLESYNC_STORAGE_URL"] = "supabase+https://storage.example.org";
  EXPECT_TRUE(load(with(environment, Purpose::people)).value().warnings.empty());
}

TEST(SettingsTogether, StorageTrustsMoreCertificates) {
  auto environment = minimal();
  environment["BUNDLESYNC_STORAGE_CA"] = "/etc/ssl/ours.pem";
  EXPECT_EQ(load(with(environment)).value().storage.ca, "/etc/ssl/ours.pem");
}

TEST(SettingsTogether, RemoteOffWhileConfiguredIsSaid) {
  auto environment = minimal();
  EXPECT_FALSE(remote_off_but_configured(load(with(environment)).value()));
  environment["BUNDLESYNC_DATABASE_URL"] = "postgresql:///x";
  const auto settings = load(with(environment)).value();
  EXPECT_TRUE(remote_off_but_configured(settings));
  EXPECT_EQ(settings.warnings,
            std::vector<std::string>{
                "remote is off while database.url is set: neither database nor storage is contacted (hint: "
                "set FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE=true to follow them)"});
}

TEST(SettingsTogether, TheTargetIsApartFromWhatIsOnlyRead) {
  auto environment = minimal();
  environment["BUNDLESYNC_FALLBACK_DIR"] = "/prompts/fallback";
  EXPECT_EQ(error_of(with(environment)),
            "target '/prompts' and fallback_dir '/prompts/fallback' are inside each other\nhint: the agent writes to "
            "target and "
            "only reads fallback_dir: keep them apart");
  environment["BUNDLESYNC_FALLBACK_DIR"] = "/";
  EXPECT_EQ(
      error_of(with(environment)),
      "target '/prompts' and fallback_dir '/' are inside each other\nhint: the agent writes to target and only reads "
      "fallback_dir: keep them apart");
  environment["BUNDLESYNC_FALLBACK_DIR"] = "/prompts2";
  environment["BUNDLESYNC_LOCAL_DIR"] = "/prompts";
  EXPECT_EQ(error_of(with(environment)),
            "target '/prompts' and local_dir '/prompts' are inside each other\nhint: the agent writes to target and "
            "only reads "
            "local_dir: keep them apart");
  environment["BUNDLESYNC_LOCAL_DIR"] = "/prompts2/local";
  EXPECT_EQ(error_of(with(environment)), "no error");
  environment["BUNDLESYNC_TARGET"] = "/";
  EXPECT_EQ(error_of(with(environment)), "target is '/'\nhint: give the agent a directory of its own, as in /prompts");
}

TEST(SettingsTogether, ABudgetBelowTheBundleLimitIsSaid) {
  auto environment = minimal();
  environment["BUNDLESYNC_DISK_MAX_BYTES"] = "1MiB";
  EXPECT_EQ(load(with(environment)).value().warnings,
            std::vector<std::string>{
                "limits.bundle 64MiB is more than disk.max_bytes 1MiB: a version of that size never fits "
                "(hint: raise disk.max_bytes or lower limits.bundle)"});
}

}  // namespace
}  // namespace bundlesync::settings
