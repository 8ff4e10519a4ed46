#pragma once

#include "catalog/postgres/session.hpp"
#include "catalog/read_access.hpp"

#include <optional>
#include <string>

namespace bundlesync::catalog {

inline constexpr const char* reader_role = "bundlesync_reader";

/// The rule by which `role` reads `bucket`. usage: a name that is not a role's, or one that would open the bucket to
/// everybody (public, anon) or names one that passes policies anyway (service_role).
Result<ReadRule> read_rule(const std::string& bucket, const std::string& role);

/// The statements that make it so, for any database with Supabase's storage schema, any number of times. No transaction
/// in them.
std::string read_access_script(const ReadRule& rule);

/// Nothing where the database has no table storage.objects: it is not the project's. Errors: as Session::exec.
Result<std::optional<ReadAccess>> find_read_access(Session& session, const ReadRule& rule);

/// Runs the script in one transaction. Repeatable. unauthorised where this login may not.
Result<void> grant_read_access(Session& session, const ReadRule& rule);

}  // namespace bundlesync::catalog
