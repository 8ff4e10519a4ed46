#include "bundle/semver.hpp"
#include "publish/commands.hpp"
#include "publish/differences.hpp"
#include "publish/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace bundlesync::publish {
namespace {

bool newer(const catalog::VersionRow& a, const catalog::VersionRow& b) {
  return bundle::version_less(b.semver, a.semver);
}

Result<std::vector<bundle::File>> files_of(catalog::Catalog& catalog, const catalog::TemplateRow& of,
                                           const std::vector<catalog::VersionRow>& versions, std::string_view version) {
  const auto at = std::ranges::find(versions, version, &catalog::VersionRow::semver);
  if (at != versions.end() && at->is_draft()) {
    return fail(Error(ErrorKind::conflict, fmt::format("{} {} is a draft", of.name, version),
                      "finish it by running its publish again")
                    .with_reason("version_draft"));
  }
  if (at != versions.end()) return catalog.files(at->id);
  return fail(decide_target(of, versions, version).error());
}

bool is_commit(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  return text.size() >= 7 && text.size() <= 64 && std::ranges::all_of(text, is_hex);
}

}  // namespace

Result<std::vector<catalog::TemplateRow>> list_templates(catalog::Catalog& catalog) {
  return catalog.templates();
}

Result<VersionList> list_versions(catalog::Catalog& catalog, std::string_view template_name) {
  auto of = catalog.find_template(template_name);
  if (!of) return fail(std::move(of.error()));
  auto versions = catalog.versions(of->id);
  if (!versions) return fail(std::move(versions.error()));
  std::ranges::sort(*versions, newer);
  return VersionList{.of = std::move(*of), .versions = std::move(*versions)};
}

Result<std::vector<catalog::Draft>> list_drafts(catalog::Catalog& catalog) {
  return catalog.drafts();
}

Result<History> history(catalog::Catalog& catalog, std::string_view template_name, std::size_t rows_max) {
  auto of = catalog.find_template(template_name);
  if (!of) return fail(std::move(of.error()));
  auto moves = catalog.history(of->id, rows_max);
  if (!moves) return fail(std::move(moves.error()));
  return History{.of = std::move(*of), .moves = std::move(*moves)};
}

Result<DiffResult> diff(catalog::Catalog& catalog, std::string_view template_name, std::string_view before,
                        std::string_view after) {
  auto of = catalog.find_template(template_name);
  if (!of) return fail(std::move(of.error()));
  auto versions = catalog.versions(of->id);
  if (!versions) return fail(std::move(versions.error()));
  auto old_files = files_of(catalog, *of, *versions, before);
  if (!old_files) return fail(std::move(old_files.error()));
  auto new_files = files_of(catalog, *of, *versions, after);
  if (!new_files) return fail(std::move(new_files.error()));

  auto compared = compare(*old_files, *new_files);
  DiffResult result;
  result.template_name = of->name;
  result.before = before;
  result.after = after;
  result.files = std::move(compared.files);
  result.same = compared.same;
  return result;
}

Result<std::optional<Replaced>> find_replaced(catalog::Catalog& catalog, std::string_view template_name,
                                              std::string_view which) {
  const bool is_default = which == "default";
  auto of = catalog.find_template(template_name);
  if (!of && is_default && of.error().reason() == "template_unknown") return std::nullopt;
  if (!of) return fail(std::move(of.error()));
  if (is_default && of->default_version.empty()) return std::nullopt;
  auto versions = catalog.versions(of->id);
  if (!versions) return fail(std::move(versions.error()));
  std::optional<Replaced> found(std::in_place);
  found->version = is_default ? of->default_version : which;
  auto files = files_of(catalog, *of, *versions, found->version);
  if (!files) return fail(std::move(files.error()));
  found->files = std::move(*files);
  return found;
}

std::string source_commit_from_environment() {
  for (const char* name : {"GITHUB_SHA", "CI_COMMIT_SHA", "BITBUCKET_COMMIT", "CIRCLE_SHA1", "GIT_COMMIT"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && is_commit(value)) return value;
  }
  return {};
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::published:
      return "published";
    case Outcome::already_there:
      return "already_there";
    case Outcome::would_publish:
      return "would_publish";
    case Outcome::would_move:
      return "would_move";
    case Outcome::would_sign:
      return "would_sign";
    case Outcome::nothing_to_do:
      return "nothing_to_do";
    case Outcome::lint_failed:
      return "lint_failed";
  }
  return "";
}

ExitCode PublishResult::exit_code() const {
  switch (outcome) {
    case Outcome::would_publish:
    case Outcome::would_move:
    case Outcome::would_sign:
      return ExitCode::differences;
    case Outcome::lint_failed:
      return ExitCode::lint;
    case Outcome::published:
    case Outcome::already_there:
    case Outcome::nothing_to_do:
      break;
  }
  return ExitCode::done;
}

}  // namespace bundlesync::publish
