#include "disk/verify.hpp"

#include "bundle/bundle_json.hpp"
#include "disk/folders.hpp"
#include "disk/hashing.hpp"
#include "disk/layout.hpp"

#include <cerrno>
#include <set>

namespace bundlesync::disk {
namespace {

/// One walk over a tree, comparing each name with what .bundle.json promised.
class Verification {
 public:
  Verification(Files& files, const TreeId& tree) : files_(files), tree_(tree.template_name + "/" + tree.name) {}

  void expect(const bundle::Bundle& bundle) {
    for (const auto& file : bundle.files) {
      files_wanted_[file.path] = &file;
      for (auto slash = file.path.rfind('/'); slash != std::string::npos; slash = file.path.rfind('/', slash - 1)) {
        dirs_wanted_.insert(file.path.substr(0, slash));
      }
    }
  }

  Result<void> walk(int dir, const std::string& prefix);
  Result<void> nothing_missing() const {
    for (const auto& [path, file] : files_wanted_) {
      if (!seen_.contains(path)) return damaged("file_missing", path + " is missing");
    }
    return {};
  }
  std::unexpected<Error> damaged(std::string_view reason, const std::string& fact) const {
    return fail(Error(ErrorKind::damaged, "tree " + tree_ + ": " + fact).with_reason(reason));
  }
  std::unexpected<Error> failed(int code, const std::string& what) const {
    return os_fail(code, "cannot " + what + " of tree " + tree_);
  }
  /// Opens it even when somebody took our right to read.
  Sys<Fd> open(int dir, const std::string& name, FileType type);
  /// A mode that somebody changed is set back where that can be done; content is what counts.
  void repair_mode(int fd, const FileInfo& now, mode_t wanted) {
    if (!files_.has_mode(now, wanted)) (void)files_.chmod(fd, wanted);
  }
  std::uint64_t allocated() const { return allocated_; }

 private:
  Result<void> check_file(int dir, const Entry& entry, const std::string& path);
  Result<void> check_dir(int dir, const Entry& entry, const std::string& path);

  Files& files_;
  std::string tree_;
  std::map<std::string, const bundle::File*> files_wanted_;
  std::set<std::string> dirs_wanted_;
  std::set<std::string> seen_;
  std::uint64_t allocated_ = 0;
};

Sys<Fd> Verification::open(int dir, const std::string& name, FileType type) {
  const bool directory = type == FileType::directory;
  auto fd = directory ? files_.open_dir(dir, name) : files_.open_file(dir, name);
  if (fd || fd.error() != EACCES) return fd;
  if (!files_.chmod_at(dir, name, directory ? layout::sealed_mode : layout::file_mode)) return fd;
  return directory ? files_.open_dir(dir, name) : files_.open_file(dir, name);
}

Result<void> Verification::walk(int dir, const std::string& prefix) {
  auto self = files_.stat(dir);
  if (!self) return failed(self.error(), "look at '" + prefix + "'");
  allocated_ += self->allocated;
  repair_mode(dir, *self, layout::sealed_mode);
  auto entries = files_.list(dir);
  if (!entries) return failed(entries.error(), "list '" + prefix + "'");
  for (const auto& entry : *entries) {
    const std::string path = prefix + entry.name;
    const bool known = path == layout::bundle_file || files_wanted_.contains(path) || dirs_wanted_.contains(path);
    if (!known) return damaged("file_extra", path + " does not belong to it");
    auto checked = dirs_wanted_.contains(path) ? check_dir(dir, entry, path) : check_file(dir, entry, path);
    if (!checked) return checked;
  }
  return {};
}

Result<void> Verification::check_dir(int dir, const Entry& entry, const std::string& path) {
  if (entry.type != FileType::directory) return damaged("not_a_file", path + " is not a directory");
  auto fd = open(dir, entry.name, FileType::directory);
  if (!fd) return failed(fd.error(), "open '" + path + "'");
  return walk(fd->get(), path + "/");
}

Result<void> Verification::check_file(int dir, const Entry& entry, const std::string& path) {
  if (entry.type != FileType::regular) return damaged("not_a_file", path + " is not a regular file");
  auto fd = open(dir, entry.name, FileType::regular);
  if (!fd) return failed(fd.error(), "open '" + path + "'");
  auto info = files_.stat(fd->get());
  if (!info) return failed(info.error(), "look at '" + path + "'");
  allocated_ += info->allocated;
  repair_mode(fd->get(), *info, layout::file_mode);
  if (path == layout::bundle_file) return {};  // its content was judged by the manifest's digest
  seen_.insert(path);
  const bundle::File& wanted = *files_wanted_.at(path);
  if (wanted.size && info->size != *wanted.size) {
    return damaged("file_changed",
                   path + " has " + std::to_string(info->size) + " bytes, expected " + std::to_string(*wanted.size));
  }
  auto hashed = hash_file(files_, fd->get());
  if (!hashed) return failed(hashed.error(), "read '" + path + "'");
  if (hashed->sha256 != wanted.sha256) {
    return damaged("file_changed", path + " has sha256 " + hashed->sha256.hex() + ", expected " + wanted.sha256.hex());
  }
  return {};
}

/// .bundle.json as found, judged against the wanted manifest and the tree's own name.
Result<bundle::Bundle> read_bundle(Files& files, Verification& verification, int dir, const TreeId& tree,
                                   const Digest& manifest) {
  const std::string name(layout::bundle_file);
  auto fd = verification.open(dir, name, FileType::regular);  // gives back the right to read it
  if (!fd && fd.error() == ENOENT) return verification.damaged("file_missing", name + " is missing");
  if (!fd && fd.error() != ELOOP) return verification.failed(fd.error(), "open '" + name + "'");
  auto text = read_file(files, dir, name, bundle_json_bytes_max, name);
  if (!text) return fail(std::move(text.error()).within("tree " + tree.template_name + "/" + tree.name));
  auto bundle = bundle::bundle_from_json(*text);
  if (!bundle) return verification.damaged("manifest_changed", bundle.error().fact());
  const Digest found = bundle::manifest_digest(bundle->files);
  if (found != manifest) {
    return verification.damaged("manifest_changed", "manifest " + found.hex() + ", expected " + manifest.hex());
  }
  if (bundle->template_name != tree.template_name || bundle->version != layout::version_of_tree_name(tree.name)) {
    return verification.damaged("manifest_changed",
                                name + " says it is " + bundle->template_name + " " + bundle->version);
  }
  return bundle;
}

}  // namespace

Result<TreeInfo> verify_tree(Files& files, int folder, const TreeId& tree, const Digest& manifest) {
  Verification verification(files, tree);
  auto dir = verification.open(folder, tree.name, FileType::directory);
  if (!dir && dir.error() == ENOENT) return verification.damaged("tree_missing", "there is none");
  if (!dir && (dir.error() == ENOTDIR || dir.error() == ELOOP)) {
    return verification.damaged("not_a_file", "it is not a directory");
  }
  if (!dir) return verification.failed(dir.error(), "open the directory");
  auto bundle = read_bundle(files, verification, dir->get(), tree, manifest);
  if (!bundle) return fail(std::move(bundle.error()));
  verification.expect(*bundle);
  if (auto walked = verification.walk(dir->get(), ""); !walked) return fail(std::move(walked.error()));
  if (auto complete = verification.nothing_missing(); !complete) return fail(std::move(complete.error()));

  TreeInfo info;
  info.id = tree;
  info.bundle = std::move(*bundle);
  info.manifest = manifest;
  info.bytes = verification.allocated();
  return info;
}

}  // namespace bundlesync::disk
