#pragma once

#include "bundle/trust.hpp"
#include "plan/desired.hpp"
#include "plan/observed.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// All policy in one pure function: from what is wanted and what is there to what to do now.
namespace bundlesync::plan {

/// What may be shown before the database was first reached (start.require).
enum class StartRequire { any, last_good, desired };

struct Policy {
  std::vector<std::string> templates;  ///< names and globs
  StartRequire start_require = StartRequire::any;
  std::uint64_t files_max = 2'000;
  std::uint64_t bundle_bytes_max = 64ULL << 20;
  std::uint64_t file_bytes_max = 16ULL << 20;
  /// Whose signature every version needs; none: no version needs one. Known from the settings alone.
  std::shared_ptr<const bundle::Trust> trust;
  bool validate = false;  ///< what was never shown is shown only once the validator accepted it (hooks.validate)
};

/// Why a template shows what it shows. One state a template and pass.
enum class State {
  absent,      ///< nothing anywhere: no entry in the view
  current,     ///< shows what the catalog wants
  moving,      ///< what the catalog wants is complete on disk and is swapped in by this pass
  fetching,    ///< bytes of what the catalog wants are on their way; shows what it did
  validating,  ///< its bytes are here, and the validator is asked; shows what it did
  retrying,    ///< a fetch failed and is tried again later; shows what it did
  blocked,     ///< its own bytes are there, but another template of the same change cannot be had
  refused,     ///< what the catalog wants breaks a rule; shows what it did until the row changes
  held,        ///< the catalog names a lower generation than was accepted (a restored database)
  orphaned,    ///< gone from the catalog; the last good stays
  disabled,    ///< enabled = false or no default: shows local or fallback files, else the last good
  waiting,     ///< the catalog was not reached yet; shows the last good
  standalone   ///< remote is off: shows local or fallback files, else the last good
};
const char* to_string(State state);

struct TemplateStatus {
  State state = State::absent;
  std::string reason;            ///< code for refused, retrying, blocked, held; the cause of a fallback
  std::string detail;            ///< for people: path, digests, the blocking template
  std::uint64_t generation = 0;  ///< seen in the catalog
  std::uint64_t accepted = 0;    ///< accepted before, for held
  std::optional<std::uint64_t> change;
  std::string wanted_version;  ///< empty when the catalog names none
  bool operator==(const TemplateStatus&) const = default;
};

/// One template's move in this pass.
struct Move {
  std::string template_name;
  ContentKey content;
  TreeId tree;                    ///< complete on disk; empty for local and filesystem moves, which are staged first
  Source source = Source::cache;  ///< cache; the driver turns it to remote where this process downloaded something
  std::optional<Alternative> alternative;  ///< set for local and filesystem
  std::string epoch;
  std::string template_id;
  std::uint64_t generation = 0;
  std::optional<std::uint64_t> change;
  std::optional<std::uint64_t> history;
  std::string changed_at;
  bool operator==(const Move&) const = default;
};

/// Templates that are shown together or not at all.
struct Group {
  std::optional<std::uint64_t> change;
  std::vector<Move> moves;
  bool waits = false;  ///< for whoever moved in `change`, in other groups too; else its one move waits for nobody
};

/// A version whose bytes should be on this disk.
struct Fetch {
  ContentKey content;
  bundle::Bundle bundle;
  std::uint64_t generation = 0;
  bool prefetch = false;  ///< for a later rollback; never delays what is wanted now
};

/// A version on this disk that the validator should be asked about.
struct Validate {
  ContentKey content;
  TreeId tree;
  std::uint64_t generation = 0;
};

struct Plan {
  std::vector<ContentKey> abandon;  ///< fetches under way that nobody wants any more
  std::vector<Fetch> fetch;
  std::vector<Validate> validate;  ///< all that should be asked about, those that are being asked too
  std::vector<Group> activate;     ///< all ready: may be shown by one rename
  std::vector<std::string> drop;   ///< templates that leave the view: no longer wanted, or nothing good is left of them
  std::map<std::string, TemplateStatus> status;  ///< every wanted template
  bool settled() const { return fetch.empty() && validate.empty() && activate.empty() && drop.empty(); }
};

/// Pure and total: the same input gives the same plan, and carrying a plan out in part and asking again is safe.
Plan decide(const Desired& desired, const Observed& observed, const Policy& policy);

/// The groups of a plan that may be shown although `unavailable` templates cannot be moved now after all: all but
/// theirs, and those that wait for one that is left out, in turn.
std::vector<Group> groups_without(std::vector<Group> groups, std::set<std::string> unavailable, const Desired& desired);

/// What a version takes on a disk, whose files fill whole blocks of 4 KiB; one of unknown size counts as the largest
/// that is allowed.
std::uint64_t disk_bytes(const bundle::Bundle& bundle, const Policy& policy);

/// A stable code when what the catalog wants breaks a rule, with detail; nothing when it is good.
struct Refusal {
  std::string reason;
  std::string detail;
};
std::optional<Refusal> refusal_of(const WantedVersion& version, const Policy& policy);

/// Is `name` wanted by these names and globs?
bool wanted(const std::string& name, const Policy& policy);

/// directory.md "Alive, ready": every literal name shows something that start.require allows; with globs only, at least
/// one template is shown. `missing` names what is not there.
struct Readiness {
  bool ready = false;
  std::vector<std::string> missing;
};
Readiness readiness(const View& view, bool database_reached, const Policy& policy);

/// True when nothing better can come: every wanted template shows what the catalog names (`--once --strict`).
bool converged(const Plan& plan);

}  // namespace bundlesync::plan
