#include "bed.hpp"

#include <fmt/format.h>

#include <fstream>

namespace bundlesync::tests {
namespace fs = std::filesystem;
namespace {

void write_file(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace

AgentBed::AgentBed(PostgresServer& server)
    : server_(server),
      database_(server_.create_migrated_database()),
      store_(home_ / "store"),
      target_(home_ / "prompts") {
  fs::create_directory(target_);
  server_.exec("postgres",
               "do $$ begin create role prompts_agent login in role bundlesync_agent; "
               "exception when duplicate_object then null; end $$");
  environment_ = {{"BUNDLESYNC_TARGET", target_.string()},
                  {"BUNDLESYNC_TEMPLATES", "*"},
                  {"BUNDLESYNC_DATABASE_URL", server_.url(database_, "prompts_agent")},
                  {"BUNDLESYNC_STORAGE_URL", store_.url()},
                  {"BUNDLESYNC_PREFETCH_SPREAD", "1h"},
                  {"FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE", "true"}};
}

Files AgentBed::files_of(const std::string& template_name, const std::string& version) {
  return {{"master.md", fmt::format("# {} {}\n\nDo as {} says.\n", template_name, version, version)},
          {"golden/example.fr.md", fmt::format("exemple de {} {}\n", template_name, version)},
          {"license.txt", fmt::format("the same in every version of {}\n", template_name)}};
}

std::string AgentBed::key(const std::string& template_name, const std::string& version, const std::string& path) {
  return fmt::format("{}/v{}/{}", template_name, version, path);
}

void AgentBed::publish(const std::string& template_name, const std::string& version, const Files& files,
                       bool set_default) {
  const fs::path bundle = home_ / fmt::format("bundle-{}", ++published_);
  for (const auto& [path, bytes] : files) write_file(bundle / path, bytes);
  std::vector<std::string> words{"publish", bundle.string(), "--template", template_name, "--version", version};
  if (set_default) words.emplace_back("--set-default");
  if (!sign_with_.empty()) words.insert(words.end(), {"--sign", sign_with_});
  const Ended ended = command(words, {{"BUNDLESYNC_DATABASE_URL", server_.url(database_)}});
  ASSERT_EQ(ended.code, 0) << ended.err;
  oracle_.add(template_name, version, files);
}

void AgentBed::publish(const std::string& template_name, const std::string& version, bool set_default) {
  publish(template_name, version, files_of(template_name, version), set_default);
}

std::string AgentBed::sql(const std::string& statement) {
  auto session = server_.connect(database_);
  (void)value_of(session.exec("set search_path = public"));
  const auto rows = value_of(session.exec(statement));
  return rows.empty() || rows.columns() == 0 ? "" : std::string(rows.text(0, 0));
}

std::string AgentBed::version_id(const std::string& template_name, const std::string& version) {
  return sql(
      fmt::format("select v.id from public.template_versions v join public.templates t on t.id = v.template_id "
                  "where t.name = '{}' and v.semver = '{}'",
                  template_name, version));
}

void AgentBed::move(const std::vector<DefaultMove>& moves) {
  std::string statement = "begin;";
  for (const auto& [name, version] : moves) {
    statement += fmt::format(
        "update public.templates set default_version_id = (select v.id from public.template_versions v "
        "where v.template_id = templates.id and v.semver = '{}') where name = '{}';",
        version, name);
  }
  server_.exec(database_, statement + "commit;");
}

AgentLaunch AgentBed::launch(const Environment& more) const {
  AgentLaunch launch;
  launch.program = BUNDLESYNC_PROGRAM;
  launch.environment = environment_;
  for (const auto& [name, value] : more) launch.environment[name] = value;
  return launch;
}

std::unique_ptr<AgentProcess> AgentBed::start(const Environment& more) {
  return std::make_unique<AgentProcess>(launch(more));
}

Ended AgentBed::command(const std::vector<std::string>& words, const Environment& more) {
  Command command;
  command.words = {BUNDLESYNC_PROGRAM};
  command.words.insert(command.words.end(), words.begin(), words.end());
  command.environment = launch(more).environment;
  command.umask = 0022;
  return run(command);
}

std::string AgentBed::shown(const std::string& template_name) const {
  const Look look = Reader(target_, oracle_).look(template_name);
  EXPECT_FALSE(look.torn) << template_name << " is no version that was ever published";
  return look.version;
}

bool AgentBed::comes_to_show(const std::string& template_name, const std::string& version, Patience patience) const {
  return wait_until(patience, [&] { return shown(template_name) == version; });
}

bool AgentBed::comes_to_say(const AgentProcess& agent, const std::string& template_name, const std::string& state,
                            Patience patience) {
  return wait_until(patience, [&] { return text_of(agent.status_of(template_name), "state") == state; });
}

bool AgentBed::comes_to_answer(const AgentProcess& agent, const std::string& path, int status) {
  return wait_until(std::chrono::seconds(5), [&] { return agent.get(path).status == status; });
}

double AgentBed::metric(const AgentProcess& agent, const std::string& name_and_labels) {
  const std::string body = "\n" + agent.get("/metrics").body;
  const auto found = body.find("\n" + name_and_labels + " ");
  return found == std::string::npos ? -1 : std::atof(body.c_str() + found + 1 + name_and_labels.size());
}

HealthWatch::HealthWatch(int port)
    : thread_([this, port](const std::stop_token& stopped) {
        while (!stopped.stop_requested()) {
          const int status = http_get(port, "/healthz").status;
          ++seen_.asked;
          if (status != 200) seen_.not_ok.push_back(status);
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
      }) {}

HealthWatch::Seen HealthWatch::stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  return seen_;
}

}  // namespace bundlesync::tests
