#include "support/child.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <grp.h>
#include <iterator>
#include <netinet/in.h>
#include <pwd.h>
#include <random>
#include <signal.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace bundlesync::tests {
namespace {

/// After fork: nothing here allocates.
[[noreturn]] void become(char* const* words, const ServerUser& user, int log, int death_signal, pid_t parent) {
  if (getuid() == 0) {
    if (setgroups(0, nullptr) != 0 || setgid(user.gid) != 0 || setuid(user.uid) != 0) _exit(126);
  }
  prctl(PR_SET_PDEATHSIG, death_signal);  // after setuid, which clears it
  if (getppid() != parent) _exit(125);    // the parent died before that
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, 0);
  dup2(log, 1);
  dup2(log, 2);
  // A session of its own: a Ctrl-C at the terminal reaches the test, which then ends the server.
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execvp(words[0], words);
  _exit(127);
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

ServerUser ServerUser::choose() {
  if (getuid() != 0) return ServerUser{getuid(), getgid()};
  for (const auto* name : {"postgres", "nobody"}) {
    if (const passwd* entry = getpwnam(name); entry != nullptr) return ServerUser{entry->pw_uid, entry->pw_gid};
  }
  return ServerUser{65534, 65534};
}

pid_t start_child(const std::vector<std::string>& words, const ServerUser& user, const std::filesystem::path& log,
                  int death_signal) {
  std::vector<char*> pointers;
  for (const auto& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  const int descriptor = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), log.string());
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) become(pointers.data(), user, descriptor, death_signal, parent);
  const int error = errno;
  close(descriptor);
  if (pid < 0) throw std::system_error(error, std::generic_category(), "fork");
  return pid;
}

std::optional<int> wait_child(pid_t pid, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (true) {
    int status = 0;
    const pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid) return status;
    if (ended < 0 && errno != EINTR) return 0;  // not ours any more: ended and waited for elsewhere
    if (std::chrono::steady_clock::now() >= until) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void run_child(const std::vector<std::string>& words, const ServerUser& user, const std::filesystem::path& log) {
  const pid_t pid = start_child(words, user, log, SIGKILL);
  auto status = wait_child(pid, std::chrono::minutes(1));
  if (!status) {
    kill(pid, SIGKILL);
    status = wait_child(pid, std::chrono::seconds(5));
  }
  if (status && WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return;
  throw std::runtime_error(words.front() + " failed: " + text_of(log));
}

int free_port() {
  static std::mt19937 random(std::random_device{}());
  std::uniform_int_distribution<int> ports(15'000, 32'000);
  for (int attempt = 0; attempt < 100; ++attempt) {
    const int port = ports(random);
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_free = bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(probe);
    if (is_free) return port;
  }
  throw std::runtime_error("no free port on loopback in 100 tries");
}

}  // namespace bundlesync::tests
