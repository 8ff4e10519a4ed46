#include "catalog/postgres/read_access.hpp"

#include "base/digest.hpp"
#include "catalog/postgres/query.hpp"
#include "catalog/postgres/read_access_sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace bundlesync::catalog {
namespace {

constexpr std::size_t name_bytes_max = 63;  // of anything in Postgres; it cuts off the rest silently

std::string doubled(std::string_view text, char quote) {
  std::string result(1, quote);
  for (const char c : text) {
    if (c == quote) result += c;
    result += c;
  }
  return result + quote;
}
std::string identifier(std::string_view name) {
  return doubled(name, '"');
}
/// With a backslash the plain form depends on a setting of the server; no bucket's name has one.
std::string literal(std::string_view text) {
  return doubled(text, '\'');
}

std::string policy_name(const std::string& bucket) {
  const std::string name = "bundlesync_read_" + bucket;
  if (name.size() <= name_bytes_max) return name;
  return "bundlesync_read_" + Digest::of(bucket).hex().substr(0, 32);
}

bool is_role_name(std::string_view name) {
  const auto begins = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  const auto goes_on = [&](char c) { return begins(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= name_bytes_max && begins(name.front()) && std::ranges::all_of(name, goes_on) &&
         !name.starts_with("pg_");
}

void fill_in(std::string& text, std::string_view place, const std::string& value) {
  for (std::size_t at = 0; (at = text.find(place, at)) != std::string::npos; at += value.size()) {
    text.replace(at, place.size(), value);
  }
}

}  // namespace

Result<ReadRule> read_rule(const std::string& bucket, const std::string& role) {
  if (!is_role_name(role)) {
    return fail(ErrorKind::usage, fmt::format("'{}' is not a role that readers can have", role),
                "a role is 1 to 63 of a-z, 0-9, _ and -, and begins with a letter");
  }
  if (role == "public" || role == "anon" || role == "none") {
    return fail(ErrorKind::usage, fmt::format("readers '{}' would open the bucket to everybody", role),
                fmt::format("leave --readers out for a role of its own, {}", reader_role));
  }
  if (role == "service_role" || role == "postgres" || role == "authenticator") {
    return fail(ErrorKind::usage, fmt::format("readers '{}' may do far more than read", role),
                fmt::format("leave --readers out for a role of its own, {}", reader_role));
  }
  ReadRule rule;
  rule.bucket = bucket;
  rule.role = role;
  rule.policy = policy_name(bucket);
  rule.condition = fmt::format("(bucket_id = {}::text)", literal(bucket));
  rule.own_role = role != "authenticated";
  return rule;
}

std::string read_access_script(const ReadRule& rule, bool policy_too) {
  std::string script(sql::be_brief);
  if (rule.own_role) script += sql::make_role;
  script += sql::let_select;
  if (policy_too) script += sql::make_policy;
  fill_in(script, "{role}", identifier(rule.role));
  fill_in(script, "{role_text}", literal(rule.role));
  fill_in(script, "{policy}", identifier(rule.policy));
  fill_in(script, "{bucket}", literal(rule.bucket));
  return script;
}

Result<std::optional<ReadAccess>> find_read_access(Session& session, const ReadRule& rule) {
  auto rows = query(session, sql::find_access, {rule.role});
  if (!rows) return fail(std::move(rows.error()));
  if (rows->empty()) return std::optional<ReadAccess>();
  const Cells& row = rows->front();
  ReadAccess access;
  access.row_security = row.flag(0);
  access.role_exists = row.flag(1);
  access.role_passes_policies = row.flag(2);
  if (!row.text(3).empty()) access.role_can_be_assumed = row.flag(3);
  access.may_use_schema = row.flag(4);
  access.may_select = row.flag(5);

  auto policies = query(session, sql::find_policies, {});
  if (!policies) return fail(std::move(policies.error()));
  for (const auto& cells : *policies) {
    if (access.policies.empty() || access.policies.back().name != cells.text(0)) {
      Policy& policy = access.policies.emplace_back();
      policy.name = cells.text(0);
      policy.command = cells.text(1);
      policy.permissive = cells.flag(2);
      policy.condition = cells.text(4);
    }
    access.policies.back().roles.push_back(cells.text(3));
  }
  return std::optional<ReadAccess>(std::move(access));
}

Result<void> grant_read_access(Session& session, const ReadRule& rule, bool policy_too) {
  constexpr int attempts = 5;
  for (int attempt = 1;; ++attempt) {
    auto done = in_transaction(session, [&]() -> Result<void> {
      auto ran = session.exec(read_access_script(rule, policy_too));
      if (!ran) return fail(std::move(ran.error()));
      return {};
    });
    if (done || attempt == attempts) return done;
    const std::string& state = done.error().reason();
    if (state != "55P03" && state != "40P01") return done;  // a lock was not to be had, a deadlock
    std::this_thread::sleep_for(std::chrono::seconds(1));   // for those who queue behind the same lock
  }
}

}  // namespace bundlesync::catalog
