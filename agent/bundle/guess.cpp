#include "bundle/manifest_file.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace bundlesync::bundle {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> content_types = {{
    {"md", "text/markdown"},
    {"markdown", "text/markdown"},
    {"txt", "text/plain"},
    {"text", "text/plain"},
    {"json", "application/json"},
    {"jsonl", "application/jsonl"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"toml", "application/toml"},
    {"xml", "application/xml"},
    {"csv", "text/csv"},
    {"html", "text/html"},
    {"pdf", "application/pdf"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
}};

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

struct NameParts {
  std::string stem;  ///< base name without locale suffix and extension, lower case
  std::string locale;
  std::string extension;
};

NameParts parts_of(std::string_view path) {
  NameParts parts;
  parts.stem = lower(path.substr(path.rfind('/') + 1));
  if (const auto dot = parts.stem.rfind('.'); dot != std::string::npos && dot > 0) {
    parts.extension = parts.stem.substr(dot + 1);
    parts.stem.resize(dot);
  }
  if (parts.stem.size() > 3) {
    const auto suffix = parts.stem.substr(parts.stem.size() - 2);
    const char divider = parts.stem[parts.stem.size() - 3];
    if (is_locale(suffix) && (divider == '.' || divider == '_' || divider == '-')) {
      parts.locale = suffix;
      parts.stem.resize(parts.stem.size() - 3);
    }
  }
  return parts;
}

}  // namespace

bool is_locale(std::string_view text) {
  return text == "fr" || text == "en";
}
bool is_role(std::string_view text) {
  return text == "system" || text == "manager" || text == "user";
}

bool is_kind(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool is_content_type(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size() || text.size() > 200) return false;
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string guess_locale(std::string_view path) {
  return parts_of(path).locale;
}

std::string guess_kind(std::string_view path) {
  std::string kind;
  for (const char c : parts_of(path).stem) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      kind += c;
    } else if (!kind.empty() && kind.back() != '_') {
      kind += '_';
    }
  }
  if (kind.size() > 64) kind.resize(64);
  while (kind.ends_with('_')) kind.pop_back();
  return kind.empty() ? "file" : kind;
}

std::string guess_content_type(std::string_view path) {
  const auto extension = parts_of(path).extension;
  for (const auto& [known, type] : content_types) {
    if (known == extension) return std::string(type);
  }
  return "application/octet-stream";
}

std::vector<std::string> guessed_content_types() {
  std::vector<std::string> types = {"application/octet-stream"};
  for (const auto& [extension, type] : content_types) {
    if (std::ranges::find(types, type) == types.end()) types.emplace_back(type);
  }
  std::ranges::sort(types);
  return types;
}

ManifestFile guess_manifest(std::string template_name, std::string version, std::span<const FoundFile> found) {
  ManifestFile manifest;
  manifest.template_name = std::move(template_name);
  manifest.version = std::move(version);
  for (const auto& file : found) {
    ManifestEntry entry;
    entry.path = file.path;
    entry.kind = guess_kind(file.path);
    entry.locale = guess_locale(file.path);
    entry.content_type = guess_content_type(file.path);
    manifest.artifacts.push_back(std::move(entry));
  }
  std::ranges::sort(manifest.artifacts, {}, &ManifestEntry::path);
  return manifest;
}

}  // namespace bundlesync::bundle
