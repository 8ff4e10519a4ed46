#pragma once

#include "base/digest.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bundlesync::bundle {

/// One file of a bundle. Texts that the database may leave null are empty here.
struct File {
  std::string path;  ///< within the bundle, '/'-separated; judged by path_rules.hpp
  Digest sha256;
  std::optional<std::uint64_t> size;  ///< bytes; absent for a prompt that has no artifact beside it
  std::string kind;                   ///< "master_prompt", "json_config", …; empty for such a prompt
  std::string locale;                 ///< "fr", "en" or empty
  std::string role;                   ///< "system", "manager", "user" or empty
  std::string content_type;           ///< not part of the canonical manifest
  std::string storage_path;           ///< the object's key in storage; not part of the canonical manifest

  bool operator==(const File&) const = default;
};

/// All files of one version, with what names them.
struct Bundle {
  std::string template_name;
  std::string version;         ///< semver, or "filesystem" for bare fallback files
  std::string default_locale;  ///< from manifest.json; empty where none is given
  std::vector<File> files;     ///< sorted by path, bytewise

  bool operator==(const Bundle&) const = default;
};

/// The canonical text that manifest_sha256 is taken over: "bundlesync-manifest-v1" LF, then one line a file, sorted by
/// path bytewise: path TAB sha256 TAB size TAB kind TAB locale TAB role, joined by LF, empty for null, no LF at the
/// end. Sorts a copy, so the order of `files` does not matter. bundlesync.manifest_sha256(version_id) in SQL gives the
/// same.
std::string canonical_manifest(std::span<const File> files);
Digest manifest_digest(std::span<const File> files);

/// Bytes of all files together; a file without a size counts as `unsized_bytes`.
std::uint64_t total_bytes(std::span<const File> files, std::uint64_t unsized_bytes);

/// "<version>-<first 12 hex digits of the manifest's digest>": the directory of this bundle under trees/<template>/.
std::string tree_name(std::string_view version, const Digest& manifest);

/// "<template>/v<version>/<path>": where `publish` puts a file.
std::string storage_path(std::string_view template_name, std::string_view version, std::string_view path);

}  // namespace bundlesync::bundle
