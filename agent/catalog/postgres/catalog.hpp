#pragma once

#include "catalog/catalog.hpp"
#include "catalog/postgres/session.hpp"

#include <optional>
#include <string>

namespace bundlesync::catalog {

/// The catalog over one blocking session, which must be a real one: behind a pooler in transaction mode the publish
/// lock does not stay with the caller, which check_claim() finds out.
class PostgresCatalog final : public Catalog {
 public:
  /// `actor` goes to default_history as who moved a default; empty: the database's own idea of who is connected.
  PostgresCatalog(Session& session, std::string actor) : session_(session), actor_(std::move(actor)) {}

  Result<std::vector<TemplateRow>> templates() override;
  Result<TemplateRow> find_template(std::string_view name) override;
  Result<std::vector<VersionRow>> versions(std::string_view template_id) override;
  Result<std::vector<Draft>> drafts() override;
  Result<std::vector<HistoryRow>> history(std::string_view template_id, std::size_t rows_max) override;
  Result<std::vector<bundle::File>> files(std::string_view version_id) override;

  Result<void> lock_version(std::string_view template_name, std::string_view semver) override;
  void unlock_version() override;
  Result<Claim> claim(const ClaimRequest& request) override;
  Result<void> check_claim(const Claim& claim) override;
  Result<void> record(const Claim& claim, const bundle::Bundle& bundle) override;
  Result<std::optional<Moved>> finish(const Claim& claim, const Digest& manifest, std::string_view signature,
                                      bool set_default, std::string_view reason) override;
  Result<void> sign_version(std::string_view version_id, std::string_view signature) override;
  Result<void> remove_draft(std::string_view version_id) override;
  Result<Moved> move_default(const TemplateRow& seen, std::string_view version_id, std::string_view reason) override;

 private:
  struct Lock {
    std::string template_name;
    std::string semver;
  };

  Result<std::vector<Draft>> read_versions(std::optional<std::string_view> template_id, bool only_drafts);
  Error template_unknown(std::string_view name);
  Error lock_held(std::string_view template_name, std::string_view semver);
  Error claim_lost() const;
  Result<Claim> claim_in_transaction(const ClaimRequest& request);
  Result<void> hold_claim(const Claim& claim);
  Result<Moved> move_in_transaction(std::string_view template_id, std::string_view version_id, std::string_view reason,
                                    const TemplateRow* seen);

  Session& session_;
  std::string actor_;
  std::optional<Lock> lock_;
};

}  // namespace bundlesync::catalog
