#pragma once

#include "async/task.hpp"
#include "base/error.hpp"
#include "base/exit_code.hpp"
#include "bundle/lint.hpp"
#include "bundle/signature.hpp"
#include "catalog/catalog.hpp"
#include "publish/steps.hpp"
#include "storage/storage.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// The publisher's commands as functions: each takes what the command line said and gives a struct to print, as a table
/// or as JSON. An Error carries its own exit code; where a success has one too, exit_code() says it.
namespace bundlesync::publish {

using Limits = bundle::Limits;
/// One thing that is wrong with a bundle's directory, or looks wrong. Beyond lint()'s codes: those of
/// base/json_read.hpp and manifest_file.hpp for manifest.json itself, link_leads_out, not_regular, file_unreadable.
using Problem = bundle::LintProblem;

/// One file of what is or would be published.
struct FileLine {
  std::string path;
  std::string sha256;
  std::uint64_t bytes = 0;
  std::string kind;
  std::string locale;
  std::string role;
  bool operator==(const FileLine&) const = default;
};

// ---- check ---------------------------------------------------------------------------------------------------------

struct CheckRequest {
  std::filesystem::path directory;
  std::string template_name;  ///< empty: the manifest's
  std::string version;        ///< empty: the manifest's
  Limits limits;
};

struct CheckResult {
  std::string template_name;  ///< empty where neither the flag nor the manifest gives it
  std::string version;
  bool guessed = false;         ///< there is no manifest.json: kinds, locales and content types are guessed
  std::string manifest_sha256;  ///< empty when it cannot be published
  std::uint64_t bytes = 0;
  std::vector<FileLine> files;
  bundle::Bundle bundle;          ///< complete only where manifest_sha256 is there
  std::string against;            ///< the version it was compared with; empty: with none
  std::vector<Problem> problems;  ///< warnings too
  ExitCode exit_code() const { return bundle::publishable(problems) ? ExitCode::done : ExitCode::lint; }
};

/// Reads and judges a bundle's directory, and what stands in its files (bundle::lint_contents()); asks nobody. usage
/// (directory_missing) when there is no such directory.
Result<CheckResult> check(const CheckRequest& request);

/// A version that a bundle is compared with before it takes its place.
struct Replaced {
  std::string version;
  std::vector<bundle::File> files;
};
/// Of `which`, a version or "default". Nothing when "default" is asked for and there is no such template yet, or it has
/// no default. not_found (template_unknown, version_unknown), conflict (version_draft).
Result<std::optional<Replaced>> find_replaced(catalog::Catalog& catalog, std::string_view template_name,
                                              std::string_view which);
/// Adds what readers of `replaced` would miss (bundle::breaking_changes()): as errors where `breaking` is asked for,
/// else as warnings. Nothing is added where the bundle cannot be published as it is.
void compare_with(CheckResult& result, const Replaced& replaced, bool breaking);

// ---- publish -------------------------------------------------------------------------------------------------------

struct PublishRequest {
  std::filesystem::path directory;
  std::string template_name;  ///< empty: the manifest's
  std::string version;        ///< empty: the manifest's
  bool set_default = false;
  bool dry_run = false;
  std::string changelog;
  std::string source_commit;                      ///< see source_commit_from_environment()
  std::string reason;                             ///< for default_history; empty: "publish <version>"
  std::optional<bundle::SigningKey> signing_key;  ///< absent: a signature that is there stays, and none is made
  Limits limits;
};

enum class Outcome {
  published,      ///< it is there now and was not before
  already_there,  ///< the same content was published before; the default may still have moved (`moved`)
  would_publish,  ///< dry run: it would be made
  would_move,     ///< dry run: it is there already, and the default would move to it
  would_sign,     ///< dry run: it is there already, and would get a signature by this key
  nothing_to_do,  ///< dry run: running it would change nothing
  lint_failed,    ///< nothing was tried: see `problems`
};
/// "published", "already_there", … as JSON carries it.
std::string_view to_string(Outcome outcome);

struct PublishResult {
  Outcome outcome = Outcome::published;
  std::string template_name;
  std::string version;
  std::string manifest_sha256;
  bool template_created = false;
  bool taken_over = false;  ///< a draft that a dead publisher left was finished
  bool is_default = false;  ///< the version is the default now
  std::uint64_t uploaded_files = 0;
  std::uint64_t uploaded_bytes = 0;
  std::uint64_t kept_objects = 0;      ///< were in storage already with the right bytes
  std::uint64_t replaced_objects = 0;  ///< were in storage with other bytes: removed and made again
  std::uint64_t removed_objects = 0;   ///< were in storage and belong to no file of this version
  std::uint64_t bytes = 0;             ///< of the whole bundle
  std::vector<FileLine> files;
  std::vector<Problem> problems;  ///< warnings; errors too when outcome is lint_failed
  std::optional<catalog::Moved> moved;
  std::string signed_by;  ///< id of the key that this run signed with, or would; empty where it did not
  /// Sentences for people: what changed, in order.
  std::vector<std::string> changed;
  /// Command lines that undo it, or a sentence why nothing needs undoing.
  std::vector<std::string> undo;
  /// done, lint (100), or differences (3) for a dry run that would change something.
  ExitCode exit_code() const;
};

/// Lint, claim, upload, read back, record, set default. May be run again at any time: after success it says so, after a
/// death it finishes what was begun. `steps` hears of each step after it is done.
/// conflict: another publisher is at it (publish_lock_held, claim_lost), the version exists with other content
/// (version_differs), or set_default would undo a rollback (was_default).
Task<Result<PublishResult>> publish(catalog::Catalog& catalog, storage::Storage& storage, PublishRequest request,
                                    Steps& steps);

struct AbandonResult {
  std::string template_name;
  std::string version;
  std::uint64_t removed_objects = 0;
  std::vector<std::string> changed;
  std::vector<std::string> undo;
};

/// Removes what a dead publisher left of a version: the objects, then the draft. not_found (version_unknown) when there
/// is no such version, conflict (version_exists) when it is published, conflict (publish_lock_held) while a publisher
/// lives. May be run again after a death.
Task<Result<AbandonResult>> abandon(catalog::Catalog& catalog, storage::Storage& storage, std::string template_name,
                                    std::string version, Steps& steps);

/// The commit being built, as CI systems name it: GITHUB_SHA, CI_COMMIT_SHA, BITBUCKET_COMMIT, CIRCLE_SHA1, GIT_COMMIT;
/// the first that is set to 7 to 64 hex digits. Empty where none is.
std::string source_commit_from_environment();

// ---- moving the default --------------------------------------------------------------------------------------------

struct MoveResult {
  std::string template_name;
  bool already = false;  ///< it was the default before: nothing was changed
  catalog::Moved moved;
  std::vector<std::string> changed;
  std::vector<std::string> undo;
};

/// not_found (template_unknown, version_unknown), conflict (version_draft, moved_first).
Result<MoveResult> set_default(catalog::Catalog& catalog, std::string_view template_name, std::string_view version,
                               std::string_view reason);

/// Without `to`: back to the default before the current one. conflict (rolled_back_already) when the current default
/// was itself set by a rollback, failed (no_previous) when there was none before it.
Result<MoveResult> rollback(catalog::Catalog& catalog, std::string_view template_name, std::optional<std::string> to,
                            std::string_view reason);

// ---- reading -------------------------------------------------------------------------------------------------------

Result<std::vector<catalog::TemplateRow>> list_templates(catalog::Catalog& catalog);

struct VersionList {
  catalog::TemplateRow of;
  std::vector<catalog::VersionRow> versions;  ///< newest first by semver precedence; what is no semver comes last
};
Result<VersionList> list_versions(catalog::Catalog& catalog, std::string_view template_name);

Result<std::vector<catalog::Draft>> list_drafts(catalog::Catalog& catalog);

struct History {
  catalog::TemplateRow of;
  std::vector<catalog::HistoryRow> moves;  ///< newest first
};
Result<History> history(catalog::Catalog& catalog, std::string_view template_name, std::size_t rows_max = 100);

enum class Difference { added, removed, changed };
std::string_view to_string(Difference difference);

struct FileDifference {
  Difference what = Difference::changed;
  std::string path;
  std::optional<FileLine> before;
  std::optional<FileLine> after;
  std::string before_key;  ///< of the object in storage; empty where there is no such file
  std::string after_key;
  bool bytes_differ() const { return !before || !after || before->sha256 != after->sha256; }
};
struct DiffResult {
  std::string template_name;
  std::string before;  ///< semver
  std::string after;
  std::vector<FileDifference> files;  ///< sorted by path
  std::uint64_t same = 0;
  ExitCode exit_code() const { return files.empty() ? ExitCode::done : ExitCode::differences; }
};
/// Of two published versions. not_found (template_unknown, version_unknown), conflict (version_draft).
Result<DiffResult> diff(catalog::Catalog& catalog, std::string_view template_name, std::string_view before,
                        std::string_view after);

/// How the text of one file changed.
struct TextDifference {
  bool binary = false;        ///< one of the two is no text
  bool bounded = false;       ///< too many lines differ: counted as a whole and not shown
  std::uint64_t removed = 0;  ///< lines
  std::uint64_t added = 0;
  std::string unified;  ///< as `patch -p1` takes it; empty where binary, bounded or where no byte differs
};
TextDifference compare_texts(std::string_view before, std::string_view after, std::string_view before_name,
                             std::string_view after_name);

/// Downloads one file of `of` in both versions and compares them. Every byte is verified: refused (digest_mismatch)
/// when storage holds others than were published, and the storage's own errors. Repeatable.
Task<Result<TextDifference>> diff_text(storage::Storage& storage, const DiffResult& of, const FileDifference& file,
                                       std::uint64_t file_bytes_max);

}  // namespace bundlesync::publish
