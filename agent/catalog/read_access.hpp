#pragma once

#include <optional>
#include <string>
#include <vector>

/// Who may read the objects of a bucket, as Postgres has it: Supabase Storage asks as the role that a key names, and
/// policies on storage.objects say what that role sees.
namespace bundlesync::catalog {

/// What should be: this role sees the objects of this bucket, by this policy.
struct ReadRule {
  std::string bucket;
  std::string role;
  std::string policy;     ///< its name
  std::string condition;  ///< as the server spells it
  bool own_role = true;   ///< ours to make; false: one that the project has
};

struct Policy {
  std::string name;
  std::string command;  ///< select, insert, update, delete, all
  bool permissive = true;
  std::vector<std::string> roles;  ///< sorted; "public" for everybody
  std::string condition;           ///< of rows seen and, after a space, of rows written; as the server spells them
  bool operator==(const Policy&) const = default;
};

/// What is.
struct ReadAccess {
  bool row_security = false;  ///< of storage.objects; without it no policy counts
  bool role_exists = false;
  bool role_passes_policies = false;        ///< superuser, BYPASSRLS, or it may act as the owner of storage.objects
  std::optional<bool> role_can_be_assumed;  ///< by authenticator; absent: there is no authenticator
  bool may_use_schema = false;
  bool may_select = false;
  std::vector<Policy> policies;  ///< all of storage.objects, by name
};

}  // namespace bundlesync::catalog
