#include "async/loop.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace bundlesync::async {
namespace {

// Shared with the signal handler, which may use nothing else.
std::atomic<int> signals_seen = 0;
std::atomic<int> tell_fd = -1;
static_assert(std::atomic<int>::is_always_lock_free);

/// The first signal is a byte for the loop. The second needs no loop: it works although the loop is blocked, and for
/// process 1 of a container, which has no default action.
void on_signal(int signal) {
  if (signals_seen.fetch_add(1) > 0) _exit(128 + signal);
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(signal);
  [[maybe_unused]] const auto written = ::write(tell_fd, &byte, 1);
  errno = saved;
}

/// SIGTERM and SIGINT come here while this lives; without one having come, they go back to where they went before.
class StopSignals {
 public:
  explicit StopSignals(asio::io_context& io) : hear_(io) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
    hear_.assign(ends[0]);
    tell_fd = ends[1];
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, &term_before_);
    sigaction(SIGINT, &action, &int_before_);
  }
  ~StopSignals() {
    if (signals_seen == 0) {
      sigaction(SIGTERM, &term_before_, nullptr);
      sigaction(SIGINT, &int_before_, nullptr);
    }
    ::close(tell_fd.exchange(-1));
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  template <class Fn>
  void on_first(Fn fn) {
    hear_.async_read_some(asio::buffer(&heard_, 1), [this, fn](const boost::system::error_code& error, std::size_t) {
      if (!error) fn(static_cast<int>(heard_));
    });
  }
  void cancel() { hear_.cancel(); }

 private:
  asio::posix::stream_descriptor hear_;
  unsigned char heard_ = 0;
  struct sigaction term_before_ = {};
  struct sigaction int_before_ = {};
};

}  // namespace

/// Ends the process when nobody called it off in time. A thread of its own: what it guards against may hold the loop.
class Loop::Watchdog {
 public:
  Watchdog(Duration limit, const std::atomic<int>& exit_code, std::string_view last_word)
      : thread_([this, limit, &exit_code, last_word] { watch(limit, exit_code, last_word); }) {}
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      called_off_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void watch(Duration limit, const std::atomic<int>& exit_code, std::string_view last_word) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, limit, [this] { return called_off_; })) return;
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, last_word.data(), last_word.size());
    _exit(exit_code);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool called_off_ = false;
  std::thread thread_;  // last: it uses the others
};

Loop::Loop(LoopOptions options)
    : options_(options),
      io_(std::make_unique<asio::io_context>(1)),
      clock_(io_->get_executor()),
      pool_(std::make_unique<Pool>(options.pool_threads)) {}

Loop::~Loop() {
  force_exit_after_shutdown();
  pool_.reset();
  io_.reset();
}

void Loop::stop() {
  stop_by(SIGTERM);
}

void Loop::stop_by(int signal) {
  if (stopping()) return;
  stopped_by_ = signal;
  force_exit_after_shutdown();
  stop_.emit(asio::cancellation_type::terminal);
}

void Loop::force_exit_after_shutdown() {
  constexpr std::string_view last_word = "error: something did not end in time after the stop, leaving without it\n";
  if (!watchdog_) watchdog_ = std::make_unique<Watchdog>(options_.shutdown, exit_code_, last_word);
}

void Loop::end_within(Duration limit) {
  watchdog_ = std::make_unique<Watchdog>(limit, exit_code_, std::string_view());
}

void Loop::drive(Task<> root) {
  if (stopping()) std::rethrow_exception(operation_aborted());
  StopSignals signals(*io_);
  signals.on_first([this](int signal) { stop_by(signal); });

  std::exception_ptr thrown;
  bool ended = false;
  auto when_ended = [&](std::exception_ptr error) {
    thrown = std::move(error);
    ended = true;
    signals.cancel();
  };
  asio::co_spawn(*io_, std::move(root), asio::bind_cancellation_slot(stop_.slot(), std::move(when_ended)));
  io_->restart();
  while (!ended && io_->run_one() != 0) {
  }
  io_->poll();  // the aborted read of `signals`, while it is there
  if (thrown) std::rethrow_exception(unwrap(std::move(thrown)));
}

Error detail::stopped_error(int signal) {
  return Error(ErrorKind::cancelled, std::string("stopped by ") + (signal == SIGINT ? "SIGINT" : "SIGTERM"));
}

}  // namespace bundlesync::async
