// How fast an agent on an empty disk has a large bundle: see tests/bench/cold.
#include "support/child.hpp"
#include "support/postgres_server.hpp"
#include "support/process.hpp"
#include "support/supabase_server.hpp"
#include "support/temp_dir.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using namespace bundlesync::tests;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int files_in_bundle = 1'000;
constexpr int bytes_in_file = 4'096;
constexpr const char* bucket = "template-artifacts";
constexpr const char* route = "/storage/v1/object/authenticated/template-artifacts";

/// One run of `bundlesync agent --once` on an empty target.
struct Cold {
  double seconds = 0;
  double cpu_seconds = 0;
  long rss_kib = 0;  ///< the largest it ever was
};

/// Runs a program to its end and says what it took. Its log goes to `log`.
Cold measure(const std::vector<std::string>& words, const Environment& environment, const fs::path& log) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : environment) texts.push_back(name + "=" + value);
  std::vector<char*> argv;
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (auto& text : texts) envp.push_back(text.data());
  envp.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t pid = -1;
  const auto begun = Clock::now();
  const int failed = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::system_error(failed, std::generic_category(), words[0]);
  int status = 0;
  rusage used{};
  while (::wait4(pid, &status, 0, &used) < 0 && errno == EINTR) {
  }
  const std::chrono::duration<double> took = Clock::now() - begun;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::ifstream said(log);
    throw std::runtime_error("the agent failed:\n" + std::string(std::istreambuf_iterator<char>(said), {}));
  }
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  Cold cold;
  cold.seconds = took.count();
  cold.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  cold.rss_kib = used.ru_maxrss;
  return cold;
}

/// nginx that serves a directory as files, at the paths at which Supabase Storage has its objects.
class Nginx {
 public:
  Nginx(const fs::path& home, const fs::path& objects) : port_(free_port()), log_(home / "access") {
    std::ofstream(home / "nginx.conf") << fmt::format(
        "daemon off; master_process off; worker_processes 1; pid {0}/pid; error_log {0}/error;\n"
        "events {{ worker_connections 256; }}\n"
        "http {{ access_log {0}/access; keepalive_requests 100000; sendfile on; tcp_nopush on;\n"
        "  client_body_temp_path {0}/t1; proxy_temp_path {0}/t2; fastcgi_temp_path {0}/t3; uwsgi_temp_path {0}/t4;\n"
        "  scgi_temp_path {0}/t5;\n"
        "  server {{ listen 127.0.0.1:{1}; location {2}/ {{ alias {3}/; }} }} }}\n",
        home.string(), port_, route, objects.string());
    const fs::path packaged = "/usr/sbin/nginx";  // not in an ordinary user's PATH
    pid_ = start_child({packaged.string(), "-c", home / "nginx.conf", "-p", home.string()},
                       ServerUser{::getuid(), ::getgid()}, home / "nginx.log", SIGQUIT);
    for (int tries = 0; tries < 500 && !fs::exists(home / "pid"); ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (!fs::exists(home / "pid")) throw std::runtime_error("nginx did not start");
  }
  ~Nginx() {
    ::kill(pid_, SIGTERM);
    if (!wait_child(pid_, std::chrono::seconds(5))) ::kill(pid_, SIGKILL);
  }
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;
  std::string url() const { return fmt::format("supabase+http://127.0.0.1:{}/storage/v1", port_); }
  std::size_t requests() const {
    std::ifstream lines(log_);
    return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(lines), {}, '\n'));
  }

 private:
  int port_;
  fs::path log_;
  pid_t pid_ = -1;
};

class Bed {
 public:
  Bed();
  Cold run(const std::string& storage_url, const fs::path& below);
  std::size_t requests_of_stand_in() const { return stand_in_.requests().size(); }
  void forget_requests() { stand_in_.forget_requests(); }
  std::string stand_in() const { return stand_in_.url(); }
  /// The same objects as files.
  void copy_objects(const fs::path& directory) const;

 private:
  TempDir home_;
  PostgresServer server_;
  std::string database_ = server_.create_migrated_database();
  SupabaseServer stand_in_;
  Environment environment_;
  int runs_ = 0;
};

Bed::Bed() {
  supabase::Bucket made;
  made.name = bucket;
  stand_in_.create_bucket(made);
  supabase::Policy read;
  read.bucket = bucket;
  read.role = "bundlesync_reader";
  read.commands = {"select"};
  stand_in_.allow(read);
  const fs::path bundle = home_ / "bundle";
  fs::create_directory(bundle);
  for (int i = 0; i < files_in_bundle; ++i) {
    std::ofstream file(bundle / fmt::format("part-{:04}.md", i));
    for (int line = 0; line < bytes_in_file / 32; ++line) file << fmt::format("{:<31}\n", i * 1'000 + line);
  }
  server_.exec(database_, "create role prompts_agent login in role bundlesync_agent");
  Command publish;
  publish.words = {BUNDLESYNC_PROGRAM, "publish", bundle.string(), "--template", "alpha",
                   "--version",        "1.0.0",   "--set-default"};
  publish.environment = {{"BUNDLESYNC_DATABASE_URL", server_.url(database_)},
                         {"BUNDLESYNC_STORAGE_URL", stand_in_.url()},
                         {"BUNDLESYNC_STORAGE_KEY", stand_in_.token("service_role")}};
  const Ended ended = bundlesync::tests::run(publish, std::chrono::seconds(120));
  if (ended.code != 0) throw std::runtime_error(ended.err);
  environment_ = {{"BUNDLESYNC_TEMPLATES", "alpha"},
                  {"BUNDLESYNC_HTTP_LISTEN", "off"},
                  {"BUNDLESYNC_DATABASE_URL", server_.url(database_, "prompts_agent")},
                  {"BUNDLESYNC_STORAGE_KEY", stand_in_.token("bundlesync_reader")},
                  {"FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE", "true"}};
}

Cold Bed::run(const std::string& storage_url, const fs::path& below) {
  const fs::path target = below / fmt::format("target-{}", ++runs_);
  fs::create_directory(target);
  Environment environment = environment_;
  environment["BUNDLESYNC_TARGET"] = target;
  environment["BUNDLESYNC_STORAGE_URL"] = storage_url;
  const Cold cold =
      measure({BUNDLESYNC_PROGRAM, "agent", "--once", "--strict", "--timeout", "60s"}, environment, home_ / "log");
  const auto shown = std::distance(fs::directory_iterator(target / "alpha"), fs::directory_iterator());
  if (shown < files_in_bundle) throw std::runtime_error(fmt::format("only {} files are shown", shown));
  return cold;
}

void Bed::copy_objects(const fs::path& directory) const {
  for (const auto& key : stand_in_.keys(bucket)) {
    fs::create_directories((directory / key).parent_path());
    std::ofstream(directory / key) << stand_in_.object(bucket, key).value();
  }
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.at(values.size() / 2);
}

void print(const std::string& what, const std::vector<Cold>& runs, std::size_t requests) {
  std::vector<double> seconds;
  std::vector<double> cpu;
  std::vector<double> rss;
  for (const auto& run : runs) {
    seconds.push_back(run.seconds);
    cpu.push_back(run.cpu_seconds);
    rss.push_back(static_cast<double>(run.rss_kib));
  }
  fmt::print("{:<28} {:5.0f} requests   {:.2f} s ({:.2f} to {:.2f})   CPU {:.2f} s   peak RSS {:.0f} KiB\n", what,
             static_cast<double>(requests) / static_cast<double>(runs.size()), median(seconds),
             *std::ranges::min_element(seconds), *std::ranges::max_element(seconds), median(cpu), median(rss));
}

void compare(int runs_wanted) {
  Bed bed;
  TempDir nginx_home;
  bed.copy_objects(nginx_home / "objects");
  const Nginx nginx(nginx_home.path(), nginx_home / "objects");
  fmt::print("bundlesync agent --once, {} files of {} bytes, empty target, {} runs each, medians\n", files_in_bundle,
             bytes_in_file, runs_wanted);
  for (const auto& [name, place] :
       {std::pair("disk", fs::temp_directory_path()), std::pair("tmpfs", fs::path("/dev/shm"))}) {
    TempDir below(place);
    std::vector<Cold> from_stand_in;
    std::vector<Cold> from_nginx;
    bed.forget_requests();
    const auto before = nginx.requests();
    for (int i = 0; i < runs_wanted; ++i) {
      from_stand_in.push_back(bed.run(bed.stand_in(), below.path()));
      from_nginx.push_back(bed.run(nginx.url(), below.path()));
    }
    print(fmt::format("stand-in, target on {}", name), from_stand_in, bed.requests_of_stand_in());
    print(fmt::format("nginx, target on {}", name), from_nginx, nginx.requests() - before);
  }
  fmt::print(
      "How: wall clock from spawn to exit, CPU and peak RSS of wait4; requests as the servers count them. The stand-in "
      "is\nthe tests' own, in this process, and says nothing of the real server's speed. Server, PostgreSQL and agent "
      "share\nthis machine's {} cores.\n",
      std::thread::hardware_concurrency());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    compare(argc > 1 ? std::max(1, std::atoi(argv[1])) : 5);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
