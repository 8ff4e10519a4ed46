#pragma once

#include "base/digest.hpp"
#include "base/error.hpp"
#include "bundle/bundle.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the commands for people ask of the database and change in it. The agent does not come through here
/// (catalog/feed.hpp is its door). Calls block: one session, one command, no loop.
namespace bundlesync::catalog {

/// A row of templates with what belongs to it. Texts that may be null are empty.
struct TemplateRow {
  std::string id;
  std::string name;
  bool enabled = true;             ///< null in the table counts as true
  std::string default_version_id;  ///< empty: no default
  std::string default_version;     ///< its semver
  std::uint64_t generation = 0;
  std::string changed_at;      ///< RFC 3339, UTC; empty when nothing changed since the migration
  std::uint64_t versions = 0;  ///< drafts not counted
  std::uint64_t drafts = 0;
};

struct VersionRow {
  std::string id;
  std::string template_name;
  std::string semver;
  std::string status;  ///< draft, stable or deprecated; null in the table counts as stable
  bool is_default = false;
  bool was_default = false;  ///< some row of default_history names it as what was moved away from
  bool frozen = false;
  std::string manifest_sha256;  ///< 64 hex digits; empty where none is recorded yet
  std::string signature;        ///< bundle/signature.hpp; empty where there is none
  std::string source_commit;
  std::string changelog;
  std::string created_at;  ///< RFC 3339, UTC
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  ///< of the artifacts; a prompt without an artifact has no size
  bool is_draft() const { return status == "draft"; }
};

/// One move of a default, as default_history keeps it.
struct HistoryRow {
  std::uint64_t id = 0;
  std::string from_version_id;
  std::string from_version;  ///< semver; empty: there was no default
  std::string to_version_id;
  std::string to_version;  ///< semver; empty: there is no default since
  std::uint64_t generation = 0;
  std::string changed_xid;
  std::string changed_by;
  std::string reason;
  std::string changed_at;  ///< RFC 3339, UTC
};

/// A version that was begun and not finished.
struct Draft {
  VersionRow version;
  bool being_published = false;  ///< a living session holds the lock
};

struct ClaimRequest {
  std::string template_name;
  std::string semver;
  std::string changelog;
  std::string source_commit;
};

/// The right to fill one draft. Void as soon as another publisher claims the same draft.
struct Claim {
  std::string uuid;
  std::string template_id;
  std::string version_id;
  bool template_created = false;
  bool taken_over = false;  ///< the draft was there already: what another publisher left
};

struct Moved {
  std::string from_version;  ///< semver; empty: there was no default
  std::string to_version;
  std::uint64_t generation = 0;
  std::string changed_xid;
  std::uint64_t history_id = 0;
};

/// Errors of every call: unavailable (the database is away), unauthorised, timed_out, failed with the server's words.
class Catalog {
 public:
  virtual ~Catalog() = default;

  // Reading. Repeatable.
  virtual Result<std::vector<TemplateRow>> templates() = 0;  ///< sorted by name
  /// not_found (reason template_unknown) with the nearest names as a hint.
  virtual Result<TemplateRow> find_template(std::string_view name) = 0;
  virtual Result<std::vector<VersionRow>> versions(std::string_view template_id) = 0;  ///< oldest first
  virtual Result<std::vector<Draft>> drafts() = 0;                                     ///< of all templates
  /// Newest first, at most `rows_max`.
  virtual Result<std::vector<HistoryRow>> history(std::string_view template_id, std::size_t rows_max) = 0;
  /// The files as the agent would get them, sorted by path.
  virtual Result<std::vector<bundle::File>> files(std::string_view version_id) = 0;

  // Publishing, in this order.
  /// Takes the publish lock of one version for this session: ended by unlock_version() or with the session, so a dead
  /// publisher holds nothing. conflict (reason publish_lock_held) when a living one has it; says who.
  virtual Result<void> lock_version(std::string_view template_name, std::string_view semver) = 0;
  virtual void unlock_version() = 0;
  /// Creates the template and the draft where missing, takes over a draft that is there, and marks it with a new claim.
  /// Needs the lock. conflict (version_exists) when the version is no draft any more.
  virtual Result<Claim> claim(const ClaimRequest& request) = 0;
  /// conflict (claim_lost) when somebody else claimed the draft or the lock is gone. Asked before every change of
  /// storage.
  virtual Result<void> check_claim(const Claim& claim) = 0;
  /// Replaces all rows of the draft by those of this bundle. Repeatable. conflict (claim_lost).
  virtual Result<void> record(const Claim& claim, const bundle::Bundle& bundle) = 0;
  /// One transaction: checks that the database computes `manifest` over the recorded rows, turns the draft stable,
  /// freezes it with its signature (empty: none) and, when asked, moves the default to it. conflict (claim_lost) and
  /// nothing is changed when the claim is void.
  virtual Result<std::optional<Moved>> finish(const Claim& claim, const Digest& manifest, std::string_view signature,
                                              bool set_default, std::string_view reason) = 0;
  /// Gives a published version this signature in place of the one it has. Agents that it is the default of are told.
  /// Repeatable. not_found (version_unknown) where there is no such version, or only a draft.
  virtual Result<void> sign_version(std::string_view version_id, std::string_view signature) = 0;
  /// Removes a draft with its rows. Needs the lock. conflict (version_exists) when it is no draft. Repeatable: gone is
  /// gone.
  virtual Result<void> remove_draft(std::string_view version_id) = 0;

  // Moving the default.
  /// Moves the default of a template from what the caller saw (`seen`) to a version of it. conflict (moved_first) and
  /// nothing is changed when the template's generation is not seen.generation any more.
  virtual Result<Moved> move_default(const TemplateRow& seen, std::string_view version_id, std::string_view reason) = 0;
};

}  // namespace bundlesync::catalog
