#include "async/loop.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace bundlesync::async {
namespace {

/// The answer to a second signal. Installed, not left to the default action: process 1 of a container has none.
void exit_at_once(int signal) {
  _exit(128 + signal);
}

void exit_on_next_signal() {
  struct sigaction action = {};
  action.sa_handler = exit_at_once;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

}  // namespace

/// Ends the process when nobody called it off in time. A thread of its own: what it guards against may hold the loop.
class Loop::Watchdog {
 public:
  Watchdog(Duration limit, const std::atomic<int>& exit_code)
      : thread_([this, limit, &exit_code] { watch(limit, exit_code); }) {}
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
  void watch(Duration limit, const std::atomic<int>& exit_code) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, limit, [this] { return called_off_; })) return;
    constexpr std::string_view line = "error: something did not end in time after the stop, leaving without it\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
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
  if (!watchdog_) watchdog_ = std::make_unique<Watchdog>(options_.shutdown, exit_code_);
}

void Loop::drive(Task<> root) {
  if (stopping()) std::rethrow_exception(operation_aborted());
  asio::signal_set signals(*io_, SIGTERM, SIGINT);
  signals.async_wait([this, &signals](const boost::system::error_code& error, int signal) {
    if (error) return;
    signals.clear();
    exit_on_next_signal();
    stop_by(signal);
  });

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
  io_->poll();
  if (thrown) std::rethrow_exception(unwrap(std::move(thrown)));
}

Error detail::stopped_error(int signal) {
  return Error(ErrorKind::cancelled, std::string("stopped by ") + (signal == SIGINT ? "SIGINT" : "SIGTERM"));
}

}  // namespace bundlesync::async
