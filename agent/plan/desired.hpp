#pragma once

#include "bundle/bundle.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// What the catalog wants shown, as values. Source: bundlesync.desired() (migrations/), read by catalog/.
namespace bundlesync::plan {

/// A version that the catalog names, with all of its files.
struct WantedVersion {
  std::string id;                           ///< uuid of the row in template_versions
  std::string version;                      ///< its semver
  std::string status;                       ///< "draft", "stable", "deprecated" or empty (reference rows may have null)
  std::string signature;                    ///< empty where there is none
  bundle::Bundle bundle;                    ///< template, version and files
  Digest manifest;                          ///< of `bundle`, computed by us
  std::optional<Digest> recorded_manifest;  ///< what the catalog says it is; absent for versions by other tools
  std::string problem;                      ///< a code the catalog itself gave ("version_draft"), else empty

  bool operator==(const WantedVersion&) const = default;
};

/// How the id begins of a template whose document could not be read: it must not be taken for another's, and no
/// question may name it.
inline constexpr std::string_view unreadable_id = "unreadable:";

/// One template as the catalog has it.
struct WantedTemplate {
  std::string id;  ///< uuid; unreadable_id + name where its document could not be read
  std::string name;
  bool enabled = true;  ///< NULL in the database counts as true
  bool deleted = false;
  std::uint64_t generation = 0;
  std::optional<std::uint64_t>
      change;              ///< changed_xid: what moved together carries the same; absent for rows older than us
  std::string changed_at;  ///< RFC 3339, for people and for commit-to-visible
  std::optional<std::uint64_t> history;   ///< id of the audit row of the last move
  std::optional<WantedVersion> current;   ///< what default_version_id names; absent when it names nothing
  std::optional<WantedVersion> previous;  ///< the default before it: prefetched, so that a rollback is only a rename
  std::string problem;                    ///< "default_of_other_template", …; else empty

  bool operator==(const WantedTemplate&) const = default;
};

/// All wanted templates at one snapshot of the database.
struct Desired {
  std::string epoch;  ///< uuid of the life of this database; empty: the database was never reached
  std::map<std::string, WantedTemplate> templates;  ///< by name
  /// Who moved in each change that some template still stands at, as far as it was seen: a template that has moved on
  /// since belongs to it all the same. (A at change 7 must not be shown before B, which moved in 7 and again in 8.)
  std::map<std::uint64_t, std::set<std::string>> moved_together;

  bool known() const { return !epoch.empty(); }
  bool operator==(const Desired&) const = default;
};

/// What one question to the catalog brought.
struct Answer {
  bool full = false;  ///< every wanted template is in it: what is not named is not there
  std::string epoch;
  std::string snapshot;  ///< hand it back with the next question
  std::string
      server_started;  ///< differs from last time: ask again in full (a failover may have reused transaction ids)
  int schema_version = 0;
  std::vector<std::string> problems;  ///< guards that are missing from the database
  std::vector<WantedTemplate> templates;
};

/// Takes an answer into what was known before. A template is known by its id: one that was renamed leaves its old name,
/// one that is deleted stays as deleted under its name. A new epoch replaces everything.
void merge(Desired& desired, Answer answer);

}  // namespace bundlesync::plan
