#include "support/process.hpp"

#include "support/child.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace bundlesync::tests {
namespace {

struct Start {
  std::vector<char*> words;
  std::vector<char*> environment;
  const Command* command;
  int out;
  int err;
  pid_t parent;
};

/// After fork: nothing here allocates.
[[noreturn]] void become(const Start& start) {
  // Before we become somebody else, who may not be able to reach it: a checkout in /root, say.
  const int program = ::open(start.words[0], O_PATH | O_CLOEXEC);
  if (start.command->user) {
    const uid_t user = *start.command->user;
    if (::setgroups(0, nullptr) != 0 || ::setgid(user) != 0 || ::setuid(user) != 0) ::_exit(126);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // after setuid, which clears it
  if (::getppid() != start.parent) ::_exit(125);
  if (start.command->umask) ::umask(*start.command->umask);
  ::dup2(::open("/dev/null", O_RDONLY), 0);
  ::dup2(start.out, 1);
  ::dup2(start.err, 2);
  ::setsid();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execveat(program, "", start.words.data(), start.environment.data(), AT_EMPTY_PATH);
  ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// What a sanitizer was told holds for the programs too that a test runs.
std::vector<std::string> settings_of(Environment environment) {
  for (const char* name : {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) environment.try_emplace(name, value);
  }
  std::vector<std::string> settings;
  for (const auto& [name, value] : environment) settings.push_back(name + "=" + value);
  return settings;
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  return ends;
}

int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

Process::Process(const Command& command) {
  std::vector<std::string> words = command.words;
  std::vector<std::string> settings = settings_of(command.environment);
  const auto out = make_pipe();
  const auto err = make_pipe();
  const Start start{pointers(words), pointers(settings), &command, out[1], err[1], ::getpid()};
  pid_ = ::fork();
  if (pid_ == 0) become(start);
  const int error = errno;
  ::close(out[1]);
  ::close(err[1]);
  if (pid_ < 0) throw std::system_error(error, std::generic_category(), "fork");
  reader_ = std::thread([this, from_out = out[0], from_err = err[0]] { read_all(from_out, from_err); });
}

Process::~Process() {
  if (!ended_) {
    ::kill(pid_, SIGKILL);
    wait(std::chrono::seconds(10));
  }
  if (reader_.joinable()) reader_.join();
}

void Process::read_all(int out, int err) {
  std::array<pollfd, 2> open{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  std::array<char, 65536> piece{};
  while (open[0].fd >= 0 || open[1].fd >= 0) {
    if (::poll(open.data(), open.size(), -1) < 0) continue;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (open[i].fd < 0 || open[i].revents == 0) continue;
      const ssize_t count = ::read(open[i].fd, piece.data(), piece.size());
      if (count < 0 && errno == EINTR) continue;
      const std::lock_guard lock(mutex_);
      if (count > 0) {
        (i == 0 ? out_ : err_).append(piece.data(), static_cast<std::size_t>(count));
      } else {
        ::close(open[i].fd);
        open[i].fd = -1;
        closed_ = open[1].fd < 0;
      }
      printed_.notify_all();
    }
  }
}

void Process::signal(int number) const {
  if (!ended_) ::kill(pid_, number);
}

std::optional<int> Process::wait(std::chrono::milliseconds patience) {
  if (ended_) return ended_;
  const auto status = wait_child(pid_, patience);
  if (!status) return std::nullopt;
  ended_ = code_of(*status);
  if (reader_.joinable()) reader_.join();
  return ended_;
}

std::string Process::out() const {
  const std::lock_guard lock(mutex_);
  return out_;
}

std::string Process::err() const {
  const std::lock_guard lock(mutex_);
  return err_;
}

void Process::wait_for_err(std::size_t seen, std::chrono::steady_clock::time_point until) const {
  std::unique_lock lock(mutex_);
  printed_.wait_until(lock, until, [&] { return closed_ || err_.size() > seen; });
}

Ended run(const Command& command, std::chrono::milliseconds patience) {
  Process process(command);
  const auto code = process.wait(patience);
  if (!code) throw std::runtime_error(command.words.front() + " still runs: " + process.err());
  return Ended{*code, process.out(), process.err()};
}

}  // namespace bundlesync::tests
