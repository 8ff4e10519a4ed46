#pragma once

#include "bundle/bundle.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// What is there now, as values: this disk, and the fetches that are under way.
namespace bundlesync::plan {

/// Where what is shown came from (directory.md): `remote` something was downloaded, `cache` everything was on disk,
/// `local` a local manifest, `filesystem` bare fallback files.
enum class Source { remote, cache, local, filesystem };
const char* to_string(Source source);
std::optional<Source> parse_source(std::string_view text);

/// A directory under trees/<template>/.
struct TreeId {
  std::string template_name;
  std::string name;  ///< "1.0.1-9f2c4be07a11", with ".2" behind where that name was taken by a condemned tree
  auto operator<=>(const TreeId&) const = default;
  bool empty() const { return name.empty(); }
};

/// One template of a view.
struct Shown {
  TreeId tree;
  std::string version;
  Digest manifest;
  Source source = Source::cache;
  std::string epoch;        ///< of the database that named it; empty for local and filesystem
  std::string template_id;  ///< uuid; empty for local and filesystem, and where only the view's links could be read
  std::uint64_t generation = 0;
  std::optional<std::uint64_t> change;
  std::string activated_at;  ///< RFC 3339
  bool operator==(const Shown&) const = default;
};

/// Everything that one view shows, by template name.
struct View {
  std::uint64_t number = 0;  ///< 0: nothing is shown yet
  std::map<std::string, Shown> templates;
  bool operator==(const View&) const = default;
};

/// The highest generation that was accepted of one template in one epoch, and what it named.
struct Accepted {
  std::uint64_t generation = 0;
  std::string version;
  Digest manifest;
  bool operator==(const Accepted&) const = default;
};
struct AcceptedKey {
  std::string epoch;
  std::string template_id;
  auto operator<=>(const AcceptedKey&) const = default;
};
using AcceptedMap = std::map<AcceptedKey, Accepted>;

/// A bundle in the local or fallback directory, ready to be shown.
struct Alternative {
  bundle::Bundle bundle;
  Digest manifest;
  Source source = Source::filesystem;
  bool operator==(const Alternative&) const = default;
};

/// Names a version's content: what a fetch brings and a tree holds.
struct ContentKey {
  std::string template_name;
  std::string version;
  Digest manifest;
  auto operator<=>(const ContentKey&) const = default;
};

/// How the last try to get a version's bytes ended.
struct FetchFailure {
  std::string reason;            ///< code: digest_mismatch, object_missing, …
  std::string text;              ///< for people
  bool final = false;            ///< true: not tried again until the row (its content key or generation) changes
  std::uint64_t generation = 0;  ///< of the row that it was tried for; a final failure counts only for that one
  bool due = false;              ///< not final, and its backoff is over: try again
};

/// What the validator said of a content, or that it said nothing.
struct Validation {
  enum class Answer {
    accepted,
    vetoed,  ///< final for the row (content and generation) that it was said of
    none     ///< it could not be asked: tried again when due
  };
  Answer answer = Answer::none;
  std::string text;              ///< for people: its own words, or why it could not be asked
  std::uint64_t generation = 0;  ///< of the row that it was asked for; a veto counts only for that one
  bool due = false;              ///< none, and its backoff is over: ask again
};

struct Observed {
  bool remote_enabled = false;    ///< the flag
  bool database_reached = false;  ///< an answer came in this process's life
  bool database_failed = false;   ///< the first try failed or takes longer than a start should wait for it
  bool start_grace_over = false;  ///< what shows nothing has waited long enough for its first download
  View view;
  std::set<TreeId> damaged;               ///< shown trees whose bytes are not what was accepted
  std::set<TreeId> unread;                ///< shown trees that could not be read: good, as far as is known
  std::map<ContentKey, TreeId> complete;  ///< trees that hold this content, good as far as we know
  std::set<ContentKey> fetching;
  std::set<ContentKey> prefetching;  ///< those of `fetching` that began as a prefetch
  std::map<ContentKey, FetchFailure> failed;
  std::set<ContentKey> validating;               ///< those that the validator is asked about now
  std::map<ContentKey, Validation> validations;  ///< what was shown before counts as accepted
  AcceptedMap accepted;
  std::map<std::string, Alternative> local;       ///< by template name
  std::map<std::string, Alternative> filesystem;  ///< by template name
  /// What fits beside all finished trees within disk.max_bytes, counting what can be reclaimed. What is under way has
  /// to fit into it, too.
  std::uint64_t room_bytes = 0;
  bool prefetch_due = false;  ///< the spread is over: previous defaults may be fetched
};

}  // namespace bundlesync::plan
