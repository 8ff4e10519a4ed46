#include "bundle/lint.hpp"

#include "base/units.hpp"
#include "bundle/path_rules.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace bundlesync::bundle {
namespace {

using Severity = LintProblem::Severity;
using Problems = std::vector<LintProblem>;
using FoundByPath = std::map<std::string_view, const FoundFile*>;

void add(Problems& problems, std::string_view reason, std::string path, std::string text, std::string hint = {},
         Severity severity = Severity::error) {
  problems.push_back(LintProblem{severity, std::string(reason), std::move(path), std::move(text), std::move(hint)});
}

void judge_names(const ManifestFile& manifest, Problems& problems) {
  if (manifest.template_name.empty()) {
    add(problems, "template_missing", "", "the bundle names no template",
        "give --template or \"template\" in manifest.json");
  } else if (const auto problem = name_problem(manifest.template_name)) {
    add(problems, *problem, "", "template '" + manifest.template_name + "' is no template name",
        std::string(describe_problem(*problem)));
  }
  if (manifest.version.empty()) {
    add(problems, "version_missing", "", "the bundle names no version",
        "give --version or \"version\" in manifest.json");
  } else if (const auto problem = semver_problem(manifest.version)) {
    add(problems, *problem, "", "version '" + manifest.version + "' is no version",
        std::string(describe_problem(*problem)));
  }
}

void judge_entry(const ManifestEntry& entry, const FoundByPath& found, const Limits& limits, Problems& problems) {
  if (const auto problem = path_problem(entry.path)) {
    add(problems, *problem, entry.path, "'" + entry.path + "' cannot be a path in a bundle",
        std::string(describe_problem(*problem)));
    return;
  }
  const auto it = found.find(entry.path);
  if (it == found.end()) {
    add(problems, "file_missing", entry.path, "'" + entry.path + "' is listed and is not there",
        "add the file or take it off the list");
    return;
  }
  const FoundFile& file = *it->second;
  if (entry.size && *entry.size != file.size) {
    add(problems, "size_mismatch", entry.path,
        "'" + entry.path + "' has " + std::to_string(file.size) + " bytes, manifest.json says " +
            std::to_string(*entry.size),
        "leave size out, or write that of the file");
  }
  if (entry.sha256 && *entry.sha256 != file.sha256) {
    add(problems, "digest_mismatch", entry.path,
        "'" + entry.path + "' has sha256 " + file.sha256.hex() + ", manifest.json says " + entry.sha256->hex(),
        "leave sha256 out, or write that of the file");
  }
  if (file.size > limits.file_bytes_max) {
    add(problems, "file_too_large", entry.path,
        "'" + entry.path + "' has " + std::to_string(file.size) + " bytes, the limit is " +
            format_size(limits.file_bytes_max),
        "make it smaller, or raise limits.file here and at every agent");
  }
  if (file.size == 0) {
    add(problems, "file_empty", entry.path, "'" + entry.path + "' is empty", "", Severity::warning);
  }
}

/// Paths that are there more than once within "artifacts", or within "prompts", or with two locales across both.
void judge_repeats(const ManifestFile& manifest, Problems& problems) {
  std::map<std::string_view, std::string_view> artifacts;
  for (const auto& entry : manifest.artifacts) {
    if (!artifacts.emplace(entry.path, entry.locale).second) {
      add(problems, "path_twice", entry.path, "'" + entry.path + "' is listed twice", "keep one of the two");
    }
  }
  std::set<std::string_view> prompts;
  for (const auto& entry : manifest.prompts) {
    if (!prompts.insert(entry.path).second) {
      add(problems, "path_twice", entry.path, "'" + entry.path + "' is listed twice", "keep one of the two");
    } else if (const auto it = artifacts.find(entry.path); it != artifacts.end() && it->second != entry.locale) {
      add(problems, "locale_mismatch", entry.path,
          "'" + entry.path + "' has locale '" + std::string(it->second) + "' as an artifact and '" + entry.locale +
              "' as a prompt",
          "write the same locale in both");
    }
  }
}

/// What the set of paths is judged by as a whole: twins but for case, a file in the place of a directory.
void judge_set(const std::set<std::string>& listed, Problems& problems) {
  std::vector<File> files;
  for (const auto& path : listed) {
    if (path_problem(path)) continue;
    files.emplace_back().path = path;
  }
  if (const auto problem = bundle_problem(files)) {
    add(problems, problem->reason, problem->path, "'" + problem->path + "' collides with another file",
        std::string(describe_problem(problem->reason)));
  }
}

void judge_limits(const std::set<std::string>& listed, const FoundByPath& found, const Limits& limits,
                  Problems& problems) {
  if (listed.empty()) add(problems, "bundle_empty", "", "the bundle has no files", "list files in manifest.json");
  if (listed.size() > limits.files_max) {
    add(problems, "too_many_files", "",
        "the bundle has " + std::to_string(listed.size()) + " files, the limit is " + std::to_string(limits.files_max),
        "split it, or raise limits.files here and at every agent");
  }
  std::vector<File> files;
  for (const auto& path : listed) {
    if (const auto it = found.find(path); it != found.end()) files.emplace_back().size = it->second->size;
  }
  if (const auto bytes = total_bytes(files, 0); bytes > limits.bundle_bytes_max) {
    add(problems, "bundle_too_large", "",
        "the bundle has " + std::to_string(bytes) + " bytes, the limit is " + format_size(limits.bundle_bytes_max),
        "split it, or raise limits.bundle here and at every agent");
  }
}

}  // namespace

std::vector<LintProblem> lint(const ManifestFile& manifest, std::span<const FoundFile> found, const Limits& limits) {
  Problems problems;
  FoundByPath by_path;
  for (const auto& file : found) by_path.emplace(file.path, &file);
  std::set<std::string> listed;
  std::set<std::string> locales;
  for (const auto* entries : {&manifest.artifacts, &manifest.prompts}) {
    for (const auto& entry : *entries) {
      locales.insert(entry.locale);
      listed.insert(entry.path);
      judge_entry(entry, by_path, limits, problems);
    }
  }
  judge_names(manifest, problems);
  judge_repeats(manifest, problems);
  judge_set(listed, problems);
  judge_limits(listed, by_path, limits, problems);
  if (!manifest.default_locale.empty() && !locales.contains(manifest.default_locale)) {
    add(problems, "default_locale_unused", "", "no file has the default locale '" + manifest.default_locale + "'",
        "give files that locale, or change default_locale", Severity::warning);
  }
  for (const auto& file : found) {
    if (listed.contains(file.path)) continue;
    add(problems, "file_unlisted", file.path, "'" + file.path + "' is there and not listed: it is not published",
        "list it in manifest.json or remove it", Severity::warning);
  }
  std::ranges::stable_sort(problems, {}, &LintProblem::path);
  // A prompt that is an artifact too was judged as both.
  problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
  return problems;
}

bool publishable(std::span<const LintProblem> problems) {
  return std::ranges::none_of(problems, [](const LintProblem& p) { return p.severity == Severity::error; });
}

}  // namespace bundlesync::bundle
