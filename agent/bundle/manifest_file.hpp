#pragma once

#include "base/error.hpp"
#include "bundle/bundle.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// manifest.json beside a bundle's files, as its author writes it. Text in, values out: no file is opened here.
namespace bundlesync::bundle {

inline constexpr std::string_view manifest_file_name = "manifest.json";

/// One entry of "artifacts" (has a kind) or of "prompts" (has a role). Texts that are null or missing are empty.
struct ManifestEntry {
  std::string path;
  std::string kind;
  std::string role;
  std::string locale;
  std::string content_type;
  std::optional<Digest> sha256;       ///< checked against the file where given
  std::optional<std::uint64_t> size;  ///< bytes; checked likewise

  bool operator==(const ManifestEntry&) const = default;
};

struct ManifestFile {
  std::string template_name;  ///< empty where not given: `publish --template` or the directory says it
  std::string version;        ///< empty where not given
  std::string default_locale;
  std::vector<ManifestEntry> artifacts;
  std::vector<ManifestEntry> prompts;

  bool operator==(const ManifestFile&) const = default;
};

/// A regular file below the bundle's directory, without manifest.json and dot files.
struct FoundFile {
  std::string path;  ///< relative to the directory
  std::uint64_t size = 0;
  Digest sha256;
};

/// Reads manifest.json strictly. Errors are `refused`: the json_* reasons of base/json_read.hpp, and manifest_locale,
/// manifest_role, manifest_kind, manifest_content_type for a value outside its set, with the place in the fact.
/// Names, versions and paths are judged by lint() and bundle_problem(), not here.
Result<ManifestFile> parse_manifest(std::string_view text);
/// Two-space indented, final newline; parse_manifest gives the same value back.
std::string write_manifest(const ManifestFile& manifest);

/// The bundle that a manifest and the files beside it make: sizes and digests are those of the files, content types
/// that are not given come from guess_content_type(), storage paths from storage_path() when template and version are
/// known. A prompt becomes a file of kind "prompt_<role>"; one whose path is an artifact's too gives that artifact its
/// role. Refused: file_missing (listed, not there), size_mismatch, digest_mismatch, path_twice, locale_mismatch (a
/// prompt and its artifact disagree), and whatever bundle_problem() says. Files that the manifest does not list are
/// left out.
Result<Bundle> make_bundle(const ManifestFile& manifest, std::span<const FoundFile> found);

/// The manifest of a directory that has none: every file is an artifact, kind, locale and content type guessed. The
/// same files give the same manifest, in whatever order they come.
ManifestFile guess_manifest(std::string template_name, std::string version, std::span<const FoundFile> found);

/// The base name without extension and locale suffix, lower case, other bytes than [a-z0-9] as one '_', at most 64
/// bytes: "Section7 Master.fr.md" is "section7_master". "file" where nothing is left.
std::string guess_kind(std::string_view path);
/// "fr" or "en" when the base name ends so before its extension, behind '.', '_' or '-': "intake_fr.md", "a.en.json".
std::string guess_locale(std::string_view path);
/// By extension, whatever its case: "text/markdown", "application/json", …; else "application/octet-stream".
std::string guess_content_type(std::string_view path);
/// Every type that guess_content_type() knows, sorted.
std::vector<std::string> guessed_content_types();

bool is_locale(std::string_view text);  ///< "fr" or "en", as the reference schema has it
bool is_role(std::string_view text);    ///< "system", "manager" or "user"
bool is_kind(std::string_view text);    ///< [a-z0-9_]{1,64}
bool is_content_type(
    std::string_view text);  ///< type/subtype with optional parameters: printable ASCII, at most 200 bytes

}  // namespace bundlesync::bundle
