#include "cli/wiring.hpp"

#include "base/random.hpp"
#include "catalog/postgres/conninfo.hpp"
#include "catalog/postgres/postgres_feed.hpp"
#include "cli/small_file.hpp"
#include "cli/version.hpp"
#include "storage/file/file_storage.hpp"
#include "storage/retrying.hpp"
#include "storage/supabase/buckets.hpp"
#include "storage/supabase/supabase_storage.hpp"

#include <utility>
#include <variant>

namespace bundlesync::cli {
namespace {

catalog::WatchMode watch_mode(settings::DatabaseMode mode) {
  switch (mode) {
    case settings::DatabaseMode::automatic:
      return catalog::WatchMode::automatic;
    case settings::DatabaseMode::listen:
      return catalog::WatchMode::listen;
    case settings::DatabaseMode::poll:
      return catalog::WatchMode::poll;
  }
  return catalog::WatchMode::automatic;
}

async::Duration steady(std::chrono::milliseconds duration) {
  return std::chrono::duration_cast<async::Duration>(duration);
}

storage::http::Options http_options(const settings::Settings& settings) {
  storage::http::Options options;
  options.ca_file = settings.storage.ca;
  options.idle_max = settings.fetch_parallel;
  options.version = version();
  return options;
}

Result<std::unique_ptr<storage::Storage>> open_supabase(const settings::Settings& settings,
                                                        const settings::SupabaseStore& store,
                                                        asio::any_io_executor executor, KeyUsed key_used) {
  if (!settings.storage.key.is_set()) return fail(settings::missing("storage.key"));
  auto origin = storage::http::parse_origin(store.origin);
  if (!origin) return fail(std::move(origin.error()));
  storage::SupabaseOptions options;
  options.path = store.path;
  options.bucket = settings.storage.bucket;
  // Read again before every request: a key that was replaced in its file is used without a restart.
  options.key = [key = settings.storage.key] { return settings::read_again(key, read_small_file); };
  options.key_used = std::move(key_used);
  return storage::SupabaseStorage::open(std::move(executor), std::move(*origin), http_options(settings),
                                        std::move(options));
}

Error no_key_for_people() {
  return settings::missing("storage.key").with_hint("SUPABASE_SERVICE_ROLE_KEY is looked at, too");
}

}  // namespace

Result<std::unique_ptr<hooks::Validator>> open_validator(const settings::Settings& settings,
                                                         asio::any_io_executor executor, async::Clock& clock) {
  const auto& validate = settings.validate;
  if (validate.url) {
    return hooks::http_validator(std::move(executor), validate.url->origin, validate.url->target, validate.timeout,
                                 std::string(version()));
  }
  if (validate.command.empty()) return nullptr;
  return hooks::command_validator(std::move(executor), clock, validate.command, validate.timeout);
}

Result<hooks::Announcers> open_announcers(const settings::Settings& settings, asio::any_io_executor executor,
                                          async::Clock& clock, Random& random,
                                          std::function<void(const hooks::Told&)> told) {
  const auto& tell = settings.tell;
  hooks::Announcer::Options options;
  options.spread = tell.spread;
  hooks::Announcers all;
  const auto add = [&](std::unique_ptr<hooks::Listener> listener) {
    all.push_back(std::make_unique<hooks::Announcer>(executor, clock, random, std::move(listener), options, told));
  };
  if (tell.webhook) {
    hooks::WebhookOptions webhook;
    webhook.origin = tell.webhook->origin;
    webhook.target = tell.webhook->target;
    webhook.ca_file = tell.webhook_ca;
    webhook.timeout = tell.timeout;
    webhook.agent_version = version();
    if (tell.webhook_secret.is_set()) {
      webhook.secret = [secret = tell.webhook_secret] { return settings::read_again(secret, read_small_file); };
    }
    auto listener = hooks::webhook(executor, clock, std::move(webhook));
    if (!listener) return fail(std::move(listener.error()));
    add(std::move(*listener));
  }
  if (!tell.exec.empty()) add(hooks::program(executor, clock, tell.exec, tell.timeout));
  return all;
}

Result<std::unique_ptr<storage::Storage>> open_storage(const settings::Settings& settings,
                                                       asio::any_io_executor executor, async::Pool& storage_pool,
                                                       KeyUsed key_used) {
  if (!settings.storage.url) return fail(settings::missing("storage.url"));
  if (const auto* file = std::get_if<settings::FileStore>(&*settings.storage.url)) {
    return std::make_unique<storage::FileStorage>(file->directory, storage_pool);
  }
  if (const auto* supabase = std::get_if<settings::SupabaseStore>(&*settings.storage.url)) {
    return open_supabase(settings, *supabase, std::move(executor), std::move(key_used));
  }
  return fail(settings::not_spoken(*settings.storage.url));
}

Result<std::unique_ptr<storage::Storage>> open_storage_with_retries(const settings::Settings& settings,
                                                                    asio::any_io_executor executor,
                                                                    async::Pool& storage_pool, async::Clock& clock) {
  auto storage = open_storage(settings, std::move(executor), storage_pool);
  if (!storage && storage.error().fact() == settings::missing("storage.key").fact()) return fail(no_key_for_people());
  if (!storage) return storage;
  return storage::RetryingStorage::around(std::move(*storage), clock, storage::RetryPolicy(), system_seed());
}

Result<std::unique_ptr<storage::Buckets>> open_buckets(const settings::Settings& settings,
                                                       asio::any_io_executor executor) {
  const auto& store = std::get<settings::SupabaseStore>(settings.storage.url.value());
  if (!settings.storage.key.is_set()) return fail(no_key_for_people());
  auto origin = storage::http::parse_origin(store.origin);
  if (!origin) return fail(std::move(origin.error()));
  auto key = settings::read_again(settings.storage.key, read_small_file);
  if (!key) return fail(std::move(key.error()));
  return std::make_unique<storage::SupabaseBuckets>(std::move(executor), std::move(*origin), http_options(settings),
                                                    store.path, std::move(*key));
}

Result<std::unique_ptr<catalog::Feed>> open_feed(const settings::Settings& settings, asio::any_io_executor executor,
                                                 async::Clock& clock, async::Pool& pool) {
  if (!settings.database.url.is_set()) return fail(settings::missing("database.url"));
  // Read again at every connect: a password that was changed in its file is used without a restart.
  auto url = [secret = settings.database.url] { return settings::read_again(secret, read_small_file); };
  return std::make_unique<catalog::postgres::PostgresFeed>(std::move(executor), clock, pool, std::move(url),
                                                           settings.database.ca);
}

DatabaseName database_name(const settings::Settings& settings) {
  using namespace catalog::postgres;
  const auto info = read_conninfo(settings.database.url.value, settings.database.ca, system_ca_bundle());
  if (!info) return {};
  const auto value = [&](const char* key) {
    const auto found = info->parameters.find(key);
    return found == info->parameters.end() ? std::string() : found->second.reveal();
  };
  DatabaseName name;
  name.role = value("user");
  for (const auto& host : info->hosts) name.where += (name.where.empty() ? "" : ",") + host.text();
  name.where += "/" + (value("dbname").empty() ? name.role : value("dbname"));
  return name;
}

sync::Options sync_options(const settings::Settings& settings, const settings::Target& target) {
  sync::Options options;
  options.policy.templates = target.templates;
  options.policy.start_require = settings.start_require;
  options.policy.files_max = settings.limits.files_max;
  options.policy.bundle_bytes_max = settings.limits.bundle_bytes_max;
  options.policy.file_bytes_max = settings.limits.file_bytes_max;
  options.policy.validate = settings.validate.is_set();
  options.accept_without_validator = settings.validate.on_error == settings::OnError::accept;
  options.scrub_interval = settings.scrub.interval;
  options.scrub_bytes_per_second = settings.scrub.bytes_per_second;
  if (settings.trust.require) options.policy.trust = std::make_shared<const bundle::Trust>(settings.trust.keys);
  options.retention.age = settings.retention.age;
  options.retention.count = settings.retention.count;
  options.retention.bytes_max = settings.disk_bytes_max;
  options.cache_ttl = settings.cache_ttl;
  options.rescan_interval = settings.poll_interval;
  options.prefetch_spread = settings.prefetch_spread;
  options.fetch_parallel = settings.fetch_parallel;
  options.local_dir = settings.local_dir;
  options.fallback_dir = settings.fallback_dir;
  options.remote = settings.remote;
  return options;
}

sync::WatchOptions watch_options(const settings::Settings& settings) {
  sync::WatchOptions options;
  options.mode = watch_mode(settings.database.mode);
  options.poll_interval = steady(settings.poll_interval);
  options.poll_interval_proven = steady(settings.poll_interval_proven);
  return options;
}

}  // namespace bundlesync::cli
