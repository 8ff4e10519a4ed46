#pragma once

#include "bundle/lint.hpp"
#include "bundle/manifest_file.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::bundle {

/// Is a file of this content type meant to be read as text?
bool is_text(std::string_view content_type);

/// What is wrong with what stands in the files, sorted by path. `bytes` holds path → content; a file that is not in it
/// is passed over. Pure. Errors: text_not_utf8 (a text), secret_likely (any file; the secret is not in the problem).
/// Warnings: text_bom, placeholder_differs (files of one kind have a {{name}} in one locale and not in another).
std::vector<LintProblem> lint_contents(const ManifestFile& manifest, const std::map<std::string, std::string>& bytes);

/// What readers of `before` may miss in `after`, as warnings sorted by path, each path being one of `before`:
/// kind_missing (no file of a kind any more), locale_missing (a kind lost a locale), path_missing (a file that is read
/// by its path is gone, its kind and locale are there). `before_name` is how the facts call it: "1.0.0".
std::vector<LintProblem> breaking_changes(std::span<const File> before, std::span<const File> after,
                                          std::string_view before_name);

}  // namespace bundlesync::bundle
