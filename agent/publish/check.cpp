#include "bundle/content.hpp"
#include "publish/differences.hpp"
#include "publish/load.hpp"

#include <algorithm>

namespace bundlesync::publish {

Result<CheckResult> check(const CheckRequest& request) {
  auto loaded = load(request);
  if (!loaded) return fail(std::move(loaded.error()));

  CheckResult result;
  result.template_name = loaded->bundle.template_name;
  result.version = loaded->bundle.version;
  result.guessed = loaded->guessed;
  result.problems = std::move(loaded->problems);
  const bool whole = bundle::publishable(result.problems);
  std::ranges::move(bundle::lint_contents(loaded->manifest, loaded->bytes), std::back_inserter(result.problems));
  std::ranges::stable_sort(result.problems, {}, &Problem::path);
  if (!whole) return result;
  result.bundle = std::move(loaded->bundle);
  result.files = lines_of(result.bundle.files);
  result.bytes = bundle::total_bytes(result.bundle.files, 0);
  result.manifest_sha256 = bundle::manifest_digest(result.bundle.files).hex();
  return result;
}

void compare_with(CheckResult& result, const Replaced& replaced, bool breaking) {
  if (result.manifest_sha256.empty()) return;
  result.against = replaced.version;
  for (auto& problem : bundle::breaking_changes(replaced.files, result.bundle.files, replaced.version)) {
    if (breaking) problem.severity = Problem::Severity::error;
    result.problems.push_back(std::move(problem));
  }
  std::ranges::stable_sort(result.problems, {}, &Problem::path);
}

}  // namespace bundlesync::publish
