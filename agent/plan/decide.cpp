#include "base/glob.hpp"
#include "plan/plan.hpp"
#include "plan/verdict.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace bundlesync::plan {
namespace {

using Verdicts = std::map<std::string, Verdict>;

/// Every name that the policy wants: the literal ones, and whatever any side knows that a glob matches.
std::set<std::string> wanted_names(const Desired& desired, const Observed& observed, const Policy& policy) {
  std::set<std::string> names;
  for (const auto& pattern : policy.templates) {
    if (!is_glob(pattern)) names.insert(pattern);
  }
  const auto add = [&](const auto& map) {
    for (const auto& [name, unused] : map) {
      if (wanted(name, policy)) names.insert(name);
    }
  };
  add(desired.templates);
  add(observed.view.templates);
  add(observed.local);
  add(observed.filesystem);
  return names;
}

/// Templates of a change that cannot be shown now: their names, and whether all of them are merely on their way.
struct Blockers {
  std::string names;
  bool all_on_their_way = true;
};

/// A template that cannot be had now stands in the way of the others of its change, whether or not it shows anything.
bool stands_in_the_way(const Verdict& verdict) {
  switch (verdict.status.state) {
    case State::fetching:
    case State::validating:
    case State::retrying:
    case State::refused:
    case State::held:
    case State::blocked:
      return true;
    default:
      return false;
  }
}

std::optional<Blockers> blockers_of(const std::string& waiting, std::uint64_t change, const Desired& desired,
                                    const Verdicts& verdicts) {
  const auto together = desired.moved_together.find(change);
  if (together == desired.moved_together.end()) return std::nullopt;
  Blockers blockers;
  for (const auto& name : together->second) {
    const auto verdict = verdicts.find(name);
    if (name == waiting || verdict == verdicts.end() || !stands_in_the_way(verdict->second)) continue;
    if (!blockers.names.empty()) blockers.names += ',';
    blockers.names += name;
    const State state = verdict->second.status.state;
    blockers.all_on_their_way &= state == State::fetching || state == State::validating;
  }
  if (blockers.names.empty()) return std::nullopt;
  return blockers;
}

/// Takes the move away from every template that must wait. One that waits stands in the way of others in turn, so this
/// goes on until nothing changes; every round takes at least one move away.
void hold_back(const Desired& desired, Verdicts& verdicts) {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& [name, verdict] : verdicts) {
      if (!verdict.move || !verdict.waits_for_group) continue;
      const auto blockers = blockers_of(name, *verdict.move->change, desired, verdicts);
      if (!blockers) continue;
      verdict.status.state = blockers->all_on_their_way ? State::fetching : State::blocked;
      verdict.status.reason = "waits_for_change";
      verdict.status.detail = "by=" + blockers->names;
      verdict.move.reset();
      changed = true;
    }
  }
}

/// The second half: moves of one change go together or not at all.
void group_moves(const Desired& desired, Verdicts& verdicts, Plan& plan) {
  hold_back(desired, verdicts);
  std::map<std::uint64_t, Group> groups;
  for (auto& [name, verdict] : verdicts) {
    if (!verdict.move) continue;
    if (!verdict.waits_for_group) {
      plan.activate.push_back(Group{verdict.move->change, {std::move(*verdict.move)}});
      continue;
    }
    Group& group = groups[*verdict.move->change];
    group.change = verdict.move->change;
    group.waits = true;
    group.moves.push_back(std::move(*verdict.move));
  }
  for (auto& [change, group] : groups) plan.activate.push_back(std::move(group));
}

/// Each template for itself, but for the disk that they share: what is wanted and under way has its room first, then
/// what is wanted, name by name. What is left is for prefetches.
Verdicts judge_all(const std::set<std::string>& names, const Desired& desired, const Observed& observed,
                   const Policy& policy, std::uint64_t& room) {
  const auto take = [&](const bundle::Bundle& bundle) { room -= std::min(room, disk_bytes(bundle, policy)); };
  for (const auto& [name, wanted] : desired.templates) {
    if (!wanted.current) continue;
    const ContentKey content{name, wanted.current->version, wanted.current->manifest};
    if (observed.fetching.contains(content)) take(wanted.current->bundle);
  }
  Verdicts verdicts;
  for (const auto& name : names) {
    Verdict verdict = judge(name, desired, observed, policy, room);
    if (verdict.fetch && !observed.fetching.contains(verdict.fetch->content)) take(verdict.fetch->bundle);
    verdicts.emplace(name, std::move(verdict));
  }
  return verdicts;
}

/// The default before the current one, for a rollback that needs no network.
void add_prefetches(const std::set<std::string>& names, const Desired& desired, const Observed& observed,
                    const Policy& policy, std::uint64_t room, Plan& plan) {
  for (const auto& name : names) {
    const auto found = desired.templates.find(name);
    if (found == desired.templates.end() || !found->second.previous || found->second.deleted) continue;
    const WantedVersion& previous = *found->second.previous;
    const ContentKey content{name, previous.version, previous.manifest};
    if (observed.complete.contains(content) || refusal_of(previous, policy)) continue;
    if (std::ranges::any_of(plan.fetch, [&](const Fetch& fetch) { return fetch.content == content; })) continue;
    const auto failure = observed.failed.find(content);
    if (failure != observed.failed.end() && (failure->second.final || !failure->second.due)) continue;
    const std::uint64_t bytes = disk_bytes(previous.bundle, policy);
    if (bytes > room) continue;
    // A download that was wanted and is only the previous default now (a rollback) is abandoned: it may be one that
    // hangs, and it takes more of the permits than a prefetch does, which may follow.
    const bool running = observed.prefetching.contains(content);
    if (!running && (observed.fetching.contains(content) || !observed.prefetch_due)) continue;
    room -= bytes;
    Fetch fetch;
    fetch.content = content;
    fetch.bundle = previous.bundle;
    fetch.generation = found->second.generation;
    fetch.prefetch = true;
    plan.fetch.push_back(std::move(fetch));
  }
}

void abandon_unwanted(const Observed& observed, Plan& plan) {
  std::set<ContentKey> keep;
  for (const auto& fetch : plan.fetch) {
    // A prefetch waits in a queue of its own: what is wanted now begins anew, outside it.
    if (fetch.prefetch || !observed.prefetching.contains(fetch.content)) keep.insert(fetch.content);
  }
  for (const auto& running : observed.fetching) {
    if (!keep.contains(running)) plan.abandon.push_back(running);
  }
  std::erase_if(plan.fetch, [&](const Fetch& fetch) { return observed.fetching.contains(fetch.content); });
}

}  // namespace

std::vector<Group> groups_without(std::vector<Group> groups, std::set<std::string> unavailable,
                                  const Desired& desired) {
  const auto is_left_out = [&](const Group& group) {
    const bool own =
        std::ranges::any_of(group.moves, [&](const Move& move) { return unavailable.contains(move.template_name); });
    if (own || !group.waits || !group.change) return own;
    const auto together = desired.moved_together.find(*group.change);
    return together != desired.moved_together.end() &&
           std::ranges::any_of(together->second, [&](const auto& name) { return unavailable.contains(name); });
  };
  for (auto group = std::ranges::find_if(groups, is_left_out); group != groups.end();
       group = std::ranges::find_if(groups, is_left_out)) {
    for (const auto& move : group->moves) unavailable.insert(move.template_name);
    groups.erase(group);
  }
  return groups;
}

std::uint64_t disk_bytes(const bundle::Bundle& bundle, const Policy& policy) {
  constexpr std::uint64_t block = 4096;
  std::uint64_t blocks = 0;  // at most 2^52 a file: no number of files that fits into memory overflows the sum
  for (const auto& file : bundle.files) {
    const std::uint64_t bytes = file.size.value_or(policy.file_bytes_max);
    blocks += bytes / block + (bytes % block != 0);
  }
  return blocks > UINT64_MAX / block ? UINT64_MAX : blocks * block;
}

bool wanted(const std::string& name, const Policy& policy) {
  return std::ranges::any_of(policy.templates, [&](const auto& pattern) { return glob_match(pattern, name); });
}

bool converged(const Plan& plan) {
  return std::ranges::all_of(plan.status, [](const auto& entry) {
    const State state = entry.second.state;
    return state == State::current || state == State::disabled || state == State::standalone;
  });
}

Plan decide(const Desired& desired, const Observed& observed, const Policy& policy) {
  const std::set<std::string> names = wanted_names(desired, observed, policy);
  std::uint64_t room = observed.room_bytes;
  Verdicts verdicts = judge_all(names, desired, observed, policy, room);

  Plan plan;
  for (const auto& [name, shown] : observed.view.templates) {
    const auto verdict = verdicts.find(name);
    if (verdict == verdicts.end() || verdict->second.drop) plan.drop.push_back(name);
  }
  for (auto& [name, verdict] : verdicts) {
    if (verdict.fetch) plan.fetch.push_back(*verdict.fetch);
    if (verdict.validate) plan.validate.push_back(*verdict.validate);
  }
  group_moves(desired, verdicts, plan);
  if (observed.remote_enabled && observed.database_reached)
    add_prefetches(names, desired, observed, policy, room, plan);
  abandon_unwanted(observed, plan);
  for (auto& [name, verdict] : verdicts) plan.status.emplace(name, std::move(verdict.status));
  return plan;
}

}  // namespace bundlesync::plan
