#include "hooks/child.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bundlesync::hooks {
namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

/// What the program gets of ours, and what it does not.
class SpawnRules {
 public:
  explicit SpawnRules(int output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, 1);
    posix_spawn_file_actions_adddup2(&actions_, output, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    posix_spawn_file_actions_addchdir_np(&actions_, "/");
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnRules() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnRules(const SpawnRules&) = delete;
  SpawnRules& operator=(const SpawnRules&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));  // as exec's signature has it
  result.push_back(nullptr);
  return result;
}

int pidfd_open(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

std::unexpected<Error> cannot_start(const std::string& program, int code) {
  return fail(ErrorKind::unavailable, fmt::format("cannot run '{}': {}", program, std::strerror(code)));
}

}  // namespace

Result<std::unique_ptr<Child>> Child::start(asio::any_io_executor executor, const std::vector<std::string>& words,
                                            const std::vector<std::string>& environment) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return cannot_start(words.front(), errno);
  asio::posix::stream_descriptor pipe(executor, ends[0]);
  const SpawnRules rules(ends[1]);
  pid_t pid = 0;
  const int code = ::posix_spawn(&pid, words.front().c_str(), rules.actions(), rules.attributes(),
                                 pointers(words).data(), pointers(environment).data());
  ::close(ends[1]);
  if (code != 0) return cannot_start(words.front(), code);
  const int process = pidfd_open(pid);
  if (process < 0) {
    const int reason = errno;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return cannot_start(words.front(), reason);
  }
  return std::unique_ptr<Child>(new Child(pid, asio::posix::stream_descriptor(executor, process), std::move(pipe)));
}

Child::Child(pid_t pid, asio::posix::stream_descriptor process, asio::posix::stream_descriptor pipe)
    : pid_(pid), process_(std::move(process)), pipe_(std::move(pipe)) {
  pipe_.non_blocking(true);
}

Child::~Child() {
  if (reaped_) return;
  kill_group();
  ::waitpid(pid_, nullptr, 0);  // SIGKILL is not refused: soon
}

/// As long as the child is not reaped its number, and so its group's, is nobody else's.
void Child::kill_group() const {
  ::kill(-pid_, SIGKILL);
}

void Child::take(const char* bytes, std::size_t size) {
  output_.append(bytes, std::min(size, output_bytes_max - output_.size()));
}

Task<> Child::drain() {
  std::array<char, 4096> piece{};
  for (;;) {
    const auto buffer = asio::buffer(piece);
    const auto [error, size] = co_await pipe_.async_read_some(buffer, kTuple);
    if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
    if (error) co_return;
    take(piece.data(), size);
  }
}

Task<> Child::wait() {
  if (over_) co_return;
  co_await process_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  over_ = true;
}

Task<int> Child::ended() {
  using asio::experimental::awaitable_operators::operator||;
  auto drained = drain();
  auto waited = wait();
  auto either = std::move(drained) || std::move(waited);
  co_await std::move(either);
  co_await wait();  // it may have closed its output and gone on

  std::array<char, 4096> piece{};
  boost::system::error_code error;
  while (output_.size() < output_bytes_max) {
    const std::size_t size = pipe_.read_some(asio::buffer(piece), error);
    if (error) break;
    take(piece.data(), size);
  }
  kill_group();
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  reaped_ = true;
  co_return status;
}

}  // namespace bundlesync::hooks
