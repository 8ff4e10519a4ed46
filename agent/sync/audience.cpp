#include "sync/audience.hpp"

#include "async/timeout.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace bundlesync::sync {
namespace {
/// How long those who are there wait for those who are about to join.
constexpr auto kJoinPatience = std::chrono::seconds(1);
}  // namespace

void Audience::join(Reconciler& reconciler) {
  held_back_.erase(&reconciler);
  joined_.insert(&reconciler);
  changed_.notify();
}

void Audience::leave(Reconciler& reconciler) {
  joined_.erase(&reconciler);
  asked_.erase(&reconciler);
  informed_.erase(&reconciler);
  changed_.notify();
}

void Audience::hold_back(Reconciler& reconciler) {
  if (held_back_.insert(&reconciler).second) changed_.notify();
}

Task<> Audience::gathered(async::Clock& clock) {
  while (joined_.empty()) co_await changed_.wait();
  const async::Steady give_up = clock.now() + kJoinPatience;
  while (joined_.size() + held_back_.size() < expected_ && clock.now() < give_up) {
    Task<> change = changed_.wait();
    co_await async::before(std::move(change), clock, give_up);
  }
}

bool Audience::must_ask_in_full() const {
  return !std::ranges::includes(informed_, joined_);
}

catalog::Question Audience::question(std::string since) {
  asked_ = joined_;
  catalog::Question all;
  all.since = must_ask_in_full() ? std::string() : std::move(since);
  all.names.emplace();
  for (const Reconciler* reconciler : joined_) {
    catalog::Question one = reconciler->question();
    if (!one.names) {
      all.names.reset();
      all.ids.clear();
      break;  // everything is answered
    }
    all.names->insert(all.names->end(), one.names->begin(), one.names->end());
    all.ids.insert(all.ids.end(), one.ids.begin(), one.ids.end());
  }
  const auto once_each = [](std::vector<std::string>& texts) {
    std::ranges::sort(texts);
    texts.erase(std::ranges::unique(texts).begin(), texts.end());
  };
  if (all.names && joined_.size() > 1) once_each(*all.names);
  if (joined_.size() > 1) once_each(all.ids);
  return all;
}

void Audience::accept(const plan::Answer& answer) {
  for (Reconciler* reconciler : asked_) {
    plan::Answer theirs = answer;
    const bool is_of_others = asked_.size() > 1;
    if (is_of_others) std::erase_if(theirs.templates, [&](const auto& of) { return !reconciler->follows(of); });
    reconciler->accept(std::move(theirs));
  }
  if (answer.full) informed_ = asked_;
}

void Audience::database_failed() {
  for (Reconciler* reconciler : joined_) reconciler->database_failed();
}

}  // namespace bundlesync::sync
