#pragma once

#include "crash/world.hpp"

#include <ostream>

namespace bundlesync::testing {

/// A transition of a target: how it was, and what an agent then does to it.
struct Scenario {
  std::string name;
  std::vector<Wanted> before;  ///< shown one after the other, all well; empty: a new target
  bool damaged = false;        ///< then a live tree's file is overwritten
  Wanted wanted;               ///< shown by the agent under test
  bool collect = false;        ///< which then removes what is old
  Wanted last() const { return before.empty() ? Wanted() : before.back(); }
};

/// What a failing test calls it.
inline void PrintTo(const Scenario& scenario, std::ostream* out) {
  *out << scenario.name;
}

std::vector<Scenario> scenarios();
/// A target where the scenario begins, made once and copied for each run.
class Ready {
 public:
  explicit Ready(const Scenario& scenario);
  void copy_to(const std::filesystem::path& target) const;

 private:
  QuickDir dir_;
};
/// What the agent does: start, converge, collect. An error ends it, as it ends a pass.
Result<void> act(const Scenario& scenario, disk::Files& files, const std::filesystem::path& target);
/// Everything an app may see at any time during it.
std::vector<Wanted> allowed(const Scenario& scenario);

}  // namespace bundlesync::testing
