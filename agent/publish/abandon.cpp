#include "publish/publisher.hpp"
#include "publish/sentences.hpp"

#include <fmt/format.h>

namespace bundlesync::publish {
namespace {

Error version_exists(const std::string& template_name, const std::string& version) {
  return Error(ErrorKind::conflict,
               fmt::format("{} {} is published: only a draft can be abandoned", template_name, version),
               fmt::format("to show another version: bundlesync set-default {} VERSION", template_name))
      .with_reason("version_exists");
}

}  // namespace

Task<Result<AbandonResult>> abandon(catalog::Catalog& catalog, storage::Storage& storage, std::string template_name,
                                    std::string version, Steps& steps) {
  auto locked = catalog.lock_version(template_name, version);
  if (!locked) co_return fail(std::move(locked.error()));
  const HeldLock held(catalog);
  steps.reached(Step::locked, "");

  auto known = look_up(catalog, template_name, version);
  if (!known) co_return fail(std::move(known.error()));
  if (!known->version) {
    co_return fail(Error(ErrorKind::not_found, fmt::format("there is no draft of {} {}", template_name, version),
                         "bundlesync list --drafts shows what was left unfinished")
                       .with_reason("version_unknown"));
  }
  if (!known->version->is_draft()) co_return fail(version_exists(template_name, version));

  // Claimed like a publish: a publisher that lost its session but lives on finds its claim void.
  catalog::ClaimRequest wanted;
  wanted.template_name = template_name;
  wanted.semver = version;
  auto claim = catalog.claim(wanted);
  if (!claim) co_return fail(std::move(claim.error()));
  steps.reached(Step::claimed, claim->uuid);

  // Objects first: while the draft is there, a death in between is found again by list --drafts.
  AbandonResult result;
  auto listed = co_await storage.list(object_prefix(template_name, version));
  if (!listed) co_return fail(std::move(listed.error()));
  for (const auto& object : *listed) {
    if (auto ours = catalog.check_claim(*claim); !ours) co_return fail(std::move(ours.error()));
    auto removed = co_await storage.remove(object.key);
    if (!removed) co_return fail(std::move(removed.error()));
    ++result.removed_objects;
    steps.reached(Step::removed, object.key);
  }
  auto gone = catalog.remove_draft(known->version->id);
  if (!gone) co_return fail(std::move(gone.error()));
  steps.reached(Step::draft_removed, known->version->id);

  result.template_name = std::move(template_name);
  result.version = std::move(version);
  say_abandoned(result);
  co_return result;
}

}  // namespace bundlesync::publish
