#include "cli/agent_command.hpp"

#include "async/loop.hpp"
#include "async/task_group.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "catalog/postgres/conninfo.hpp"
#include "cli/version.hpp"
#include "cli/wiring.hpp"
#include "confine/confine.hpp"
#include "disk/granted_files.hpp"
#include "report/log.hpp"
#include "report/operator_reporter.hpp"
#include "settings/option.hpp"
#include "sync/agent.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <unistd.h>
#include <utility>

namespace bundlesync::cli {
namespace {

report::LogFormat log_format(settings::LogFormat format) {
  switch (format) {
    case settings::LogFormat::automatic:
      return report::LogFormat::automatic;
    case settings::LogFormat::text:
      return report::LogFormat::text;
    case settings::LogFormat::json:
      return report::LogFormat::json;
  }
  return report::LogFormat::automatic;
}

report::LogLevel log_level(settings::LogLevel level) {
  switch (level) {
    case settings::LogLevel::debug:
      return report::LogLevel::debug;
    case settings::LogLevel::info:
      return report::LogLevel::info;
    case settings::LogLevel::warn:
      return report::LogLevel::warn;
    case settings::LogLevel::error:
      return report::LogLevel::error;
  }
  return report::LogLevel::info;
}

std::string mode_text(const settings::Settings& settings) {
  if (!settings.remote) return "off";
  switch (settings.database.mode) {
    case settings::DatabaseMode::automatic:
      return "auto";
    case settings::DatabaseMode::listen:
      return "listen";
    case settings::DatabaseMode::poll:
      return "poll";
  }
  return "auto";
}

disk::Access access_of(const settings::Settings& settings) {
  disk::Access access;
  access.file_mode = settings.target_file_mode;
  access.dir_mode = settings.target_dir_mode;
  access.gid = settings.target_gid;
  return access;
}

/// Only root may give files to a group that it is not in.
Result<void> check_group(const settings::Settings& settings) {
  if (!settings.target_gid || ::geteuid() == 0) return {};
  const gid_t wanted = *settings.target_gid;
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  if (::getgroups(static_cast<int>(groups.size()), groups.data()) < 0) groups.clear();
  groups.push_back(::getegid());
  if (std::ranges::find(groups, wanted) != groups.end()) return {};
  return fail(ErrorKind::usage, fmt::format("target.gid is {}, and the agent is not in that group", wanted),
              "run it with that group beside its own: supplementalGroups of a pod, SupplementaryGroups= of a unit");
}

std::vector<std::string> names_of(const settings::Settings& settings) {
  std::vector<std::string> names;
  for (const auto& target : settings.targets) names.push_back(target.name);
  return names;
}

/// What one target is made of.
struct Floor {
  Floor(const settings::Settings& settings, const settings::Target& given)
      : what(given), options(sync_options(settings, given)) {}

  Result<void> open(disk::Files& files, const settings::Settings& settings);

  const settings::Target& what;
  const sync::Options options;
  std::unique_ptr<disk::Target> target;
  std::unique_ptr<disk::Trees> trees;
  std::unique_ptr<disk::StateStore> state;
  std::unique_ptr<live::LiveView> live;
};

/// Everything that one agent works with, in the order in which it must go: what is below goes first.
struct House {
  explicit House(const settings::Settings& given)
      : settings(given),
        files(access_of(given)),
        reporter(loop.clock(), report::make_log(log_format(given.log_format), log_level(given.log_level)),
                 report::ServiceManager::from_environment(loop.clock()), names_of(given)) {}

  Result<void> open();
  Result<void> check_distinct(const Floor& last);
  Result<void> open_announcers();
  std::optional<storage::supabase::KeyFacts> first_key() const;
  void tell_key(const storage::supabase::KeyFacts& key);
  report::Started started(const Floor& floor) const;
  void tell_start();
  std::vector<std::string> paths() const;
  sync::World world(const Floor& floor, report::Reporter& voice) {
    return sync::World{loop.executor(), loop.clock(), *disk_pool,    *floor.target, *floor.trees,
                       *floor.state,    *floor.live,  storage.get(), voice,         random,
                       validator.get(), &announcers,  nullptr};
  }
  sync::Agent agent();

  const settings::Settings& settings;
  std::string confined;
  disk::GrantedFiles files;
  std::list<Floor> floors;
  async::Loop loop;
  report::OperatorReporter reporter;
  Random random{system_seed()};
  std::unique_ptr<async::Pool> storage_pool;
  std::unique_ptr<storage::Storage> storage;
  std::unique_ptr<catalog::Feed> feed;
  std::unique_ptr<hooks::Validator> validator;
  hooks::Announcers announcers;  ///< those who are told; of an agent that follows
  std::unique_ptr<async::Pool> disk_pool;
};

Result<void> Floor::open(disk::Files& files, const settings::Settings& settings) {
  disk::Target::Options where;
  where.path = what.path;
  where.strict = settings.target_strict;
  where.allow_network = settings.target_allow_network;
  auto opened = disk::Target::open(files, where);
  if (!opened) return fail(opened.error());
  target = std::move(*opened);
  trees = disk::Trees::make(*target);
  state = disk::StateStore::make(*target);
  live = live::LiveView::make(*target, *state);
  return {};
}

/// By two names, or through a link: two keepers of one directory would only stand in each other's way.
Result<void> House::check_distinct(const Floor& last) {
  const auto place = files.stat(last.target->root());
  if (!place) return {};
  for (const Floor& floor : floors) {
    const auto other = files.stat(floor.target->root());
    if (&floor == &last || !other || !other->same_as(*place)) continue;
    return fail(ErrorKind::usage, "targets " + floor.what.path + " and " + last.what.path + " are one directory",
                "give each a directory of its own");
  }
  return {};
}

Result<void> House::open() {
  if (auto allowed = check_group(settings); !allowed) return allowed;
  for (const auto& what : settings.targets) {
    Floor& floor = floors.emplace_back(settings, what);
    if (auto opened = floor.open(files, settings); !opened) return opened;
    if (auto distinct = check_distinct(floor); !distinct) return distinct;
  }
  disk_pool = std::make_unique<async::Pool>(settings.pool_threads);
  if (!settings.remote) return {};  // the flag is off: nothing that could contact anybody is even made

  storage_pool = std::make_unique<async::Pool>(settings.fetch_parallel);
  auto tell = [this](const storage::supabase::KeyFacts& key) { tell_key(key); };
  auto store = open_storage(settings, loop.executor(), *storage_pool, std::move(tell));
  if (!store) return fail(store.error());
  storage = std::move(*store);
  auto session = open_feed(settings, loop.executor(), loop.clock(), loop.pool());
  if (!session) return fail(session.error());
  feed = std::move(*session);
  auto judge = open_validator(settings, loop.executor(), loop.clock());
  if (!judge) return fail(judge.error());
  validator = std::move(*judge);
  return {};
}

/// Only an agent that follows tells anybody: with --once the app is not there yet.
Result<void> House::open_announcers() {
  auto told = [this](const hooks::Told& what) {
    report::Announced announced;
    announced.to = what.listener;
    announced.ok = !what.error;
    announced.attempts = what.attempts;
    if (what.error) announced.text = what.error->line();
    reporter.announced(announced);
  };
  auto all = cli::open_announcers(settings, loop.executor(), loop.clock(), random, std::move(told));
  if (!all) return fail(all.error());
  announcers = std::move(*all);
  return {};
}

/// The key that the settings give to a storage that takes one.
std::optional<storage::supabase::KeyFacts> House::first_key() const {
  if (!settings.remote || !settings.storage.url) return std::nullopt;
  if (!std::holds_alternative<settings::SupabaseStore>(*settings.storage.url)) return std::nullopt;
  return storage::supabase::facts_of(settings.storage.key.value);
}

void House::tell_key(const storage::supabase::KeyFacts& key) {
  report::Credential credential;
  credential.kind = "storage";
  credential.role = key.role;
  credential.expires = key.expires;
  reporter.credential(credential);
  const std::string_view privilege = key.privilege();
  reporter.privileged("storage_key", privilege.empty() ? "" : fmt::format("storage.key ({}) {}", key.role, privilege));
}

report::Started House::started(const Floor& floor) const {
  report::Started line;
  line.version = std::string(version());
  line.config = "sha256:" + settings::fingerprint(settings).hex();
  line.target = floor.target->path().string();
  line.file_system = floor.target->file_system();
  line.mode = mode_text(settings);
  if (storage) line.storage = storage->describe();
  if (const auto key = first_key()) {
    line.key_role = key->role;
    if (key->expires) line.key_expires = format_time(*key->expires);
  }
  if (settings.remote) {
    const DatabaseName database = database_name(settings);
    line.database = database.where;
    line.role = database.role;
  }
  line.templates = fmt::format("{}", fmt::join(floor.what.templates, ","));
  line.confined = confined;
  line.remote = settings.remote;
  line.target_shared = floor.target->shared();
  return line;
}

void House::tell_start() {
  std::size_t index = 0;
  for (const Floor& floor : floors) {
    report::Reporter& voice = index == 0 ? static_cast<report::Reporter&>(reporter) : reporter.target(index);
    voice.started(started(floor));
    ++index;
  }
}

std::vector<std::string> House::paths() const {
  std::vector<std::string> all;
  for (const Floor& floor : floors) all.push_back(floor.target->path().string());
  return all;
}

sync::Agent House::agent() {
  std::vector<sync::Place> places;
  for (const Floor& floor : floors) {
    sync::Place place{floor.what.name, world(floor, reporter.target(places.size())), &floor.options};
    places.push_back(std::move(place));
  }
  sync::World session = world(floors.front(), reporter);
  return sync::Agent(session, std::move(places), feed.get(), watch_options(settings));
}

/// Before the first thread and the first connection: what comes later inherits it. A hook that is a program may have
/// to run others, and to write.
void confine_to_targets(House& house) {
  const settings::Settings& settings = house.settings;
  if (!settings.confine) {
    house.confined = "off";
    return;
  }
  const bool runs_programs = !settings.validate.command.empty() || !settings.tell.exec.empty();
  std::vector<std::string> given_up;
  if (confine::no_core()) given_up.emplace_back("no_core");
  if (!runs_programs && confine::write_only_beneath(house.paths()) > 0) given_up.emplace_back("landlock");
  if (confine::refuse_system_calls(runs_programs)) given_up.emplace_back("seccomp");
  house.confined = given_up.empty() ? "off" : fmt::format("{}", fmt::join(given_up, ","));
}

/// A port that is in use, or no such address, is no reason to stop syncing.
void serve_health(House& house, async::TaskGroup& tasks, std::unique_ptr<report::HealthServer>& server) {
  if (!house.settings.http_listen) return;
  report::HealthServer::Options options;
  options.address = house.settings.http_listen->host == "localhost" ? "127.0.0.1" : house.settings.http_listen->host;
  options.port = house.settings.http_listen->port;
  auto opened = report::HealthServer::open(house.loop.executor(), options, house.reporter);
  if (!opened) {
    house.reporter.warning(opened.error().line());
    return;
  }
  server = std::move(*opened);
  tasks.spawn("health", server->serve());
}

Task<Result<void>> follow(House& house) {
  async::TaskGroup tasks(house.loop.executor());
  std::unique_ptr<report::HealthServer> server;
  serve_health(house, tasks, server);
  sync::Agent agent = house.agent();
  tasks.spawn("agent", agent.follow());
  for (const auto& announcer : house.announcers) tasks.spawn("announce", announcer->run());
  Result<void> ended = co_await tasks.wait();
  co_return ended;
}

Task<Result<sync::OnceOutcome>> once(House& house, async::Duration timeout) {
  sync::Agent agent = house.agent();
  Result<sync::OnceOutcome> outcome = co_await agent.once(timeout);
  co_return outcome;
}

Result<ExitCode> end_of_once(const sync::OnceOutcome& outcome, const AgentOptions& options,
                             report::Reporter& reporter) {
  if (options.strict && !outcome.converged) {
    for (const auto& line : outcome.unfinished) reporter.warning("not converged: " + line);
    return ExitCode::not_converged;
  }
  if (!outcome.readiness.ready) {
    reporter.warning(fmt::format("nothing to show for {}", fmt::join(outcome.readiness.missing, ", ")));
    return ExitCode::failed;
  }
  return ExitCode::done;
}

Result<ExitCode> run_once(House& house, const AgentOptions& options) {
  const auto timeout = std::chrono::duration_cast<async::Duration>(options.timeout);
  auto outcome = house.loop.run(once(house, timeout));
  if (!outcome) return fail(outcome.error());
  return end_of_once(*outcome, options, house.reporter);
}

Result<ExitCode> run_following(House& house) {
  auto ended = house.loop.run(follow(house));
  if (ended) return ExitCode::done;
  if (ended.error().kind() != ErrorKind::cancelled) return fail(ended.error());
  house.reporter.stopping(ended.error().fact());
  return ExitCode::done;
}

/// A medium or a resolver that hangs keeps its thread, and a thread cannot be ended: everything that matters is on disk
/// by now, so the process ends without waiting long for it.
constexpr auto kLeaveWithin = std::chrono::milliseconds(400);

}  // namespace

Result<ExitCode> run_agent(const settings::Settings& settings, const AgentOptions& options) {
  if (settings.confine) {
    confine::seal_descriptors();
    confine::forget_variables(settings::secret_variables());
  }
  catalog::postgres::forget_libpq_environment();
  House house(settings);
  Result<void> opened = house.open();
  if (opened && !options.once) opened = house.open_announcers();
  if (!opened) return fail(opened.error());
  confine_to_targets(house);

  house.tell_start();
  if (const auto key = house.first_key()) house.tell_key(*key);
  for (const auto& warning : settings.warnings) house.reporter.warning(warning);
  Result<ExitCode> ended = options.once ? run_once(house, options) : run_following(house);
  house.loop.set_exit_code(static_cast<int>(ended ? *ended : ended.error().exit_code()));
  house.loop.end_within(kLeaveWithin);
  return ended;
}

}  // namespace bundlesync::cli
