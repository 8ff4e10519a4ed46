#include "publish/bucket_findings.hpp"

#include "base/units.hpp"
#include "bundle/manifest_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace bundlesync::publish {
namespace {

constexpr std::string_view setup_mends = "bundlesync bucket setup changes it";

Finding judged(bool good, std::string what, std::string when_good, std::string when_not,
               std::string_view hint = setup_mends) {
  if (good) return {Standing::ok, std::move(what), std::move(when_good)};
  return {Standing::drift, std::move(what), std::move(when_not), std::string(hint)};
}

bool takes(const std::vector<std::string>& types, std::string_view type) {
  return std::ranges::any_of(types, [type](std::string_view one) {
    if (one == "*/*" || one == type) return true;
    return one.ends_with("/*") && type.starts_with(one.substr(0, one.size() - 1));
  });
}

Finding compare_types(const storage::Bucket& wanted, const storage::Bucket& found) {
  std::vector<std::string> missing;
  std::ranges::copy_if(wanted.types, std::back_inserter(missing),
                       [&](const std::string& type) { return !takes(found.types, type); });
  if (found.types.empty()) return judged(false, "types", "", "it takes content of every type");
  return judged(missing.empty(), "types", fmt::format("it takes the {} types of bundles", wanted.types.size()),
                fmt::format("it does not take {}", fmt::join(missing, ", ")));
}

/// The parts of an expression between these words, outside of parentheses and quotes.
std::vector<std::string_view> split(std::string_view text, std::string_view words) {
  std::vector<std::string_view> parts;
  int depth = 0;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\'') quoted = !quoted;  // a doubled quote ends and begins again
    if (quoted) continue;
    if (text[at] == '(') ++depth;
    if (text[at] == ')') --depth;
    if (depth != 0 || !text.substr(at).starts_with(words)) continue;
    parts.push_back(text.substr(begin, at - begin));
    begin = at + words.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

/// True for `(bucket_id = 'another'::text)`, alone or with more that must hold besides. Whatever else a condition may
/// mean, it is not understood here, and may open anything.
bool names_another_bucket(std::string_view condition, std::string_view ours) {
  if (!condition.starts_with('(') || !condition.ends_with(')') || condition == ours) return false;
  const std::string_view inner = condition.substr(1, condition.size() - 2);
  constexpr std::string_view begins = "bucket_id = '";
  constexpr std::string_view ends = "'::text";
  if (inner.starts_with(begins) && inner.ends_with(ends)) {
    const std::string_view name = inner.substr(begins.size(), inner.size() - begins.size() - ends.size());
    return name.find('\'') == std::string_view::npos;
  }
  if (split(inner, " OR ").size() > 1) return false;
  const auto parts = split(inner, " AND ");
  return parts.size() > 1 &&
         std::ranges::any_of(parts, [&](std::string_view part) { return names_another_bucket(part, ours); });
}

/// A policy that writes has two conditions, one after the other.
bool only_of_other_buckets(std::string_view conditions, std::string_view ours) {
  return std::ranges::all_of(split(conditions, " "),
                             [&](std::string_view part) { return names_another_bucket(part, ours); });
}

Finding compare_policy(const catalog::ReadRule& rule, const catalog::ReadAccess& found) {
  const auto at = std::ranges::find(found.policies, rule.policy, &catalog::Policy::name);
  if (at == found.policies.end()) {
    return judged(false, "policy", "", fmt::format("there is no policy {} on storage.objects", rule.policy));
  }
  const bool good = at->command == "select" && at->permissive && at->roles == std::vector{rule.role} &&
                    at->condition == rule.condition;
  return judged(good, "policy", fmt::format("{} lets {} select where {}", rule.policy, rule.role, rule.condition),
                fmt::format("{} lets {} {} where {}", rule.policy, fmt::join(at->roles, ", "), at->command,
                            at->condition.empty() ? "anything" : at->condition));
}

/// Policies add up: whatever another one opens stays open.
Finding other_policies(const catalog::ReadRule& rule, const catalog::ReadAccess& found) {
  std::vector<std::string> others;
  for (const auto& policy : found.policies) {
    const bool elsewhere = only_of_other_buckets(policy.condition, rule.condition);
    const bool harmless = policy.roles == std::vector<std::string>{"service_role"};
    if (policy.name == rule.policy || !policy.permissive || elsewhere || harmless) continue;
    others.push_back(fmt::format("{} ({} to {})", policy.name, policy.command, fmt::join(policy.roles, ", ")));
  }
  if (others.empty()) return {Standing::ok, "other_policies", "no other policy opens this bucket"};
  return {Standing::not_proven, "other_policies",
          fmt::format("other policies may open this bucket, too: {}", fmt::join(others, "; ")),
          "policies add up: read them in pg_policies, and drop what should not be"};
}

}  // namespace

std::string_view to_string(Standing standing) {
  switch (standing) {
    case Standing::ok:
      return "ok";
    case Standing::changed:
      return "changed";
    case Standing::drift:
      return "drift";
    case Standing::not_proven:
      return "not proven";
    case Standing::denied:
      return "denied";
    case Standing::failed:
      return "failed";
  }
  return "";
}

ExitCode exit_code(std::span<const Finding> findings) {
  const auto any = [findings](Standing standing) {
    return std::ranges::find(findings, standing, &Finding::standing) != findings.end();
  };
  if (any(Standing::denied)) return ExitCode::unauthorised;
  if (any(Standing::failed)) return ExitCode::failed;
  return any(Standing::drift) ? ExitCode::differences : ExitCode::done;
}

storage::Bucket wanted_bucket(const bundle::Limits& limits) {
  storage::Bucket bucket;
  bucket.file_bytes_max = limits.file_bytes_max;
  bucket.types = bundle::guessed_content_types();
  return bucket;
}

storage::Bucket mended(const storage::Bucket& wanted, const storage::Bucket& found) {
  storage::Bucket bucket = wanted;
  std::ranges::copy_if(found.types, std::back_inserter(bucket.types), [&](const std::string& type) {
    return std::ranges::find(wanted.types, type) == wanted.types.end();
  });
  return bucket;
}

std::vector<Finding> compare(const std::string& name, const storage::Bucket& wanted,
                             const std::optional<storage::Bucket>& found) {
  if (!found) {
    return {Finding(Standing::drift, "bucket", fmt::format("there is no bucket '{}', or this key may not see it", name),
                    "bundlesync bucket setup makes it, with the service role's key")};
  }
  std::vector<Finding> findings;
  findings.emplace_back(Standing::ok, "bucket", fmt::format("'{}' is there", name));
  findings.push_back(judged(!found->is_public, "private", "it is private: nobody reads without a key",
                            "it is public: anybody who knows a path downloads without a key"));
  const auto limit = [](const storage::Bucket& bucket) {
    return bucket.file_bytes_max ? format_size(*bucket.file_bytes_max) : std::string("none");
  };
  findings.push_back(
      judged(found->file_bytes_max == wanted.file_bytes_max, "size_limit",
             fmt::format("its limit of one file is {}", limit(wanted)),
             fmt::format("its limit of one file is {}, and limits.file is {}", limit(*found), limit(wanted))));
  findings.push_back(compare_types(wanted, *found));
  return findings;
}

std::vector<Finding> compare(const catalog::ReadRule& rule, const catalog::ReadAccess& found) {
  std::vector<Finding> findings;
  findings.push_back(judged(found.row_security, "row_security", "row-level security of storage.objects is on",
                            "row-level security of storage.objects is off: no policy counts",
                            "have its owner run: alter table storage.objects enable row level security"));
  if (!found.role_exists) {
    findings.push_back(judged(false, "role", "", fmt::format("there is no role {}", rule.role),
                              rule.own_role ? setup_mends : "Supabase makes it: is this the project's database?"));
  } else if (found.role_passes_policies) {
    findings.push_back(judged(false, "role", "", fmt::format("role {} passes every policy", rule.role),
                              "give readers another role: every key for it would see every bucket"));
  } else if (found.role_can_be_assumed == false) {
    findings.push_back(judged(false, "role", "",
                              fmt::format("storage cannot become {}: it is not granted to authenticator", rule.role)));
  } else {
    findings.emplace_back(Standing::ok, "role", fmt::format("{} is there, and storage can become it", rule.role));
    if (!found.role_can_be_assumed) {
      findings.back() =
          Finding(Standing::not_proven, "role",
                  fmt::format("{} is there; there is no role authenticator that storage logs in as", rule.role),
                  "is this the project's database?");
    }
  }
  findings.push_back(judged(found.may_use_schema && found.may_select, "grants",
                            fmt::format("{} may select from storage.objects, as far as policies go", rule.role),
                            fmt::format("{} may not select from storage.objects at all", rule.role)));
  findings.push_back(compare_policy(rule, found));
  findings.push_back(other_policies(rule, found));
  return findings;
}

std::vector<Finding> compare(const std::string& directory, const std::optional<storage::file::DirectoryFacts>& found) {
  if (!found) {
    return {Finding(Standing::drift, "directory", fmt::format("there is no directory {}", directory),
                    "bundlesync bucket setup makes it; or is the volume not mounted?")};
  }
  constexpr unsigned group_writes = 020;
  constexpr unsigned others_write = 02;
  std::vector<Finding> findings;
  findings.emplace_back(Standing::ok, "directory", fmt::format("{} is there, mode {:04o}", directory, found->mode));
  std::string writers = "owner " + found->owner;
  if ((found->mode & group_writes) != 0) writers += " and group " + found->group;
  findings.push_back(judged((found->mode & others_write) == 0, "writers",
                            fmt::format("{} may write, and root", writers),
                            "everybody on this machine may write: whoever does can publish"));
  findings.push_back(judged(found->readable, "readable", "this user may read it", "this user may not read it",
                            "the agent's user must be able to: chmod o+rx, or the agent's group"));
  findings.emplace_back(
      Standing::ok, "medium",
      found->is_network ? fmt::format("on {}, a network file system: others may write there too, by their own rules",
                                      found->file_system)
                        : fmt::format("on {}, of this machine", found->file_system));
  return findings;
}

Finding agent_may_not_write(bool writable) {
  if (!writable) return {Standing::ok, "agent_write_refused", "this user may not write: it cannot publish"};
  return {Standing::failed, "agent_write_refused", "this user may write: an agent that runs as it may publish",
          "run the agent as a user that neither owns the directory nor is in its group, and not as root"};
}

Finding agent_may_read(const Result<std::string>& object) {
  if (!object) return {Standing::failed, "agent_read", object.error().fact(), "let the agent's user read: chmod o+rX"};
  if (object->empty()) return {Standing::not_proven, "agent_read", "there is no object yet to be read"};
  return {Standing::ok, "agent_read", fmt::format("this user can read {}", *object)};
}

std::vector<Finding> settled(std::span<const Finding> before, std::vector<Finding> after) {
  for (auto& finding : after) {
    const auto was = std::ranges::find(before, finding.what, &Finding::what);
    const bool was_good = was != before.end() && was->standing != Standing::drift;
    if (finding.standing == Standing::ok && !was_good) finding.standing = Standing::changed;
  }
  return after;
}

}  // namespace bundlesync::publish
