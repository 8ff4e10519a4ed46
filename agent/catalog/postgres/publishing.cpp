#include "catalog/postgres/catalog.hpp"
#include "catalog/postgres/catalog_sql.hpp"
#include "catalog/postgres/query.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

/// The half of the catalog that changes something. Every change is one transaction.
namespace bundlesync::catalog {
namespace {

namespace bj = boost::json;

Parameter text_or_null(std::string_view text) {
  return text.empty() ? Parameter() : Parameter(std::string(text));
}

bj::value json_or_null(const std::string& text) {
  return text.empty() ? bj::value(nullptr) : bj::value(text);
}

std::string files_json(const std::vector<bundle::File>& files) {
  bj::array rows;
  for (const auto& file : files) {
    bj::object row;
    row["kind"] = file.kind;
    row["storage_path"] = file.storage_path;
    row["sha256"] = file.sha256.hex();
    row["size"] = file.size.value_or(0);
    row["content_type"] = file.content_type;
    row["locale"] = json_or_null(file.locale);
    row["role"] = json_or_null(file.role);
    rows.push_back(std::move(row));
  }
  return bj::serialize(rows);
}

Error version_exists(std::string_view semver, std::string_view status) {
  return Error(ErrorKind::conflict, fmt::format("version {} is {}, no draft", semver, status),
               "somebody finished it meanwhile: run this again to see what is there")
      .with_reason("version_exists");
}

}  // namespace

Result<Claim> PostgresCatalog::claim(const ClaimRequest& request) {
  if (!lock_) return fail(claim_lost());
  return in_transaction(session_, [&] { return claim_in_transaction(request); });
}

Result<Claim> PostgresCatalog::claim_in_transaction(const ClaimRequest& request) {
  Claim claim;
  auto made = query(session_, sql::create_template, {request.template_name});
  if (!made) return fail(std::move(made.error()));
  claim.template_created = !made->empty();
  auto found = query(session_, sql::template_id, {request.template_name});
  if (!found) return fail(std::move(found.error()));
  if (found->empty()) return fail(template_unknown(request.template_name));
  claim.template_id = found->front().text(0);

  auto draft = query(session_, sql::create_draft, {claim.template_id, request.semver, text_or_null(request.changelog)});
  if (!draft) return fail(std::move(draft.error()));
  if (draft->empty()) {
    auto there = query(session_, sql::lock_draft, {claim.template_id, request.semver});
    if (!there) return fail(std::move(there.error()));
    if (there->empty()) return fail(claim_lost());
    if (there->front().text(1) != "draft") return fail(version_exists(request.semver, there->front().text(1)));
    claim.taken_over = true;
    claim.version_id = there->front().text(0);
    auto described = query(session_, sql::describe_draft, {claim.version_id, text_or_null(request.changelog)});
    if (!described) return fail(std::move(described.error()));
  } else {
    claim.version_id = draft->front().text(0);
  }

  auto claimed = query(session_, sql::write_claim, {claim.version_id, text_or_null(request.source_commit)});
  if (!claimed) return fail(std::move(claimed.error()));
  claim.uuid = claimed->front().text(0);
  return claim;
}

Result<void> PostgresCatalog::check_claim(const Claim& claim) {
  if (!lock_) return fail(claim_lost());
  auto rows = query(session_, sql::check_claim, {claim.version_id, claim.uuid, lock_->template_name, lock_->semver});
  if (!rows) return fail(std::move(rows.error()));
  if (!rows->front().flag(0)) return fail(claim_lost());
  return {};
}

Result<void> PostgresCatalog::hold_claim(const Claim& claim) {
  auto rows = query(session_, sql::hold_claim, {claim.version_id, claim.uuid});
  if (!rows) return fail(std::move(rows.error()));
  if (rows->empty()) return fail(claim_lost());
  return {};
}

Result<void> PostgresCatalog::record(const Claim& claim, const bundle::Bundle& bundle) {
  const std::string rows = files_json(bundle.files);
  return in_transaction(session_, [&]() -> Result<void> {
    if (auto ours = hold_claim(claim); !ours) return ours;
    if (auto done = query(session_, sql::clear_prompts, {claim.version_id}); !done)
      return fail(std::move(done.error()));
    if (auto done = query(session_, sql::clear_artifacts, {claim.version_id}); !done)
      return fail(std::move(done.error()));
    if (auto done = query(session_, sql::add_artifacts, {claim.version_id, rows}); !done)
      return fail(std::move(done.error()));
    if (auto done = query(session_, sql::add_prompts, {claim.version_id, rows}); !done)
      return fail(std::move(done.error()));
    const auto locale = text_or_null(bundle.default_locale);
    if (auto done = query(session_, sql::set_default_locale, {claim.version_id, locale}); !done)
      return fail(std::move(done.error()));
    return {};
  });
}

Result<std::optional<Moved>> PostgresCatalog::finish(const Claim& claim, const Digest& manifest,
                                                     std::string_view signature, bool set_default,
                                                     std::string_view reason) {
  return in_transaction(session_, [&]() -> Result<std::optional<Moved>> {
    if (auto ours = hold_claim(claim); !ours) return fail(std::move(ours.error()));
    auto computed = query(session_, sql::manifest_sha256, {claim.version_id});
    if (!computed) return fail(std::move(computed.error()));
    if (computed->front().text(0) != manifest.hex()) {
      return fail(Error(ErrorKind::failed,
                        fmt::format("the database computes manifest {} over the recorded rows, the publisher {}",
                                    computed->front().text_or(0, "null"), manifest.hex()),
                        "were the draft's rows changed meanwhile? run this again")
                      .with_reason("manifest_differs"));
    }

    auto stable = query(session_, sql::turn_stable, {claim.version_id});
    if (!stable) return fail(std::move(stable.error()));
    auto frozen = query(session_, sql::freeze, {claim.version_id, claim.uuid, manifest.hex(), text_or_null(signature)});
    if (!frozen) return fail(std::move(frozen.error()));
    if (!set_default) return std::optional<Moved>();
    auto moved = move_in_transaction(claim.template_id, claim.version_id, reason, nullptr);
    if (!moved) return fail(std::move(moved.error()));
    return std::optional(std::move(*moved));
  });
}

Result<void> PostgresCatalog::sign_version(std::string_view version_id, std::string_view signature) {
  auto done = query(session_, sql::sign_version, {std::string(version_id), std::string(signature)});
  if (!done) return fail(std::move(done.error()));
  if (!done->empty()) return {};
  return fail(Error(ErrorKind::not_found, fmt::format("version {} is not published any more", version_id),
                    "run this again to see what is there")
                  .with_reason("version_unknown"));
}

Result<void> PostgresCatalog::remove_draft(std::string_view version_id) {
  const std::string id(version_id);
  return in_transaction(session_, [&]() -> Result<void> {
    auto there = query(session_, sql::version_status, {id});
    if (!there) return fail(std::move(there.error()));
    if (there->empty()) return {};
    if (there->front().text(0) != "draft") return fail(version_exists(there->front().text(1), there->front().text(0)));
    for (const auto statement : {sql::clear_prompts, sql::clear_artifacts, sql::remove_state, sql::remove_version}) {
      if (auto done = query(session_, statement, {id}); !done) return fail(std::move(done.error()));
    }
    return {};
  });
}

Result<Moved> PostgresCatalog::move_default(const TemplateRow& seen, std::string_view version_id,
                                            std::string_view reason) {
  return in_transaction(session_, [&] { return move_in_transaction(seen.id, version_id, reason, &seen); });
}

Result<Moved> PostgresCatalog::move_in_transaction(std::string_view template_id, std::string_view version_id,
                                                   std::string_view reason, const TemplateRow* seen) {
  const std::string id(template_id);
  const std::string to(version_id);
  auto said = query(session_, sql::say_who_and_why, {text_or_null(actor_), text_or_null(reason)});
  if (!said) return fail(std::move(said.error()));
  auto now = query(session_, sql::hold_template, {id});
  if (!now) return fail(std::move(now.error()));
  const bool unchanged = !now->empty() && (seen == nullptr || now->front().number(2) == seen->generation);
  if (!unchanged) {
    return fail(Error(ErrorKind::conflict,
                      fmt::format("somebody moved {} first: its default is {} now", seen ? seen->name : id,
                                  now->empty() ? "gone" : now->front().text_or(1, "none")),
                      fmt::format("bundlesync history {} shows who and why", seen ? seen->name : id))
                    .with_reason("moved_first"));
  }

  auto done = query(session_, sql::move_default, {id, to});
  if (!done) return fail(std::move(done.error()));
  auto after = query(session_, sql::moved, {id, to});
  if (!after) return fail(std::move(after.error()));
  Moved moved;
  moved.from_version = now->front().text(1);
  if (after->empty()) return moved;
  moved.generation = after->front().number(0);
  moved.changed_xid = after->front().text(1);
  moved.to_version = after->front().text(2);
  moved.history_id = after->front().number(3);
  return moved;
}

}  // namespace bundlesync::catalog
