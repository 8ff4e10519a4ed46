#pragma once

#include "base/exit_code.hpp"
#include "bundle/limits.hpp"
#include "catalog/read_access.hpp"
#include "storage/bucket.hpp"
#include "storage/file/directory.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What is so and what should be so of the place where bundles lie, as a list of facts. Pure.
namespace bundlesync::publish {

enum class Standing {
  ok,
  changed,     ///< it was not so; now it is
  drift,       ///< it is not as it should be
  not_proven,  ///< nobody tried: there was nothing to try it with, or it was not to be
  denied,      ///< the credentials do not allow it
  failed       ///< it was tried, and is not so
};

/// "ok", "changed", "drift", "not proven", "denied", "failed"
std::string_view to_string(Standing standing);

/// One line.
struct Finding {
  Finding(Standing standing_, std::string what_, std::string text_, std::string hint_ = "")
      : standing(standing_), what(std::move(what_)), text(std::move(text_)), hint(std::move(hint_)) {}
  Standing standing;
  std::string what;  ///< a stable name: "bucket", "size_limit", "policy", "agent_read"
  std::string text;
  std::string hint;  ///< what to do; empty where there is nothing to do
  bool operator==(const Finding&) const = default;
};

/// denied 4, failed 1, drift 3, in this order; else 0.
ExitCode exit_code(std::span<const Finding> findings);

/// Private, one object no larger than limits.file, and the content types that bundles use.
storage::Bucket wanted_bucket(const bundle::Limits& limits);
/// What setup makes of a bucket: as wanted, and the types that it takes besides stay.
storage::Bucket mended(const storage::Bucket& wanted, const storage::Bucket& found);
std::vector<Finding> compare(const std::string& name, const storage::Bucket& wanted,
                             const std::optional<storage::Bucket>& found);

/// The last one, other_policies, tells what else opens the bucket, or might.
std::vector<Finding> compare(const catalog::ReadRule& rule, const catalog::ReadAccess& found);

std::vector<Finding> compare(const std::string& directory, const std::optional<storage::file::DirectoryFacts>& found);

/// Of a file store, as the user that runs the agent.
Finding agent_may_not_write(bool writable);
Finding agent_may_read(const Result<std::string>& object);

/// What was found after something was changed: what was drift and is ok now was changed.
std::vector<Finding> settled(std::span<const Finding> before, std::vector<Finding> after);

}  // namespace bundlesync::publish
