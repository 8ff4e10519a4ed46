#include "disk/alternatives.hpp"

#include "bundle/manifest_file.hpp"
#include "bundle/path_rules.hpp"
#include "disk/folders.hpp"
#include "disk/hashing.hpp"
#include "disk/layout.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

namespace bundlesync::disk {
namespace {

constexpr std::string_view filesystem_version = "filesystem";
constexpr std::uint64_t manifest_bytes_max = 8 << 20;
constexpr std::size_t templates_max = 10'000;

/// Reads one directory of alternatives. Everything is opened for reading only, beneath that directory only.
class Scan {
 public:
  Scan(Files& files, const std::filesystem::path& dir, const Limits& limits)
      : files_(files), path_(dir), limits_(limits) {}

  /// false: there is no such directory.
  Result<bool> open();
  Result<std::vector<std::string>> templates();
  std::optional<plan::Alternative> local(const std::string& template_name);
  std::optional<plan::Alternative> filesystem(const std::string& template_name);
  std::vector<std::string> warnings;

 private:
  void warn(const std::string& name, const std::string& why) {
    warnings.push_back((path_ / name).string() + " is left out: " + why);
  }
  std::optional<bundle::FoundFile> found(const std::string& template_name, const std::string& file_path);
  bool is_directory(const std::string& beneath) {
    return files_.open_dir(dir_.get(), beneath, Links::inside).has_value();
  }
  bool walk(const std::string& template_name, const std::string& prefix, std::size_t depth,
            std::vector<bundle::FoundFile>& all);
  bool within_limits(const std::string& template_name, const std::vector<bundle::FoundFile>& all);
  static plan::Alternative alternative(bundle::Bundle bundle, plan::Source source);

  Files& files_;
  std::filesystem::path path_;
  Limits limits_;
  Fd dir_;
};

Result<bool> Scan::open() {
  auto dir = files_.open_path(path_);
  if (!dir && dir.error() == ENOENT) return false;
  if (!dir) return os_fail(dir.error(), "cannot open " + path_.string());
  dir_ = std::move(*dir);
  return true;
}

Result<std::vector<std::string>> Scan::templates() {
  auto entries = files_.list(dir_.get());
  if (!entries) return os_fail(entries.error(), "cannot list " + path_.string());
  std::vector<std::string> names;
  for (const auto& entry : *entries) {
    if (entry.name.starts_with('.')) continue;
    const bool maybe = entry.type == FileType::directory || entry.type == FileType::link;
    if (!maybe || !is_directory(entry.name)) continue;
    if (const auto problem = bundle::name_problem(entry.name)) {
      warn(entry.name, std::string(bundle::describe_problem(*problem)));
    } else if (names.size() == templates_max) {
      warn(entry.name, "more than " + std::to_string(templates_max) + " templates");
    } else {
      names.push_back(entry.name);
    }
  }
  return names;
}

std::optional<bundle::FoundFile> Scan::found(const std::string& template_name, const std::string& file_path) {
  const std::string beneath = template_name + "/" + file_path;
  auto fd = files_.open_file(dir_.get(), beneath, Links::inside);
  auto info = fd ? files_.stat(fd->get()) : std::unexpected(fd.error());
  if (!info) {
    warn(beneath,
         info.error() == EXDEV ? "it leads out of the directory" : os_error(info.error(), "cannot open").fact());
    return std::nullopt;
  }
  if (info->type != FileType::regular) {
    warn(beneath, "it is not a regular file");
    return std::nullopt;
  }
  auto hashed = hash_file(files_, fd->get(), limits_.file_bytes_max);
  if (!hashed) {
    warn(beneath, hashed.error() == EFBIG ? "it has more than " + std::to_string(limits_.file_bytes_max) + " bytes"
                                          : os_error(hashed.error(), "cannot read it").fact());
    return std::nullopt;
  }
  bundle::FoundFile file;
  file.path = file_path;
  file.size = hashed->size;
  file.sha256 = hashed->sha256;
  return file;
}

bool Scan::within_limits(const std::string& template_name, const std::vector<bundle::FoundFile>& all) {
  std::uint64_t bytes = 0;
  for (const auto& file : all) bytes += file.size;
  if (all.size() > limits_.files_max) {
    warn(template_name, "it has more than " + std::to_string(limits_.files_max) + " files");
  } else if (bytes > limits_.bundle_bytes_max) {
    warn(template_name, "it has more than " + std::to_string(limits_.bundle_bytes_max) + " bytes");
  } else {
    return true;
  }
  return false;
}

/// false: there are too many files to go on.
bool Scan::walk(const std::string& template_name, const std::string& prefix, std::size_t depth,
                std::vector<bundle::FoundFile>& all) {
  const std::string here = template_name + (prefix.empty() ? "" : "/" + prefix.substr(0, prefix.size() - 1));
  auto dir = files_.open_dir(dir_.get(), here, Links::inside);
  auto entries = dir ? files_.list(dir->get()) : std::unexpected(dir.error());
  if (!entries) {
    warn(here, os_error(entries.error(), "cannot list it").fact());
    return true;
  }
  for (const auto& entry : *entries) {
    const std::string path = prefix + entry.name;
    if (entry.name.starts_with('.') || path == bundle::manifest_file_name) continue;
    if (const auto problem = bundle::path_problem(path)) {
      warn(template_name + "/" + path, std::string(bundle::describe_problem(*problem)));
      continue;
    }
    const bool directory =
        entry.type == FileType::directory || (entry.type == FileType::link && is_directory(template_name + "/" + path));
    if (directory) {
      // The path rules end a walk through a loop of links, too.
      if (depth < bundle::path_segments_max && !walk(template_name, path + "/", depth + 1, all)) return false;
      continue;
    }
    if (auto file = found(template_name, path)) all.push_back(std::move(*file));
    if (all.size() > limits_.files_max) return false;
  }
  return true;
}

plan::Alternative Scan::alternative(bundle::Bundle bundle, plan::Source source) {
  for (auto& file : bundle.files) file.storage_path.clear();  // these bytes do not come from storage
  plan::Alternative alternative;
  alternative.manifest = bundle::manifest_digest(bundle.files);
  alternative.bundle = std::move(bundle);
  alternative.source = source;
  return alternative;
}

std::optional<plan::Alternative> Scan::filesystem(const std::string& template_name) {
  std::vector<bundle::FoundFile> all;
  walk(template_name, "", 1, all);
  if (!within_limits(template_name, all) || all.empty()) return std::nullopt;
  // Two names that differ only in case cannot both be kept: the first in order stays.
  std::ranges::sort(all, {}, &bundle::FoundFile::path);
  auto manifest = bundle::guess_manifest(template_name, std::string(filesystem_version), all);
  auto made = bundle::make_bundle(manifest, all);
  while (!made && manifest.artifacts.size() > 1) {
    std::vector<bundle::File> files;
    for (const auto& entry : manifest.artifacts) {
      bundle::File file;
      file.path = entry.path;
      files.push_back(std::move(file));
    }
    const auto problem = bundle::bundle_problem(files);
    if (!problem) break;
    warn(template_name + "/" + problem->path, std::string(bundle::describe_problem(problem->reason)));
    std::erase_if(manifest.artifacts, [&](const auto& entry) { return entry.path == problem->path; });
    made = bundle::make_bundle(manifest, all);
  }
  if (!made) {
    warn(template_name, made.error().fact());
    return std::nullopt;
  }
  return alternative(std::move(*made), plan::Source::filesystem);
}

std::optional<plan::Alternative> Scan::local(const std::string& template_name) {
  const std::string name(bundle::manifest_file_name);
  auto fd = files_.open_file(dir_.get(), template_name + "/" + name, Links::inside);
  if (!fd && fd.error() == ENOENT) return std::nullopt;  // a directory without a manifest is no local bundle
  std::string text(manifest_bytes_max + 1, '\0');
  std::size_t size = 0;
  while (fd && size < text.size()) {
    auto got = files_.read(fd->get(), text.data() + size, text.size() - size, size);
    if (!got) fd = std::unexpected(got.error());
    if (!got || *got == 0) break;
    size += *got;
  }
  if (!fd) {
    warn(template_name + "/" + name, os_error(fd.error(), "cannot read it").fact());
    return std::nullopt;
  }
  auto manifest = bundle::parse_manifest(std::string_view(text).substr(0, size));
  if (!manifest) {
    warn(template_name, manifest.error().fact());
    return std::nullopt;
  }
  if (manifest->template_name.empty()) manifest->template_name = template_name;
  if (manifest->template_name != template_name) {
    warn(template_name, name + " is for the template '" + manifest->template_name + "'");
    return std::nullopt;
  }
  if (!layout::is_version_label(manifest->version)) {
    warn(template_name, name + " gives no usable version, but '" + manifest->version + "'");
    return std::nullopt;
  }
  if (manifest->artifacts.size() + manifest->prompts.size() > 2 * limits_.files_max) {
    warn(template_name, name + " lists more than " + std::to_string(limits_.files_max) + " files");
    return std::nullopt;
  }
  std::map<std::string, bundle::FoundFile> by_path;
  for (const auto* entries : {&manifest->artifacts, &manifest->prompts}) {
    for (const auto& entry : *entries) {
      if (by_path.contains(entry.path)) continue;
      if (const auto problem = bundle::path_problem(entry.path)) {
        warn(template_name, "'" + entry.path + "': " + std::string(bundle::describe_problem(*problem)));
        return std::nullopt;
      }
      auto file = found(template_name, entry.path);
      if (file) by_path.emplace(entry.path, std::move(*file));
    }
  }
  std::vector<bundle::FoundFile> all;
  for (auto& [path, file] : by_path) all.push_back(std::move(file));
  if (!within_limits(template_name, all)) return std::nullopt;
  auto made = bundle::make_bundle(*manifest, all);
  if (!made || made->files.empty()) {
    warn(template_name, made ? name + " lists no file" : made.error().fact());
    return std::nullopt;
  }
  return alternative(std::move(*made), plan::Source::local);
}

template <class Look>
Result<Alternatives> scan(Files& files, const std::filesystem::path& dir, const Limits& limits, Look look) {
  Alternatives alternatives;
  Scan scan(files, dir, limits);
  auto opened = scan.open();
  if (!opened) return fail(std::move(opened.error()));
  if (!*opened) return alternatives;
  auto names = scan.templates();
  if (!names) return fail(std::move(names.error()));
  for (const auto& name : *names) {
    if (auto found = look(scan, name)) alternatives.by_template.emplace(name, std::move(*found));
  }
  alternatives.warnings = std::move(scan.warnings);
  return alternatives;
}

}  // namespace

Result<Alternatives> scan_local(Files& files, const std::filesystem::path& dir, const Limits& limits) {
  return scan(files, dir, limits, [](Scan& scan, const std::string& name) { return scan.local(name); });
}

Result<Alternatives> scan_filesystem(Files& files, const std::filesystem::path& dir, const Limits& limits) {
  return scan(files, dir, limits, [](Scan& scan, const std::string& name) { return scan.filesystem(name); });
}

std::filesystem::path alternative_path(const std::filesystem::path& dir, const std::string& template_name,
                                       const std::string& file_path) {
  return dir / template_name / file_path;
}

}  // namespace bundlesync::disk
