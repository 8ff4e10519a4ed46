#include "publish/commands.hpp"
#include "publish/plan.hpp"
#include "publish/sentences.hpp"

namespace bundlesync::publish {
namespace {

constexpr std::size_t history_max = 1000;  // moves looked at for a rollback; older ones change nothing about the last

Result<MoveResult> move(catalog::Catalog& catalog, const catalog::TemplateRow& seen, const Target& target,
                        std::string_view reason) {
  MoveResult result;
  result.template_name = seen.name;
  if (seen.default_version_id == target.version_id) {
    result.already = true;
    result.moved.from_version = result.moved.to_version = target.version;
    result.moved.generation = seen.generation;
  } else {
    auto moved = catalog.move_default(seen, target.version_id, reason);
    if (!moved) return fail(std::move(moved.error()));
    result.moved = std::move(*moved);
  }
  say_moved(result);
  return result;
}

}  // namespace

Result<MoveResult> set_default(catalog::Catalog& catalog, std::string_view template_name, std::string_view version,
                               std::string_view reason) {
  auto current = catalog.find_template(template_name);
  if (!current) return fail(std::move(current.error()));
  auto versions = catalog.versions(current->id);
  if (!versions) return fail(std::move(versions.error()));
  auto target = decide_target(*current, *versions, version);
  if (!target) return fail(std::move(target.error()));
  return move(catalog, *current, *target, reason.empty() ? "set-default" : reason);
}

Result<MoveResult> rollback(catalog::Catalog& catalog, std::string_view template_name, std::optional<std::string> to,
                            std::string_view reason) {
  auto current = catalog.find_template(template_name);
  if (!current) return fail(std::move(current.error()));
  if (!to) {
    auto moves = catalog.history(current->id, history_max);
    if (!moves) return fail(std::move(moves.error()));
    auto before = decide_rollback(*current, *moves);
    if (!before) return fail(std::move(before.error()));
    to = before->version;
  }

  // Looked up by name in both cases: what history names may have been pruned since.
  auto versions = catalog.versions(current->id);
  if (!versions) return fail(std::move(versions.error()));
  auto target = decide_target(*current, *versions, *to);
  if (!target) return fail(std::move(target.error()));
  return move(catalog, *current, *target, reason.empty() ? "rollback" : reason);
}

}  // namespace bundlesync::publish
