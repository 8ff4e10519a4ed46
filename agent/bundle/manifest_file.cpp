#include "bundle/manifest_file.hpp"

#include "base/json_read.hpp"
#include "bundle/path_rules.hpp"

#include <algorithm>
#include <map>

namespace bundlesync::bundle {
namespace {

namespace bj = boost::json;

Error refusal(std::string fact, std::string_view reason) {
  return Error(ErrorKind::refused, std::move(fact)).with_reason(reason);
}

void check(json::ObjectReader& reader, std::string_view key, const std::string& text, bool good,
           std::string_view reason, std::string hint) {
  if (good || text.empty()) return;
  reader.reject(refusal(reader.at(key) + " is '" + text + "'", reason).with_hint(std::move(hint)));
}

void check_locale(json::ObjectReader& reader, std::string_view key, const std::string& locale) {
  check(reader, key, locale, is_locale(locale), "manifest_locale", "a locale is null, \"fr\" or \"en\"");
}

enum class EntryKind { artifact, prompt };

Result<ManifestEntry> parse_entry(const bj::value& value, std::string where, EntryKind entry_kind) {
  json::ObjectReader reader(value, std::move(where));
  ManifestEntry entry;
  entry.path = reader.text("path");
  if (entry_kind == EntryKind::artifact) {
    entry.kind = reader.text("kind");
    const bool good = is_kind(entry.kind);
    if (!good && reader.ok()) {
      reader.reject(refusal(reader.at("kind") + " is '" + entry.kind + "'", "manifest_kind")
                        .with_hint("a kind is 1 to 64 of a-z 0-9 _"));
    }
  } else {
    entry.role = reader.text("role");
    if (!is_role(entry.role) && reader.ok()) {
      reader.reject(refusal(reader.at("role") + " is '" + entry.role + "'", "manifest_role")
                        .with_hint("a role is \"system\", \"manager\" or \"user\""));
    }
  }
  entry.locale = reader.text_or_empty("locale");
  check_locale(reader, "locale", entry.locale);
  entry.content_type = reader.text_or_empty("content_type");
  check(reader, "content_type", entry.content_type, is_content_type(entry.content_type), "manifest_content_type",
        "a content type looks like text/markdown");
  entry.sha256 = reader.optional_digest("sha256");
  entry.size = reader.optional_number("size");
  if (auto done = reader.finish(); !done) return fail(std::move(done).error());
  return entry;
}

Result<std::vector<ManifestEntry>> parse_entries(json::ObjectReader& reader, std::string_view key, EntryKind kind) {
  std::vector<ManifestEntry> entries;
  const auto elements = reader.elements(key);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    auto entry = parse_entry(*elements[i], reader.at(key) + "[" + std::to_string(i) + "]", kind);
    if (!entry) return fail(std::move(entry).error());
    entries.push_back(std::move(*entry));
  }
  return entries;
}

bj::value text_or_null(const std::string& text) {
  return text.empty() ? bj::value(nullptr) : bj::value(text);
}

bj::object entry_json(const ManifestEntry& entry) {
  bj::object object;
  if (entry.role.empty()) {
    object["kind"] = entry.kind;
  } else {
    object["role"] = entry.role;
  }
  object["path"] = entry.path;
  object["locale"] = text_or_null(entry.locale);
  if (!entry.content_type.empty()) object["content_type"] = entry.content_type;
  if (entry.sha256) object["sha256"] = entry.sha256->hex();
  if (entry.size) object["size"] = *entry.size;
  return object;
}

}  // namespace

Result<ManifestFile> parse_manifest(std::string_view text) {
  const auto value = json::parse(text, manifest_file_name);
  if (!value) return fail(value.error());
  json::ObjectReader reader(*value, std::string(manifest_file_name));
  ManifestFile manifest;
  manifest.template_name = reader.text_or_empty("template");
  manifest.version = reader.text_or_empty("version");
  manifest.default_locale = reader.text_or_empty("default_locale");
  check_locale(reader, "default_locale", manifest.default_locale);
  auto artifacts = parse_entries(reader, "artifacts", EntryKind::artifact);
  if (!artifacts) return fail(std::move(artifacts).error());
  manifest.artifacts = std::move(*artifacts);
  auto prompts = parse_entries(reader, "prompts", EntryKind::prompt);
  if (!prompts) return fail(std::move(prompts).error());
  manifest.prompts = std::move(*prompts);
  if (auto done = reader.finish(); !done) return fail(std::move(done).error());
  return manifest;
}

std::string write_manifest(const ManifestFile& manifest) {
  bj::object object;
  if (!manifest.template_name.empty()) object["template"] = manifest.template_name;
  if (!manifest.version.empty()) object["version"] = manifest.version;
  object["default_locale"] = text_or_null(manifest.default_locale);
  bj::array artifacts;
  for (const auto& entry : manifest.artifacts) artifacts.push_back(entry_json(entry));
  object["artifacts"] = std::move(artifacts);
  bj::array prompts;
  for (const auto& entry : manifest.prompts) prompts.push_back(entry_json(entry));
  object["prompts"] = std::move(prompts);
  return json::pretty(object);
}

namespace {

/// An entry's file with the size and digest of what was found.
Result<File> match(const ManifestEntry& entry, const std::map<std::string_view, const FoundFile*>& found) {
  const auto it = found.find(entry.path);
  if (it == found.end()) {
    return fail(refusal("'" + entry.path + "' is listed in manifest.json and is not there", "file_missing")
                    .with_hint("add the file or take it off the list"));
  }
  const FoundFile& there = *it->second;
  if (entry.size && *entry.size != there.size) {
    return fail(refusal("'" + entry.path + "' has " + std::to_string(there.size) + " bytes, manifest.json says " +
                            std::to_string(*entry.size),
                        "size_mismatch"));
  }
  if (entry.sha256 && *entry.sha256 != there.sha256) {
    return fail(
        refusal("'" + entry.path + "' has sha256 " + there.sha256.hex() + ", manifest.json says " + entry.sha256->hex(),
                "digest_mismatch"));
  }
  File file;
  file.path = entry.path;
  file.sha256 = there.sha256;
  file.size = there.size;
  file.kind = entry.role.empty() ? entry.kind : "prompt_" + entry.role;
  file.locale = entry.locale;
  file.role = entry.role;
  file.content_type = entry.content_type.empty() ? guess_content_type(entry.path) : entry.content_type;
  return file;
}

Result<void> add_prompt(std::vector<File>& files, std::size_t artifacts, File prompt) {
  const auto end = files.begin() + static_cast<std::ptrdiff_t>(artifacts);
  const auto artifact =
      std::find_if(files.begin(), end, [&prompt](const File& file) { return file.path == prompt.path; });
  if (artifact == end) {
    files.push_back(std::move(prompt));
    return {};
  }
  if (!artifact->role.empty()) return fail(refusal("'" + prompt.path + "' is listed twice", "path_twice"));
  if (artifact->locale != prompt.locale) {
    return fail(refusal("'" + prompt.path + "' has locale '" + artifact->locale + "' as an artifact and '" +
                            prompt.locale + "' as a prompt",
                        "locale_mismatch"));
  }
  artifact->role = std::move(prompt.role);
  return {};
}

}  // namespace

Result<Bundle> make_bundle(const ManifestFile& manifest, std::span<const FoundFile> found) {
  std::map<std::string_view, const FoundFile*> by_path;
  for (const auto& file : found) by_path.emplace(file.path, &file);

  Bundle bundle;
  bundle.template_name = manifest.template_name;
  bundle.version = manifest.version;
  bundle.default_locale = manifest.default_locale;
  for (const auto& entry : manifest.artifacts) {
    auto file = match(entry, by_path);
    if (!file) return fail(std::move(file).error());
    bundle.files.push_back(std::move(*file));
  }
  const auto artifacts = bundle.files.size();
  for (const auto& entry : manifest.prompts) {
    auto file = match(entry, by_path);
    if (!file) return fail(std::move(file).error());
    if (auto added = add_prompt(bundle.files, artifacts, std::move(*file)); !added) {
      return fail(std::move(added).error());
    }
  }
  if (const auto problem = bundle_problem(bundle.files)) {
    return fail(refusal("'" + problem->path + "': " + std::string(describe_problem(problem->reason)), problem->reason));
  }
  std::ranges::sort(bundle.files, {}, &File::path);
  if (!bundle.template_name.empty() && !bundle.version.empty()) {
    for (auto& file : bundle.files) file.storage_path = storage_path(bundle.template_name, bundle.version, file.path);
  }
  return bundle;
}

}  // namespace bundlesync::bundle
