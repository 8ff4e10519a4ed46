#include "hooks/announcer.hpp"

#include "async/timeout.hpp"

#include <algorithm>
#include <utility>

namespace bundlesync::hooks {

void merge(Announcement& earlier, Announcement later) {
  earlier.view = later.view;
  for (auto& [name, shown] : later.templates) {
    const auto known = earlier.templates.find(name);
    if (known != earlier.templates.end()) shown.previous_version = known->second.previous_version;
    earlier.templates.insert_or_assign(name, std::move(shown));
  }
}

Announcer::Announcer(asio::any_io_executor executor, async::Clock& clock, Random& random,
                     std::unique_ptr<Listener> listener, Options options, std::function<void(const Told&)> told)
    : clock_(clock),
      random_(random),
      listener_(std::move(listener)),
      options_(options),
      told_(std::move(told)),
      wakeup_(std::move(executor)) {}

void Announcer::announce(Announcement announcement) {
  const auto known = queue_.find(announcement.target);
  if (known != queue_.end()) {
    merge(known->second.announcement, std::move(announcement));
    known->second.attempts = 0;  // this one was never told
    return;
  }
  Waiting waiting;
  waiting.due = clock_.now();
  if (options_.spread.count() > 0) {
    const auto wait = jittered(options_.spread / 2, 1.0, random_.next());
    waiting.due += std::chrono::duration_cast<async::Duration>(wait);
  }
  waiting.announcement = std::move(announcement);
  queue_.emplace(waiting.announcement.target, std::move(waiting));
  wakeup_.notify();
}

Announcer::Queue::iterator Announcer::first_due() {
  return std::ranges::min_element(queue_, {}, [](const auto& entry) { return entry.second.due; });
}

Task<Result<void>> Announcer::run() {
  for (;;) {
    while (queue_.empty()) co_await wakeup_.wait();
    const async::Steady due = first_due()->second.due;
    if (due > clock_.now()) {
      Task<> another = wakeup_.wait();  // may be due before
      co_await async::before(std::move(another), clock_, due);
      continue;
    }
    auto next = queue_.extract(first_due());
    Task<> telling = tell(std::move(next.mapped()));
    co_await std::move(telling);
  }
}

Task<> Announcer::tell(Waiting waiting) {
  Result<void> heard = co_await listener_->tell(waiting.announcement);
  ++waiting.attempts;
  const auto later = queue_.find(waiting.announcement.target);
  Told told;
  told.listener = listener_->name();
  told.attempts = waiting.attempts;
  if (!heard && waiting.attempts < options_.attempts_max) {
    const auto wait = backoff_delay(waiting.attempts - 1, random_.next(), options_.backoff);
    waiting.due = clock_.now() + std::chrono::duration_cast<async::Duration>(wait);
    if (later == queue_.end()) {
      queue_.emplace(waiting.announcement.target, std::move(waiting));
      co_return;
    }
    // What was shown since is told in its place.
    merge(waiting.announcement, std::move(later->second.announcement));
    later->second.announcement = std::move(waiting.announcement);
    later->second.due = waiting.due;
    later->second.attempts = 0;
    co_return;
  }
  if (!heard) told.error = std::move(heard.error());
  told_(told);
}

}  // namespace bundlesync::hooks
