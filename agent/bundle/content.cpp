#include "bundle/content.hpp"

#include "base/utf8.hpp"
#include "bundle/placeholders.hpp"
#include "bundle/secrets.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace bundlesync::bundle {
namespace {

using Severity = LintProblem::Severity;
using Problems = std::vector<LintProblem>;

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

void add(Problems& problems, Severity severity, std::string_view reason, std::string path, std::string text,
         std::string hint) {
  problems.push_back(LintProblem{severity, std::string(reason), std::move(path), std::move(text), std::move(hint)});
}

std::string in_quotes(std::string_view text) {
  return "'" + std::string(text) + "'";
}

/// "locale 'fr'", "no locale"
std::string locale_words(std::string_view locale) {
  return locale.empty() ? "no locale" : "locale " + in_quotes(locale);
}

std::string kind_words(std::string_view kind) {
  constexpr std::string_view prompt = "prompt_";
  return kind.starts_with(prompt) ? "role " + in_quotes(kind.substr(prompt.size())) : "kind " + in_quotes(kind);
}

/// One file of the manifest. A prompt has the kind that make_bundle() gives it.
struct Entry {
  std::string kind;
  std::string locale;
  bool text = false;
};

std::map<std::string, Entry> entries_of(const ManifestFile& manifest) {
  std::map<std::string, Entry> entries;
  for (const auto* list : {&manifest.artifacts, &manifest.prompts}) {
    for (const auto& listed : *list) {
      const auto type = listed.content_type.empty() ? guess_content_type(listed.path) : listed.content_type;
      Entry entry{listed.kind.empty() ? "prompt_" + listed.role : listed.kind, listed.locale, is_text(type)};
      entries.emplace(listed.path, std::move(entry));
    }
  }
  return entries;
}

void judge_encoding(const std::string& path, std::string_view bytes, Problems& problems) {
  if (bytes.starts_with(byte_order_mark)) {
    add(problems, Severity::warning, "text_bom", path, in_quotes(path) + " begins with a byte order mark",
        "save it as UTF-8 without one: readers take it as a part of the text");
  }
  if (const auto at = utf8_problem(bytes)) {
    const auto line = 1 + std::ranges::count(bytes.substr(0, *at), '\n');
    add(problems, Severity::error, "text_not_utf8", path,
        in_quotes(path) + " is no UTF-8: byte " + std::to_string(*at + 1) + ", line " + std::to_string(line),
        "save it as UTF-8, or give it another content_type in manifest.json");
  }
}

void judge_secrets(const std::string& path, std::string_view bytes, Problems& problems) {
  for (const auto& secret : likely_secrets(bytes)) {
    std::string text = in_quotes(path) + " line " + std::to_string(secret.line) + " holds what looks like " +
                       std::string(secret.what) + " (" + std::string(secret.prefix) + "…)";
    if (secret.count > 1) text += ", and " + std::to_string(secret.count - 1) + " more of them";
    add(problems, Severity::error, "secret_likely", path, std::move(text),
        "take it out, and change it where it is in use: a published version is there for ever");
  }
}

/// The {{names}} of one kind in one locale, and the first file to point at.
struct Translation {
  std::string path;
  std::set<std::string> names;
};
using Translations = std::map<std::string, Translation>;  // by locale

void judge_translations(const std::string& kind, const Translations& translations, Problems& problems) {
  std::set<std::string> all;
  for (const auto& [locale, translation] : translations) all.insert(translation.names.begin(), translation.names.end());
  for (const auto& [locale, translation] : translations) {
    std::string missing;
    for (const auto& name : all) {
      if (!translation.names.contains(name)) missing += (missing.empty() ? "{{" : ", {{") + name + "}}";
    }
    if (missing.empty()) continue;
    add(problems, Severity::warning, "placeholder_differs", translation.path,
        kind_words(kind) + " has no " + missing + " in " + locale_words(locale) + " and has it in another",
        "use the same names in every locale, or is one spelt differently?");
  }
}

/// Rows by other tools may have a prompt without a kind.
std::string kind_of(const File& file) {
  return file.kind.empty() ? "prompt_" + file.role : file.kind;
}

/// What one kind has, and the first file of each locale.
using Locales = std::map<std::string_view, const File*>;
std::map<std::string, Locales> kinds_of(std::span<const File> files) {
  std::map<std::string, Locales> kinds;
  for (const auto& file : files) kinds[kind_of(file)].emplace(file.locale, &file);
  return kinds;
}

}  // namespace

bool is_text(std::string_view content_type) {
  constexpr std::array<std::string_view, 5> types = {"application/json", "application/jsonl", "application/yaml",
                                                     "application/toml", "application/xml"};
  const auto type = content_type.substr(0, content_type.find_first_of("; "));
  return type.starts_with("text/") || type.ends_with("+json") || type.ends_with("+xml") ||
         std::ranges::find(types, type) != types.end();
}

std::vector<LintProblem> lint_contents(const ManifestFile& manifest, const std::map<std::string, std::string>& bytes) {
  Problems problems;
  std::map<std::string, Translations> kinds;
  for (const auto& [path, entry] : entries_of(manifest)) {
    const auto content = bytes.find(path);
    if (content == bytes.end()) continue;
    judge_secrets(path, content->second, problems);
    if (!entry.text) continue;
    judge_encoding(path, content->second, problems);
    Translation& translation = kinds[entry.kind][entry.locale];
    if (translation.path.empty()) translation.path = path;
    translation.names.merge(placeholders(content->second));
  }
  for (const auto& [kind, translations] : kinds) judge_translations(kind, translations, problems);
  std::ranges::stable_sort(problems, {}, &LintProblem::path);
  return problems;
}

std::vector<LintProblem> breaking_changes(std::span<const File> before, std::span<const File> after,
                                          std::string_view before_name) {
  Problems problems;
  const std::string has(std::string(before_name) + " has it");
  const auto kinds = kinds_of(after);
  std::set<std::string_view> paths;
  for (const auto& file : after) paths.insert(file.path);
  for (const auto& [kind, locales] : kinds_of(before)) {
    const auto now = kinds.find(kind);
    if (now == kinds.end()) {
      add(problems, Severity::warning, "kind_missing", locales.begin()->second->path,
          "there is no file of " + kind_words(kind) + ", and " + has, "whoever resolves it finds nothing");
      continue;
    }
    for (const auto& [locale, file] : locales) {
      if (now->second.contains(locale)) continue;
      add(problems, Severity::warning, "locale_missing", file->path,
          kind_words(kind) + " has no file with " + locale_words(locale) + ", and " + has,
          "whoever asks for it gets another locale");
    }
  }
  for (const auto& file : before) {
    const auto now = kinds.find(kind_of(file));
    if (paths.contains(file.path) || now == kinds.end() || !now->second.contains(file.locale)) continue;
    add(problems, Severity::warning, "path_missing", file.path, in_quotes(file.path) + " is not there, and " + has,
        "whoever opens it by its path finds nothing");
  }
  std::ranges::stable_sort(problems, {}, &LintProblem::path);
  return problems;
}

}  // namespace bundlesync::bundle
