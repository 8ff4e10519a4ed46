#include "bundle/bundle.hpp"

#include <algorithm>
#include <string_view>

namespace bundlesync::bundle {

std::string canonical_manifest(std::span<const File> files) {
  std::vector<const File*> sorted;
  sorted.reserve(files.size());
  for (const auto& file : files) sorted.push_back(&file);
  // std::string compares as unsigned bytes: the same order as `collate "C"`.
  std::ranges::stable_sort(sorted, {}, [](const File* file) -> const std::string& { return file->path; });

  std::string text = "bundlesync-manifest-v1\n";
  const char* separator = "";
  for (const File* file : sorted) {
    text += separator;
    text += file->path + '\t' + file->sha256.hex() + '\t';
    if (file->size) text += std::to_string(*file->size);
    text += '\t' + file->kind + '\t' + file->locale + '\t' + file->role;
    separator = "\n";
  }
  return text;
}

Digest manifest_digest(std::span<const File> files) {
  return Digest::of(canonical_manifest(files));
}

std::uint64_t total_bytes(std::span<const File> files, std::uint64_t unsized_bytes) {
  std::uint64_t total = 0;
  for (const auto& file : files) {
    // Sizes come from a database that anybody may have filled: saturate, so that a limit still refuses.
    if (__builtin_add_overflow(total, file.size.value_or(unsized_bytes), &total)) return UINT64_MAX;
  }
  return total;
}

std::string tree_name(std::string_view version, const Digest& manifest) {
  return std::string(version) + "-" + manifest.short_hex();
}

std::string storage_path(std::string_view template_name, std::string_view version, std::string_view path) {
  return std::string(template_name) + "/v" + std::string(version) + "/" + std::string(path);
}

}  // namespace bundlesync::bundle
