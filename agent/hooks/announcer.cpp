#include "hooks/announcer.hpp"

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
  const auto [waiting, is_new] = waiting_.try_emplace(announcement.target, announcement);
  if (!is_new) merge(waiting->second, std::move(announcement));
  wakeup_.notify();
}

Task<Result<void>> Announcer::run() {
  for (;;) {
    while (waiting_.empty()) co_await wakeup_.wait();
    if (options_.spread.count() > 0) {
      const auto wait = jittered(options_.spread / 2, 1.0, random_.next());
      co_await clock_.sleep_until(clock_.now() + std::chrono::duration_cast<async::Duration>(wait));
    }
    auto next = waiting_.extract(waiting_.begin());
    Task<> telling = tell(std::move(next.mapped()));
    co_await std::move(telling);
  }
}

Task<> Announcer::tell(Announcement announcement) {
  Told told;
  told.listener = listener_->name();
  for (;;) {
    ++told.attempts;
    Result<void> heard = co_await listener_->tell(announcement);
    if (heard) break;
    if (told.attempts >= options_.attempts_max) {
      told.error = std::move(heard.error());
      break;
    }
    const auto wait = backoff_delay(told.attempts - 1, random_.next(), options_.backoff);
    co_await clock_.sleep_until(clock_.now() + std::chrono::duration_cast<async::Duration>(wait));
    // What was shown since is told in its place.
    const auto later = waiting_.find(announcement.target);
    if (later == waiting_.end()) continue;
    merge(announcement, std::move(later->second));
    waiting_.erase(later);
  }
  told_(told);
}

}  // namespace bundlesync::hooks
