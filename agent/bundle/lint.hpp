#pragma once

#include "bundle/limits.hpp"
#include "bundle/manifest_file.hpp"

#include <span>
#include <string>
#include <vector>

namespace bundlesync::bundle {

/// Something that is wrong with a bundle's directory (error: it must not be published) or looks wrong (warning).
struct LintProblem {
  enum class Severity { error, warning };
  Severity severity = Severity::error;
  std::string reason;  ///< code: those of path_rules.hpp and make_bundle(), and the ones lint() names
  std::string path;    ///< of the file; empty where it is about the bundle
  std::string text;    ///< fact for people
  std::string hint;    ///< what to do; may be empty

  bool operator==(const LintProblem&) const = default;
};

/// Everything that is wrong with a bundle's directory, not only the first thing: sorted by path, those about the bundle
/// first. Pure. Beyond path rules and make_bundle(): bundle_empty, too_many_files, bundle_too_large, file_too_large,
/// template_missing, version_missing; as warnings file_unlisted, default_locale_unused, file_empty.
std::vector<LintProblem> lint(const ManifestFile& manifest, std::span<const FoundFile> found,
                              const Limits& limits = {});

/// True when nothing in it is an error.
bool publishable(std::span<const LintProblem> problems);

}  // namespace bundlesync::bundle
