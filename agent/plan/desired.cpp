#include "plan/desired.hpp"

#include <algorithm>
#include <utility>

namespace bundlesync::plan {

namespace {

void remember_changes(Desired& desired) {
  std::set<std::uint64_t> standing;
  for (const auto& [name, wanted] : desired.templates) {
    if (!wanted.change) continue;
    standing.insert(*wanted.change);
    desired.moved_together[*wanted.change].insert(name);
  }
  std::erase_if(desired.moved_together, [&](const auto& entry) { return !standing.contains(entry.first); });
}

}  // namespace

void merge(Desired& desired, Answer answer) {
  if (answer.epoch != desired.epoch) desired.moved_together.clear();
  if (answer.full || answer.epoch != desired.epoch) desired.templates.clear();
  desired.epoch = std::move(answer.epoch);

  for (auto& incoming : answer.templates) {
    std::erase_if(desired.templates, [&](const auto& known) {
      return known.second.id == incoming.id && known.first != incoming.name;  // renamed
    });
    const auto known = desired.templates.find(incoming.name);
    // A template that was deleted and made again under its name has two rows: the living one speaks for the name.
    const bool shadowed = known != desired.templates.end() && known->second.id != incoming.id && incoming.deleted &&
                          !known->second.deleted;
    if (!shadowed) desired.templates.insert_or_assign(incoming.name, std::move(incoming));
  }
  remember_changes(desired);
}

}  // namespace bundlesync::plan
