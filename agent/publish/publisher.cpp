#include "publish/publisher.hpp"

#include "bundle/content.hpp"
#include "publish/differences.hpp"
#include "publish/sentences.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bundlesync::publish {
namespace {

std::string reason_of(const PublishRequest& request, const bundle::Bundle& bundle) {
  return request.reason.empty() ? "publish " + bundle.version : request.reason;
}

PublishResult begin_result(const Loaded& loaded) {
  PublishResult result;
  result.template_name = loaded.bundle.template_name;
  result.version = loaded.bundle.version;
  result.problems = loaded.problems;
  if (!loaded.publishable()) {
    result.outcome = Outcome::lint_failed;
    return result;
  }
  result.manifest_sha256 = bundle::manifest_digest(loaded.bundle.files).hex();
  result.bytes = bundle::total_bytes(loaded.bundle.files, 0);
  result.files = lines_of(loaded.bundle.files);
  // `check` is there to stop on what a file says; publishing says it and goes on.
  for (auto& problem : bundle::lint_contents(loaded.manifest, loaded.bytes)) {
    problem.severity = Problem::Severity::warning;
    result.problems.push_back(std::move(problem));
  }
  return result;
}

/// What a signature of this bundle is about.
bundle::Signed signed_content(const bundle::Bundle& bundle) {
  bundle::Signed what;
  what.template_name = bundle.template_name;
  what.version = bundle.version;
  what.manifest = bundle::manifest_digest(bundle.files);
  return what;
}

/// Empty where no key was given.
std::string signature_of(const PublishRequest& request, const bundle::Bundle& bundle) {
  return request.signing_key ? bundle::sign(*request.signing_key, signed_content(bundle)) : std::string();
}

/// A published version whose signature is not one of this content by this key.
bool lacks_signature(const PublishRequest& request, const bundle::Bundle& bundle, const Known& known) {
  if (!request.signing_key || !known.version) return false;
  const std::vector<bundle::PublicKey> only{request.signing_key->public_key()};
  return bundle::signature_problem(known.version->signature, signed_content(bundle), only).has_value();
}

PublishResult rehearsed(PublishResult result, const Known& known, Course course, bool set_default, bool would_sign) {
  result.is_default = known.version && known.version->is_default;
  switch (course) {
    case Course::make:
    case Course::take_over:
      result.outcome = Outcome::would_publish;
      result.template_created = !known.template_row;
      result.taken_over = course == Course::take_over;
      break;
    case Course::move_only:
      result.outcome = Outcome::would_move;
      break;
    case Course::rest:
      result.outcome = would_sign ? Outcome::would_sign : Outcome::nothing_to_do;
      break;
  }
  say_rehearsed(result, known, set_default);
  return result;
}

/// The version is published already: at most it is signed, and its default moves; in this order, so that an agent that
/// requires a signature finds it.
Result<PublishResult> settle(catalog::Catalog& catalog, PublishResult result, const Known& known, Course course,
                             const std::string& reason, const std::string& signature) {
  result.outcome = Outcome::already_there;
  result.is_default = known.version->is_default;
  if (!signature.empty()) {
    auto done = catalog.sign_version(known.version->id, signature);
    if (!done) return fail(std::move(done.error()));
    result.signed_by = bundle::claimed_key_id(signature);
  }
  if (course == Course::move_only) {
    auto moved = catalog.move_default(*known.template_row, known.version->id, reason);
    if (!moved) return fail(std::move(moved.error()));
    result.moved = std::move(*moved);
    result.is_default = true;
  }
  say_published(result);
  return result;
}

/// What a failure after the claim leaves, and what to do about it. A draft that this run created and put nothing into
/// is taken back, so that a wrong storage.url leaves no trace.
Error leave(catalog::Catalog& catalog, const catalog::Claim& claim, const PublishResult& result,
            const ObjectCounts& counts, Error error) {
  if (error.reason() == "claim_lost") return error;
  const bool untouched =
      !claim.taken_over && counts.uploaded_files == 0 && counts.kept == 0 && error.kind() != ErrorKind::timed_out;
  if (untouched && catalog.check_claim(claim) && catalog.remove_draft(claim.version_id)) return error;
  return std::move(error).with_hint(
      fmt::format("a draft of {0} {1} is left: the same command finishes it, publish --template {0} --version {1} "
                  "--abandon removes it",
                  result.template_name, result.version));
}

/// Claim to finish, under the lock.
Task<Result<PublishResult>> make(catalog::Catalog& catalog, storage::Storage& storage, const Loaded& loaded,
                                 const PublishRequest& request, PublishResult result, Steps& steps) {
  catalog::ClaimRequest wanted;
  wanted.template_name = loaded.bundle.template_name;
  wanted.semver = loaded.bundle.version;
  wanted.changelog = request.changelog;
  wanted.source_commit = request.source_commit;
  auto claim = catalog.claim(wanted);
  if (!claim) co_return fail(std::move(claim.error()));
  steps.reached(Step::claimed, claim->uuid);

  ObjectWriter writer(catalog, storage, *claim, steps);
  auto written = co_await writer.write(loaded);
  if (written) written = co_await writer.read_back(loaded);
  if (written) written = catalog.record(*claim, loaded.bundle);
  if (!written) co_return fail(leave(catalog, *claim, result, writer.counts(), std::move(written.error())));
  steps.reached(Step::recorded, claim->version_id);

  const Digest manifest = bundle::manifest_digest(loaded.bundle.files);
  const std::string signature = signature_of(request, loaded.bundle);
  auto moved = catalog.finish(*claim, manifest, signature, request.set_default, reason_of(request, loaded.bundle));
  if (!moved) co_return fail(leave(catalog, *claim, result, writer.counts(), std::move(moved.error())));
  steps.reached(Step::finished, claim->version_id);

  result.outcome = Outcome::published;
  result.template_created = claim->template_created;
  result.taken_over = claim->taken_over;
  result.moved = std::move(*moved);
  result.is_default = result.moved.has_value();
  result.signed_by = bundle::claimed_key_id(signature);
  result.uploaded_files = writer.counts().uploaded_files;
  result.uploaded_bytes = writer.counts().uploaded_bytes;
  result.kept_objects = writer.counts().kept;
  result.replaced_objects = writer.counts().replaced;
  result.removed_objects = writer.counts().removed;
  say_published(result);
  co_return result;
}

}  // namespace

Result<Known> look_up(catalog::Catalog& catalog, std::string_view template_name, std::string_view version) {
  Known known;
  auto row = catalog.find_template(template_name);
  if (!row && row.error().reason() == "template_unknown") return known;
  if (!row) return fail(std::move(row.error()));
  known.template_row = std::move(*row);

  auto versions = catalog.versions(known.template_row->id);
  if (!versions) return fail(std::move(versions.error()));
  const auto at = std::ranges::find(*versions, version, &catalog::VersionRow::semver);
  if (at == versions->end()) return known;
  known.version = std::move(*at);
  if (known.version->is_draft()) return known;

  auto files = catalog.files(known.version->id);
  if (!files) return fail(std::move(files.error()));
  known.files = std::move(*files);
  return known;
}

Task<Result<PublishResult>> publish(catalog::Catalog& catalog, storage::Storage& storage, PublishRequest request,
                                    Steps& steps) {
  CheckRequest read;
  read.directory = request.directory;
  read.template_name = request.template_name;
  read.version = request.version;
  read.limits = request.limits;
  auto loaded = load(read);
  if (!loaded) co_return fail(std::move(loaded.error()));
  PublishResult result = begin_result(*loaded);
  if (result.outcome == Outcome::lint_failed) co_return result;
  steps.reached(Step::linted, result.manifest_sha256);

  if (request.dry_run) {
    auto known = look_up(catalog, result.template_name, result.version);
    if (!known) co_return fail(std::move(known.error()));
    auto course = decide_publish(*known, loaded->bundle, request.set_default);
    if (!course) co_return fail(std::move(course.error()));
    const bool there = *course == Course::rest || *course == Course::move_only;
    const bool would_sign = there ? lacks_signature(request, loaded->bundle, *known) : request.signing_key.has_value();
    if (would_sign) result.signed_by = request.signing_key->public_key().id();
    co_return rehearsed(std::move(result), *known, *course, request.set_default, would_sign);
  }

  auto locked = catalog.lock_version(result.template_name, result.version);
  if (!locked) co_return fail(std::move(locked.error()));
  const HeldLock held(catalog);
  steps.reached(Step::locked, "");

  auto known = look_up(catalog, result.template_name, result.version);
  if (!known) co_return fail(std::move(known.error()));
  auto course = decide_publish(*known, loaded->bundle, request.set_default);
  if (!course) co_return fail(std::move(course.error()));
  if (*course == Course::rest || *course == Course::move_only) {
    const bool signs = lacks_signature(request, loaded->bundle, *known);
    const std::string signature = signs ? signature_of(request, loaded->bundle) : std::string();
    co_return settle(catalog, std::move(result), *known, *course, reason_of(request, loaded->bundle), signature);
  }
  auto made = co_await make(catalog, storage, *loaded, request, std::move(result), steps);
  co_return made;
}

}  // namespace bundlesync::publish
