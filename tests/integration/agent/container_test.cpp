#include "bed.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <iterator>
#include <unistd.h>

// The image that deploy/Dockerfile makes, and the picture it is for: the agent beside an app, each in a container and
// under a user of its own, the app with a read-only mount of the same volume.
namespace bundlesync::tests {
namespace {
namespace fs = std::filesystem;

constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool is_installed(const std::string& program) {
  Command which;
  which.words = {"/bin/sh", "-c", "command -v " + program};
  which.environment = {{"PATH", kPath}};
  return run(which).code == 0;
}

std::string text_of_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

/// podman with a storage of its own; every container that it started is gone when this goes.
class Podman {
 public:
  explicit Podman(fs::path home) : home_(std::move(home)) { fs::create_directories(home_); }
  Podman(const Podman&) = delete;
  Podman& operator=(const Podman&) = delete;
  ~Podman() {
    (void)(*this)({"rm", "--all", "--force", "--volumes", "--time", "0"});
    (void)(*this)({"rmi", "--all", "--force"});
  }

  Ended operator()(const std::vector<std::string>& words) const { return run(command(words)); }

  Command command(const std::vector<std::string>& words) const {
    Command command;
    command.words = {"/usr/bin/podman",
                     "--root",
                     (home_ / "storage").string(),
                     "--runroot",
                     (home_ / "run").string(),
                     "--storage-driver",
                     "vfs",
                     "--cgroup-manager=cgroupfs",
                     "--events-backend=none",
                     "--runtime=runc"};
    command.words.insert(command.words.end(), words.begin(), words.end());
    command.environment = {{"PATH", kPath}, {"HOME", home_.string()}, {"TMPDIR", home_.string()}};
    return command;
  }
  /// Where it speaks to clients of Docker while system service runs.
  std::string address() const { return "unix://" + (home_ / "api").string(); }

  /// In the background, for two minutes at most, whatever becomes of this test.
  Ended start(const std::string& name, const std::string& user, const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"run", "--detach", "--name", name, "--timeout", "120", "--user", user};
    for (const char* word : {"--read-only", "--network=host", "--cap-drop=all", "--security-opt=no-new-privileges",
                             "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"}) {
      words.emplace_back(word);
    }
    words.insert(words.end(), more.begin(), more.end());
    return (*this)(words);
  }

 private:
  const fs::path home_;
};

class Container : public AgentBed {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: containers with users of their own need root";
    for (const char* program : {"podman", "runc", "busybox"}) {
      if (!is_installed(program)) GTEST_SKIP() << "SKIPPED: there is no " << program << " here";
    }
    const Ended app = make_app_image();
    if (app.code != 0) GTEST_SKIP() << "SKIPPED: podman makes no image here: " << app.err;
    Ended probe = podman_({"run", "--detach", "--name", "probe", "--network=none", "--ulimit=nofile=1024:1024",
                           "--ulimit=nproc=1024:1024", "local/app", "/bin/busybox", "sleep", "60"});
    if (probe.code == 0) probe = podman_({"exec", "probe", "/bin/busybox", "true"});
    if (probe.code != 0) GTEST_SKIP() << "SKIPPED: podman runs no container here: " << probe.err;
    (void)podman_({"rm", "--force", "--time", "0", "probe"});
    make_agent_image();
  }

  Ended make_app_image() {
    const fs::path context = home_ / "app";
    fs::create_directories(context);
    fs::copy_file("/bin/busybox", context / "busybox");
    write_text(context / "Dockerfile", "FROM scratch\nCOPY busybox /bin/busybox\n");
    return build("local/app", context);
  }

  /// The last stage of deploy/Dockerfile over the program that is built here already; its first stage would build it
  /// again.
  void make_agent_image() {
    const fs::path context = home_ / "agent";
    fs::create_directories(context);
    Command lay_out;
    lay_out.words = {"/bin/bash", CONTAINER_ROOT, BUNDLESYNC_PROGRAM, (context / "image").string()};
    lay_out.environment = {{"PATH", kPath}};
    const Ended laid_out = run(lay_out);
    ASSERT_EQ(laid_out.code, 0) << laid_out.err;
    const std::string recipe = text_of_file(DOCKERFILE);
    const auto last = recipe.find("FROM scratch\n");
    ASSERT_NE(last, std::string::npos);
    fs::create_directories(context / "owned" / "prompts");
    write_text(context / "Dockerfile",
               "FROM scratch AS build\nCOPY image /image\nCOPY owned /owned\n" + recipe.substr(last));
    const Ended built = build("local/bundlesync", context);
    ASSERT_EQ(built.code, 0) << built.out << built.err;
    image_root_ = context / "image";
  }

  Ended build(const std::string& name, const fs::path& context) {
    return podman_({"build", "--isolation=chroot", "--tag", name, context.string()});
  }

  Ended start_agent() {
    fs::create_directories(target_);
    EXPECT_EQ(::chown(target_.c_str(), 65532, 65532), 0);
    write_secrets(home_ / "secrets");
    std::vector<std::string> more;
    for (const auto& [from, to] : {std::pair{target_.string(), std::string("/prompts")},
                                   {(home_ / "store").string(), (home_ / "store").string() + ":ro"},
                                   {(home_ / "secrets").string(), "/run/secrets:ro"}}) {
      more.insert(more.end(), {"--volume", from + ":" + to});
    }
#ifndef BUNDLESYNC_SANITIZED
    more.emplace_back("--memory=64m");
#endif
    Environment environment = environment_;
    environment.erase("BUNDLESYNC_DATABASE_URL");
    environment["BUNDLESYNC_DATABASE_URL_FILE"] = "/run/secrets/database.url";
    environment["BUNDLESYNC_TARGET"] = "/prompts";
    environment["BUNDLESYNC_HTTP_LISTEN"] = fmt::format("127.0.0.1:{}", free_port());
    for (const auto& [name, value] : environment) more.insert(more.end(), {"--env", name + "=" + value});
    more.emplace_back("local/bundlesync");
    return podman_.start("agent", "65532", more);
  }

  void write_secrets(const fs::path& directory) const {
    write_text(directory / "database.url", environment_.at("BUNDLESYNC_DATABASE_URL") + "\n");
    write_text(directory / "storage.key", "a file:// store asks for none\n");
  }

  Ended start_app() {
    return podman_.start(
        "app", "10001",
        {"--volume", target_.string() + ":/prompts:ro", "local/app", "/bin/busybox", "sh", "-c", kReadsAllTheTime});
  }
  bool app_reads(const std::string& text, const std::string& app = "app") const {
    return wait_until(std::chrono::seconds(20),
                      [&] { return podman_({"logs", app}).out.find(text) != std::string::npos; });
  }

  // ---- deploy/compose.yaml ----

  /// What this machine and this test need besides: images and a store of their own, no networks.
  fs::path lay_out_compose() const {
    const fs::path context = home_ / "compose";
    const std::string store = (home_ / "store").string();
    write_secrets(context / "secrets");
    fs::copy_file(COMPOSE_FILE, context / "compose.yaml");
#ifdef BUNDLESYNC_SANITIZED
    const std::string memory = "1g";
#else
    const std::string memory = "64m";
#endif
    write_text(context / "override.yaml", fmt::format("services:\n"
                                                      "  bundlesync:\n"
                                                      "    image: local/bundlesync\n"
                                                      "    network_mode: host\n"
                                                      "    ulimits: {{nofile: 1024, nproc: 1024}}\n"
                                                      "    mem_limit: {}\n"
                                                      "    volumes: ['{}:{}:ro']\n"
                                                      "    environment: {{BUNDLESYNC_HTTP_LISTEN: '127.0.0.1:{}'}}\n"
                                                      "  assistant:\n"
                                                      "    image: local/app\n"
                                                      "    user: '10001'\n"
                                                      "    network_mode: none\n"
                                                      "    ulimits: {{nofile: 1024, nproc: 1024}}\n"
                                                      "    command: [/bin/busybox, sh, -c, '{}']\n",
                                                      memory, store, store, free_port(), kReadsAllTheTime));
    return context;
  }
  Command compose(const fs::path& context, const std::vector<std::string>& words) const {
    Command command;
    command.words = {"/usr/bin/docker-compose",
                     "--project-name",
                     "pair",
                     "--file",
                     (context / "compose.yaml").string(),
                     "--file",
                     (context / "override.yaml").string()};
    command.words.insert(command.words.end(), words.begin(), words.end());
    command.environment = {{"PATH", kPath},
                           {"HOME", home_.path().string()},
                           {"DOCKER_HOST", podman_.address()},
                           {"BUNDLESYNC_STORAGE_URL", environment_.at("BUNDLESYNC_STORAGE_URL")}};
    return command;
  }
  bool has_compose() const {
    Command version;
    version.words = {"/usr/bin/docker-compose", "version", "--short"};
    version.environment = {{"PATH", kPath}, {"HOME", home_.path().string()}};
    const Ended ended = run(version);
    return ended.code == 0 && ended.out >= "2.";
  }
  /// As docker compose does it: the app is made to wait until the agent's health check is content. Nobody but systemd
  /// would run that check for podman, so it is run here.
  std::optional<int> wait_and_check_health(Process& up) const {
    for (int tries = 0; tries < 100; ++tries) {
      if (const auto ended = up.wait(std::chrono::milliseconds(300))) return ended;
      (void)podman_({"healthcheck", "run", "pair-bundlesync-1"});
    }
    return std::nullopt;
  }

  /// As an app does that opens what it needs when it needs it.
  static constexpr const char* kReadsAllTheTime =
      "while true; do /bin/busybox cat /prompts/alpha/master.md; /bin/busybox usleep 20000; done";

  const Podman podman_{home_ / "podman"};
  fs::path image_root_;
};

TEST_F(Container, AppReadsWhatTheAgentShowsOverAReadOnlyMount) {
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  const Ended agent = start_agent();
  ASSERT_EQ(agent.code, 0) << agent.err;
  const Ended app = start_app();
  ASSERT_EQ(app.code, 0) << app.err;
  ASSERT_TRUE(app_reads("# alpha 1.0.0")) << podman_({"logs", "agent"}).err;

  move("alpha", "1.1.0");
  EXPECT_TRUE(app_reads("# alpha 1.1.0")) << podman_({"logs", "agent"}).err;
  const Ended writes = podman_({"exec", "app", "/bin/busybox", "touch", "/prompts/mine"});
  EXPECT_NE(writes.code, 0);
  EXPECT_NE(writes.err.find("Read-only file system"), std::string::npos) << writes.err;

  const Ended health = podman_({"exec", "agent", "/usr/bin/bundlesync", "health", "--ready"});
  EXPECT_EQ(health.code, 0) << health.err;
  EXPECT_EQ(health.out, "ok\n");
  const Ended root = podman_({"exec", "agent", "/usr/bin/bundlesync", "agent", "--once", "--target", "/elsewhere"});
  EXPECT_NE(root.code, 0) << "its root is not for writing";

  const Ended stopped = podman_({"stop", "--time", "5", "agent"});
  EXPECT_EQ(stopped.code, 0) << stopped.err;
  EXPECT_EQ(podman_({"inspect", "--format", "{{.State.ExitCode}}", "agent"}).out, "0\n");
  EXPECT_EQ(shown("alpha"), "1.1.0") << "what it showed stays";
}

TEST_F(Container, ComposeStartsTheAppOnceItsPromptsAreThere) {
  if (!has_compose()) GTEST_SKIP() << "SKIPPED: there is no docker-compose 2 here";
  publish("alpha", "1.0.0", true);
  publish("alpha", "1.1.0");
  const fs::path context = lay_out_compose();
  const Process service(podman_.command({"system", "service", "--time=150", podman_.address()}));
  ASSERT_TRUE(wait_until(std::chrono::seconds(10), [&] { return fs::exists(home_ / "podman" / "api"); }))
      << service.err();

  Process up(compose(context, {"up", "--detach", "--no-build", "--pull=never"}));
  EXPECT_EQ(wait_and_check_health(up), 0) << up.err() << podman_({"logs", "pair-bundlesync-1"}).err;
  EXPECT_TRUE(app_reads("# alpha 1.0.0", "pair-assistant-1")) << podman_({"logs", "pair-bundlesync-1"}).err;
  move("alpha", "1.1.0");
  EXPECT_TRUE(app_reads("# alpha 1.1.0", "pair-assistant-1")) << podman_({"logs", "pair-bundlesync-1"}).err;
  EXPECT_EQ(podman_({"logs", "pair-assistant-1"}).err, "") << "not once was there nothing to read";

  const Ended down = run(compose(context, {"down", "--volumes", "--timeout", "5"}));
  EXPECT_EQ(down.code, 0) << down.err;
}

TEST_F(Container, NewVolumeBelongsToTheAgent) {
  const Ended ended = podman_({"run", "--rm", "--network=none", "--read-only", "--cap-drop=all",
                               "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--volume", "fresh:/prompts",
                               "local/bundlesync", "agent", "--once", "--templates", "alpha"});
  EXPECT_EQ(ended.code, 1) << "nothing is shown, for nothing is followed";
  EXPECT_NE(ended.err.find("nothing to show for alpha"), std::string::npos) << ended.err;
}

TEST_F(Container, ImageHoldsTheProgramAndWhatItNeedsAndNoShell) {
  std::vector<std::string> programs;
  for (const auto& entry : fs::directory_iterator(image_root_ / "usr/bin")) {
    programs.push_back(entry.path().filename().string());
  }
  EXPECT_EQ(programs, std::vector<std::string>{"bundlesync"});
  EXPECT_FALSE(fs::exists(image_root_ / "bin"));
  EXPECT_GT(fs::file_size(image_root_ / "etc/ssl/certs/ca-certificates.crt"), 100'000U);
  EXPECT_TRUE(fs::exists(image_root_ / "usr/share/doc/libpq5/copyright"));
  const Ended version = podman_({"run", "--rm", "--network=none", "--ulimit=nofile=1024:1024",
                                 "--ulimit=nproc=1024:1024", "local/bundlesync", "version"});
  EXPECT_EQ(version.code, 0) << version.err;
  EXPECT_TRUE(version.out.starts_with("bundlesync ")) << version.out;
  EXPECT_EQ(podman_({"inspect", "--type", "image", "--format", "{{.Config.User}}", "local/bundlesync"}).out,
            "65532:65532\n");
}

}  // namespace
}  // namespace bundlesync::tests
