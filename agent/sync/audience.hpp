#pragma once

#include "async/wakeup.hpp"
#include "catalog/feed.hpp"
#include "plan/desired.hpp"
#include "sync/reconciler.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <set>

namespace bundlesync::sync {

/// Everybody who hears what the catalog says over one session: one reconciler a target. A target that is not ours to
/// write (yet) is expected, and not there. Loop thread only.
class Audience {
 public:
  Audience(asio::any_io_executor executor, std::size_t expected) : expected_(expected), changed_(std::move(executor)) {}

  /// From now on it is asked for and told. What the others know already it learns with the next full answer, and so
  /// there is one soon.
  void join(Reconciler& reconciler);
  void leave(Reconciler& reconciler);
  /// It cannot join for now, and nobody should wait for it. Repeatable.
  void hold_back(Reconciler& reconciler);

  /// Until somebody is there, and nobody is about to join; whoever takes long (a disk that is slow, or cannot be read)
  /// is not waited for, and asked for when it joins.
  Task<> gathered(async::Clock& clock);
  /// Some of those who are expected are not there: one may join at any time.
  bool may_grow() const { return joined_.size() < expected_; }
  /// Somebody is there who has not heard everything.
  bool must_ask_in_full() const;

  /// What to ask for, for all who are there; the caller's `since` where that is enough, else in full.
  catalog::Question question(std::string since);
  /// To everybody who was there when that was asked, what concerns him.
  void accept(const plan::Answer& answer);
  void database_failed();

 private:
  std::size_t expected_;
  async::Wakeup changed_;
  std::set<Reconciler*> joined_;
  std::set<Reconciler*> held_back_;
  std::set<Reconciler*> asked_;     ///< there when the last question was made
  std::set<Reconciler*> informed_;  ///< had a full answer
};

}  // namespace bundlesync::sync
