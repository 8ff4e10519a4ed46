#pragma once

#include "base/digest.hpp"
#include "base/error.hpp"
#include "catalog/catalog.hpp"
#include "storage/storage.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

/// What to do, decided from what was seen: no database, no storage, no clock.
namespace bundlesync::publish {

/// What the catalog knows about the version that is to be published.
struct Known {
  std::optional<catalog::TemplateRow> template_row;
  std::optional<catalog::VersionRow> version;
  std::vector<bundle::File> files;  ///< of the version; read only where it is no draft
};

enum class Course {
  make,       ///< there is no such version: claim it, upload, record, finish
  take_over,  ///< a draft is there: the same, over what it left
  move_only,  ///< published before with the same content: only the default moves
  rest,       ///< everything is as asked
};

/// conflict: version_differs (names up to three files that differ), was_default (the default was moved away from this
/// version on purpose; a second publish must not undo that), version_deprecated.
Result<Course> decide_publish(const Known& known, const bundle::Bundle& wanted, bool set_default);

/// Objects below the version's prefix that belong to none of its files, in the order listed.
std::vector<std::string> objects_to_remove(std::span<const storage::ObjectInfo> listed,
                                           std::span<const bundle::File> files);

/// Where a rollback goes.
struct Target {
  std::string version_id;
  std::string version;
  bool operator==(const Target&) const = default;
};

/// The default before the current one. Moves are read as a pile: a version that is not in it is put on top, a version
/// that is in it (a rollback, by whatever tool) takes off everything above. So a rollback is told from a deploy without
/// marks. conflict (rolled_back_already): the last move was a rollback, so "the one before" has two meanings. conflict
/// (history_differs): the history does not end with the current default. failed (no_previous): nothing lies below the
/// current default.
Result<Target> decide_rollback(const catalog::TemplateRow& current, std::span<const catalog::HistoryRow> newest_first);

/// The row of `versions` with this semver, fit to be a default. not_found (version_unknown), conflict (version_draft).
Result<Target> decide_target(const catalog::TemplateRow& current, std::span<const catalog::VersionRow> versions,
                             std::string_view version);

}  // namespace bundlesync::publish
