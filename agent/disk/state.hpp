#pragma once

#include "base/error.hpp"
#include "disk/target.hpp"
#include "plan/desired.hpp"
#include "plan/observed.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace bundlesync::disk {

/// What the agent remembers across restarts, in ..bundlesync/state/ (0700): the accepted generations, the full digests
/// of the trees it made (a neighbour could edit a tree and its .bundle.json together), the last view number, the last
/// answer of the catalog, recent events.
struct State {
  std::uint64_t last_view = 0;  ///< numbers up to here were used; never used again
  std::string epoch;            ///< of the last answer that was accepted
  plan::AcceptedMap accepted;
  std::map<plan::TreeId, Digest> trees;  ///< manifest digest of every tree that was ever shown and still exists
  bool operator==(const State&) const = default;
};

/// What the validator said no to, by content. Only vetoes: what it accepted is soon shown.
using Vetoes = std::map<plan::ContentKey, plan::Validation>;

/// Blocking, one caller at a time. Every save is a new file, fsync, rename, fsync of the directory.
class StateStore {
 public:
  static std::unique_ptr<StateStore> make(Target& target);
  virtual ~StateStore() = default;
  /// An empty state where there is none. damaged: a file that cannot be read back (the caller goes on with what it
  /// could read and says so).
  virtual Result<State> load() const = 0;
  virtual Result<void> save(const State& state) = 0;
  /// The last desired state, so that a restart with the database away knows what it was waiting for and which bytes a
  /// damaged tree should have. Missing: an unknown Desired.
  virtual Result<plan::Desired> load_desired() const = 0;
  virtual Result<void> save_desired(const plan::Desired& desired) = 0;
  /// None where there is no such file.
  virtual Result<Vetoes> load_vetoes() const = 0;
  virtual Result<void> save_vetoes(const Vetoes& vetoes) = 0;
  /// A document for `bundlesync status` and its sisters when no agent answers: JSON text, replaced whole, not fsynced.
  virtual Result<void> save_status(std::string_view json) = 0;
  virtual Result<std::string> load_status() const = 0;
};

}  // namespace bundlesync::disk
