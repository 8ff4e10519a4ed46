#pragma once

#include "catalog/feed.hpp"
#include "sync/audience.hpp"
#include "sync/keeper.hpp"
#include "sync/watch.hpp"
#include "sync/world.hpp"

#include <list>
#include <optional>
#include <string>
#include <vector>

namespace bundlesync::sync {

/// One target of an agent: its own disk and voice, and what it shares with the others (clock, pools, storage, random).
struct Place {
  std::string name;  ///< empty where there is one
  World world;
  const Options* options = nullptr;
};

/// One agent: every target with a keeper of its own, one session to the catalog for all. What one target cannot do
/// holds up no other. Loop thread only; use once.
class Agent {
 public:
  /// `feed` is null with remote off. `session` is the world that the session speaks in: its reporter hears of the
  /// database. There is a place at least.
  Agent(World session, std::vector<Place> places, catalog::Feed* feed, WatchOptions watch_options);
  /// On one target.
  Agent(World world, const Options& options, catalog::Feed* feed, WatchOptions watch_options);

  /// Keeps every target until it is cancelled. An error: the only target cannot be used at all. One of several that
  /// cannot is tried again.
  Task<Result<void>> follow();

  /// Tries to reach the desired versions within `timeout`, then ends. The outcome is that of all targets together.
  /// Errors: the first of any target's.
  Task<Result<OnceOutcome>> once(async::Duration timeout);

 private:
  struct Room {
    Room(const Place& place, Audience& audience)
        : name(place.name), reporter(place.world.reporter), keeper(place.world, *place.options, audience) {}
    std::string name;
    report::Reporter& reporter;
    Keeper keeper;
    Result<OnceOutcome> outcome = OnceOutcome();
    std::optional<Error> failed;  ///< following it
  };
  Task<Result<void>> keep(Room& room);
  Task<Result<void>> keep_until_it_fails(Room& room);
  Task<Result<void>> keep_once(Room& room, async::Duration timeout);
  Task<Result<void>> tick();
  Result<OnceOutcome> together();

  World session_;
  catalog::Feed* feed_;
  WatchOptions watch_options_;
  FetchPermits fetch_permits_;  ///< of all targets together
  Audience audience_;
  std::list<Room> rooms_;
};

}  // namespace bundlesync::sync
