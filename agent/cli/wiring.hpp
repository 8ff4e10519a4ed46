#pragma once

#include "async/pool.hpp"
#include "catalog/feed.hpp"
#include "hooks/announcer.hpp"
#include "hooks/validator.hpp"
#include "settings/settings.hpp"
#include "storage/bucket.hpp"
#include "storage/storage.hpp"
#include "storage/supabase/key.hpp"
#include "sync/watch.hpp"
#include "sync/world.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string>

/// The only place that names concrete classes: from settings to the parts that the agent and the commands work with.
namespace bundlesync::cli {

/// Hears what may be said of the first storage key that is used, and of every other one after it.
using KeyUsed = std::function<void(const storage::supabase::KeyFacts&)>;

/// Whoever looks at versions first; null where the settings name nobody. Nothing is contacted yet.
Result<std::unique_ptr<hooks::Validator>> open_validator(const settings::Settings& settings,
                                                         asio::any_io_executor executor, async::Clock& clock);

/// Everybody who is told what is shown. Nothing is contacted yet. `told` hears how each telling ended.
Result<hooks::Announcers> open_announcers(const settings::Settings& settings, asio::any_io_executor executor,
                                          async::Clock& clock, Random& random,
                                          std::function<void(const hooks::Told&)> told);

/// The storage that storage.url names. Nothing is contacted yet. Blocking media use `storage_pool`, which should be
/// theirs alone; sockets use `executor`, whose loop must outlive the storage.
/// usage: no storage.url, no storage.key where one is needed, or a scheme that this build does not speak.
Result<std::unique_ptr<storage::Storage>> open_storage(const settings::Settings& settings,
                                                       asio::any_io_executor executor, async::Pool& storage_pool,
                                                       KeyUsed key_used = {});

/// The same for the publisher: with a deadline on every call, and retries. (The agent has its own: a fetch that failed
/// is planned anew.)
Result<std::unique_ptr<storage::Storage>> open_storage_with_retries(const settings::Settings& settings,
                                                                    asio::any_io_executor executor,
                                                                    async::Pool& storage_pool, async::Clock& clock);

/// The buckets of a storage that has some; storage.url must be Supabase's. Nothing is contacted yet. usage: no
/// storage.key.
Result<std::unique_ptr<storage::Buckets>> open_buckets(const settings::Settings& settings,
                                                       asio::any_io_executor executor);

/// The agent's session to the database. Nothing is contacted yet. usage: no database.url.
Result<std::unique_ptr<catalog::Feed>> open_feed(const settings::Settings& settings, asio::any_io_executor executor,
                                                 async::Clock& clock, async::Pool& pool);

/// Where database.url leads, for people: several hosts with commas. Empty where it cannot be read.
struct DatabaseName {
  std::string where;  ///< "host:port/name"
  std::string role;
};
DatabaseName database_name(const settings::Settings& settings);

/// For one of its targets.
sync::Options sync_options(const settings::Settings& settings, const settings::Target& target);
sync::WatchOptions watch_options(const settings::Settings& settings);

}  // namespace bundlesync::cli
