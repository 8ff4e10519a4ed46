#include "bundle/path_rules.hpp"
#include "plan/plan.hpp"

#include <fmt/format.h>

namespace bundlesync::plan {
namespace {

std::optional<Refusal> too_large(const bundle::Bundle& bundle, const Policy& policy) {
  if (bundle.files.size() > policy.files_max) {
    return Refusal{"too_many_files", fmt::format("files={} limit={}", bundle.files.size(), policy.files_max)};
  }
  std::uint64_t total = 0;
  for (const auto& file : bundle.files) {
    const std::uint64_t size = file.size.value_or(0);
    if (size > policy.file_bytes_max) {
      return Refusal{"file_too_large",
                     fmt::format("path={} bytes={} limit={}", file.path, size, policy.file_bytes_max)};
    }
    total += size;  // at most files_max * file_bytes_max: cannot overflow
  }
  if (total > policy.bundle_bytes_max) {
    return Refusal{"bundle_too_large", fmt::format("bytes={} limit={}", total, policy.bundle_bytes_max)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> refusal_of(const WantedVersion& version, const Policy& policy) {
  if (!version.problem.empty()) return Refusal{version.problem, ""};
  if (version.status == "draft") return Refusal{"version_draft", ""};
  if (const auto code = bundle::name_problem(version.bundle.template_name)) return Refusal{std::string(*code), ""};
  if (const auto code = bundle::version_problem(version.version)) {
    return Refusal{std::string(*code), fmt::format("version={}", version.version)};
  }
  if (version.bundle.files.empty()) return Refusal{"no_files", ""};
  if (auto refusal = too_large(version.bundle, policy)) return refusal;
  if (auto problem = bundle::bundle_problem(version.bundle.files)) {
    return Refusal{std::move(problem->reason), fmt::format("path={}", problem->path)};
  }
  if (version.recorded_manifest && *version.recorded_manifest != version.manifest) {
    return Refusal{"manifest_mismatch",
                   fmt::format("want={} got={}", version.recorded_manifest->hex(), version.manifest.hex())};
  }
  if (policy.trust) {
    // Over the digest that we computed from the files as the catalog names them, not over what it says of itself.
    bundle::Signed what;
    what.template_name = version.bundle.template_name;
    what.version = version.version;
    what.manifest = version.manifest;
    if (auto problem = policy.trust->problem(version.signature, what)) {
      return Refusal{std::move(problem->reason), std::move(problem->detail)};
    }
  }
  return std::nullopt;
}

}  // namespace bundlesync::plan
