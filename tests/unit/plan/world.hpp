#pragma once

#include "plan/plan.hpp"

#include <string>
#include <utility>

/// Builders for plan tests: a catalog and a disk in a few words.
namespace bundlesync::plan::test {

inline bundle::File file(std::string path, std::string content) {
  bundle::File result;
  result.path = std::move(path);
  result.sha256 = Digest::of(content);
  result.size = content.size();
  result.kind = "master_prompt";
  result.content_type = "text/markdown";
  return result;
}

inline WantedVersion version(const std::string& name, const std::string& semver) {
  WantedVersion result;
  result.id = name + "@" + semver;
  result.version = semver;
  result.status = "stable";
  result.bundle.template_name = name;
  result.bundle.version = semver;
  result.bundle.files.push_back(file("prompt.md", name + " " + semver));
  result.manifest = bundle::manifest_digest(result.bundle.files);
  return result;
}

inline WantedTemplate wanted_template(const std::string& name, const std::string& semver, std::uint64_t generation,
                                      std::optional<std::uint64_t> change = std::nullopt) {
  WantedTemplate result;
  result.id = "id-" + name;
  result.name = name;
  result.generation = generation;
  result.change = change;
  result.current = version(name, semver);
  return result;
}

inline ContentKey key(const WantedVersion& wanted) {
  return ContentKey{wanted.bundle.template_name, wanted.version, wanted.manifest};
}

inline TreeId tree(const WantedVersion& wanted) {
  return TreeId{wanted.bundle.template_name, bundle::tree_name(wanted.version, wanted.manifest)};
}

/// A database that was reached, remote on, plenty of room; nothing shown.
struct World {
  Desired desired;
  Observed observed;
  Policy policy;

  World() {
    desired.epoch = "epoch-1";
    observed.remote_enabled = true;
    observed.database_reached = true;
    observed.room_bytes = 1 << 30;
    policy.templates = {"*"};
  }
  WantedTemplate& want(const WantedTemplate& wanted) {
    if (wanted.change) desired.moved_together[*wanted.change].insert(wanted.name);
    return desired.templates[wanted.name] = wanted;
  }
  void on_disk(const WantedVersion& wanted) { observed.complete[key(wanted)] = tree(wanted); }
  void show(const WantedTemplate& wanted) {
    Shown shown;
    shown.tree = tree(*wanted.current);
    shown.version = wanted.current->version;
    shown.manifest = wanted.current->manifest;
    shown.epoch = desired.epoch;
    shown.template_id = wanted.id;
    shown.generation = wanted.generation;
    shown.change = wanted.change;
    observed.view.number += 1;
    observed.view.templates[wanted.name] = shown;
    observed.accepted[{desired.epoch, wanted.id}] = {wanted.generation, shown.version, shown.manifest};
    on_disk(*wanted.current);
  }
  void offer_fallback(const std::string& name, const std::string& content) {
    Alternative other;
    other.bundle.template_name = name;
    other.bundle.version = "filesystem";
    other.bundle.files.push_back(file("prompt.md", content));
    other.manifest = bundle::manifest_digest(other.bundle.files);
    observed.filesystem[name] = other;
  }
  void fail(const WantedVersion& wanted, std::string reason, bool final, std::uint64_t generation, bool due = false) {
    observed.failed[key(wanted)] = FetchFailure{std::move(reason), "", final, generation, due};
  }
  Plan decide() const { return plan::decide(desired, observed, policy); }
};

/// "section7=1.1.0,intake=2.0.0" for each group, groups separated by " | ".
inline std::string moves(const Plan& plan) {
  std::string text;
  for (const auto& group : plan.activate) {
    if (!text.empty()) text += " | ";
    std::string members;
    for (const auto& move : group.moves) {
      if (!members.empty()) members += ",";
      members += move.template_name + "=" + move.content.version;
    }
    text += members;
  }
  return text;
}

inline std::string fetches(const Plan& plan) {
  std::string text;
  for (const auto& fetch : plan.fetch) {
    if (!text.empty()) text += ",";
    text += fetch.content.template_name + "=" + fetch.content.version + (fetch.prefetch ? " (prefetch)" : "");
  }
  return text;
}

/// "refused digest_mismatch" for one template.
inline std::string status(const Plan& plan, const std::string& name) {
  const auto found = plan.status.find(name);
  if (found == plan.status.end()) return "(not wanted)";
  const auto& value = found->second;
  return std::string(to_string(value.state)) + (value.reason.empty() ? "" : " " + value.reason);
}

}  // namespace bundlesync::plan::test
