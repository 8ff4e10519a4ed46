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

/// The statements that make it so, for any database with Supabase's storage schema, any number of times; without
/// `policy_too` only the role and its grants, which lock nothing that others wait for. They expect a transaction around
/// them, wait a second for a lock at most, and refuse a role that passes policies.
std::string read_access_script(const ReadRule& rule, bool policy_too = true);

/// Nothing where the database has no table storage.objects: it is not the project's. Errors: as Session::exec.
Result<std::optional<ReadAccess>> find_read_access(Session& session, const ReadRule& rule);

/// Runs the script in one transaction; again where a lock was not to be had, five times at most. Repeatable.
/// unauthorised where this login may not; a server may also grant nothing without an error, so look afterwards.
Result<void> grant_read_access(Session& session, const ReadRule& rule, bool policy_too = true);

}  // namespace bundlesync::catalog
