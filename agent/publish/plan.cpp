#include "publish/plan.hpp"

#include "publish/differences.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace bundlesync::publish {
namespace {

Error version_differs(const bundle::Bundle& wanted, std::span<const bundle::File> published) {
  constexpr std::size_t shown_max = 3;
  const auto compared = compare(published, wanted.files);
  std::string paths;
  for (std::size_t i = 0; i < std::min(shown_max, compared.files.size()); ++i) {
    paths += (i == 0 ? "" : ", ") + compared.files[i].path;
  }
  if (compared.files.size() > shown_max) paths += ", …";
  return Error(ErrorKind::conflict,
               fmt::format("{} {} exists with other content: {} of its files differ ({})", wanted.template_name,
                           wanted.version, compared.files.size(), paths),
               "a published version never changes: give this content another version")
      .with_reason("version_differs");
}

Error was_default(const bundle::Bundle& wanted, const catalog::TemplateRow& current) {
  return Error(ErrorKind::conflict,
               fmt::format("{} {} was the default and was moved away from; the default is {}", wanted.template_name,
                           wanted.version, current.default_version.empty() ? "none" : current.default_version),
               fmt::format("to make it the default again: bundlesync set-default {} {}", wanted.template_name,
                           wanted.version))
      .with_reason("was_default");
}

struct Pile {
  std::vector<Target> versions;
  bool last_was_rollback = false;

  void moved_to(Target target) {
    const auto at = std::ranges::find(versions, target.version_id, &Target::version_id);
    const bool on_top = at != versions.end() && at + 1 == versions.end();
    last_was_rollback = at != versions.end() && !on_top;
    if (at == versions.end()) {
      versions.push_back(std::move(target));
    } else {
      versions.erase(at + 1, versions.end());
    }
  }
};

/// A template without a default keeps its pile: giving it the same default again is neither deploy nor rollback.
Pile pile_of(std::span<const catalog::HistoryRow> newest_first) {
  Pile pile;
  for (std::size_t i = newest_first.size(); i-- > 0;) {
    const auto& row = newest_first[i];
    if (pile.versions.empty() && !row.from_version_id.empty()) pile.moved_to({row.from_version_id, row.from_version});
    if (!row.to_version_id.empty()) pile.moved_to({row.to_version_id, row.to_version});
  }
  return pile;
}

}  // namespace

Result<Course> decide_publish(const Known& known, const bundle::Bundle& wanted, bool set_default) {
  if (!known.version) return Course::make;
  if (known.version->is_draft()) return Course::take_over;
  if (bundle::manifest_digest(known.files) != bundle::manifest_digest(wanted.files)) {
    return fail(version_differs(wanted, known.files));
  }

  if (!set_default || known.version->is_default) return Course::rest;
  if (known.version->was_default) return fail(was_default(wanted, *known.template_row));
  if (known.version->status == "deprecated") {
    return fail(Error(ErrorKind::conflict, fmt::format("{} {} is deprecated", wanted.template_name, wanted.version),
                      fmt::format("to make it the default all the same: bundlesync set-default {} {}",
                                  wanted.template_name, wanted.version))
                    .with_reason("version_deprecated"));
  }
  return Course::move_only;
}

std::vector<std::string> objects_to_remove(std::span<const storage::ObjectInfo> listed,
                                           std::span<const bundle::File> files) {
  std::set<std::string_view> wanted;
  for (const auto& file : files) wanted.insert(file.storage_path);
  std::vector<std::string> removed;
  for (const auto& object : listed) {
    if (!wanted.contains(object.key)) removed.push_back(object.key);
  }
  return removed;
}

Result<Target> decide_rollback(const catalog::TemplateRow& current, std::span<const catalog::HistoryRow> newest_first) {
  const std::string name_it = fmt::format(
      "name the version: bundlesync rollback {} --to VERSION (bundlesync history {} "
      "shows what was the default when)",
      current.name, current.name);
  const std::string& last = newest_first.empty() ? std::string() : newest_first.front().to_version_id;
  if (!newest_first.empty() && last != current.default_version_id) {
    return fail(Error(ErrorKind::conflict,
                      fmt::format("the history of {} does not end with its current default", current.name), name_it)
                    .with_reason("history_differs"));
  }

  const Pile pile = pile_of(newest_first);
  if (current.default_version_id.empty() && !pile.versions.empty()) return pile.versions.back();
  if (pile.last_was_rollback) {
    return fail(
        Error(ErrorKind::conflict,
              fmt::format("the default of {}, {}, was itself set by a rollback: the one before it could be meant "
                          "in two ways",
                          current.name, current.default_version),
              name_it)
            .with_reason("rolled_back_already"));
  }
  if (pile.versions.size() < 2) {
    return fail(Error(ErrorKind::failed,
                      fmt::format("{} had no default before {}", current.name,
                                  current.default_version.empty() ? "now" : current.default_version),
                      name_it)
                    .with_reason("no_previous"));
  }
  return pile.versions[pile.versions.size() - 2];
}

Result<Target> decide_target(const catalog::TemplateRow& current, std::span<const catalog::VersionRow> versions,
                             std::string_view version) {
  const auto at = std::ranges::find(versions, version, &catalog::VersionRow::semver);
  if (at == versions.end()) {
    return fail(Error(ErrorKind::not_found, fmt::format("{} has no version {}", current.name, version),
                      fmt::format("bundlesync list {} shows what it has", current.name))
                    .with_reason("version_unknown"));
  }
  if (at->is_draft()) {
    return fail(Error(ErrorKind::conflict,
                      fmt::format("{} {} is a draft: a draft cannot be the default", current.name, version),
                      "finish it by running its publish again, or remove it with publish --abandon")
                    .with_reason("version_draft"));
  }
  return Target{at->id, at->semver};
}

}  // namespace bundlesync::publish
