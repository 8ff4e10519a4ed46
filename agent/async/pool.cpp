#include "async/pool.hpp"

#include <csignal>

namespace bundlesync::async {
namespace {

/// Signals belong to the loop thread: threads made while this lives block them all.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

Pool::~Pool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Pool::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    const std::size_t idle = threads_.size() - busy_;
    if (idle < jobs_.size() && threads_.size() < threads_max_) {
      const SignalsBlocked blocked;
      threads_.emplace_back([this] { work(); });
    }
  }
  changed_.notify_all();
}

bool Pool::wait_idle(Duration within) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, within, [this] { return jobs_.empty() && busy_ == 0; });
}

void Pool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    ++busy_;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    --busy_;
    changed_.notify_all();
  }
}

}  // namespace bundlesync::async
