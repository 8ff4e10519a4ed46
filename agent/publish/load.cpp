#include "publish/load.hpp"

#include "bundle/path_rules.hpp"
#include "publish/source_directory.hpp"

#include <algorithm>
#include <set>

namespace bundlesync::publish {
namespace {

constexpr std::uint64_t manifest_bytes_max = 8ULL << 20;

Problem problem_of(const Error& error, std::string path) {
  Problem problem;
  problem.reason = error.reason();
  problem.path = std::move(path);
  problem.text = error.fact();
  problem.hint = error.hints().empty() ? std::string() : error.hints().front();
  return problem;
}

/// Reads files while the limits allow; above them only their sizes are taken, for lint to name.
class Reader {
 public:
  Reader(const SourceDirectory& directory, const Limits& limits, Loaded& loaded)
      : directory_(directory), limits_(limits), loaded_(loaded) {}

  void read(const std::string& path) {
    if (bundle::path_problem(path)) return mention(path);  // lint says so; nothing is opened by such a name
    auto size = directory_.size(path);
    if (!size) return reject(size.error(), path);
    bundle::FoundFile file;
    file.path = path;
    file.size = *size;
    if (*size <= limits_.file_bytes_max && total_ + *size <= limits_.bundle_bytes_max) {
      auto bytes = directory_.read(path, limits_.file_bytes_max);
      if (!bytes) return reject(bytes.error(), path);
      file.size = bytes->size();
      file.sha256 = Digest::of(*bytes);
      loaded_.bytes[path] = std::move(*bytes);
    }
    total_ += file.size;
    found_.push_back(std::move(file));
  }
  /// A file that is there and will not be published: its content is nobody's business.
  void mention(const std::string& path) {
    bundle::FoundFile file;
    file.path = path;
    found_.push_back(std::move(file));
  }
  const std::vector<bundle::FoundFile>& found() const { return found_; }

 private:
  void reject(const Error& error, const std::string& path) {
    if (error.reason() == "file_missing") return;  // lint says so, with the manifest in mind
    loaded_.problems.push_back(problem_of(error, path));
    mention(path);
  }

  const SourceDirectory& directory_;
  const Limits& limits_;
  Loaded& loaded_;
  std::uint64_t total_ = 0;
  std::vector<bundle::FoundFile> found_;
};

std::set<std::string> listed_paths(const bundle::ManifestFile& manifest) {
  std::set<std::string> paths;
  for (const auto* entries : {&manifest.artifacts, &manifest.prompts}) {
    for (const auto& entry : *entries) paths.insert(entry.path);
  }
  return paths;
}

void read_listed(const SourceDirectory& directory, const Limits& limits, const bundle::ManifestFile& manifest,
                 Reader& reader) {
  const auto listed = listed_paths(manifest);
  // More than the limit is lint's to say; reading them all first would be for nothing.
  if (listed.size() <= limits.files_max) {
    for (const auto& path : listed) reader.read(path);
  }
  const auto there = directory.paths(limits.files_max);
  if (!there) return;  // the rest of the directory only feeds warnings
  for (const auto& path : *there) {
    if (!listed.contains(path)) reader.mention(path);
  }
}

void override_names(bundle::ManifestFile& manifest, const CheckRequest& request) {
  if (!request.template_name.empty()) manifest.template_name = request.template_name;
  if (!request.version.empty()) manifest.version = request.version;
}

/// False when it cannot be judged any further.
bool read_all(const SourceDirectory& directory, const CheckRequest& request, bundle::ManifestFile& manifest,
              Reader& reader, Loaded& loaded) {
  auto text = directory.manifest(manifest_bytes_max);
  if (!text) {
    loaded.problems.push_back(problem_of(text.error(), std::string(bundle::manifest_file_name)));
    return false;
  }
  if (*text) {
    auto parsed = bundle::parse_manifest(**text);
    if (!parsed) {
      loaded.problems.push_back(problem_of(parsed.error(), std::string(bundle::manifest_file_name)));
      return false;
    }
    manifest = std::move(*parsed);
    override_names(manifest, request);
    read_listed(directory, request.limits, manifest, reader);
    return true;
  }

  loaded.guessed = true;
  const auto paths = directory.paths(request.limits.files_max);
  if (!paths) {
    loaded.problems.push_back(problem_of(paths.error(), ""));
    return false;
  }
  for (const auto& path : *paths) reader.read(path);
  manifest = bundle::guess_manifest(request.template_name, request.version, reader.found());
  return true;
}

}  // namespace

Result<Loaded> load(const CheckRequest& request) {
  auto directory = SourceDirectory::open(request.directory);
  if (!directory) return fail(std::move(directory.error()));

  Loaded loaded;
  bundle::ManifestFile manifest;
  override_names(manifest, request);
  Reader reader(*directory, request.limits, loaded);
  const bool judged = read_all(*directory, request, manifest, reader, loaded);
  loaded.bundle.template_name = manifest.template_name;
  loaded.bundle.version = manifest.version;
  if (!judged) return loaded;

  loaded.manifest = manifest;
  // A file that could not be read has no digest to compare: what reading said is the whole truth about it.
  std::set<std::string> unread;
  for (const auto& problem : loaded.problems) unread.insert(problem.path);
  for (auto& problem : bundle::lint(manifest, reader.found(), request.limits)) {
    if (problem.path.empty() || !unread.contains(problem.path)) loaded.problems.push_back(std::move(problem));
  }
  std::ranges::stable_sort(loaded.problems, {}, &Problem::path);
  if (!loaded.publishable()) return loaded;

  auto made = bundle::make_bundle(manifest, reader.found());
  if (made) {
    loaded.bundle = std::move(*made);
  } else {
    loaded.problems.push_back(problem_of(made.error(), ""));
  }
  return loaded;
}

}  // namespace bundlesync::publish
