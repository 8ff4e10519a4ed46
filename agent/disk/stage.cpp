#include "bundle/bundle_json.hpp"
#include "disk/folders.hpp"
#include "disk/hashing.hpp"
#include "disk/layout.hpp"
#include "disk/tree_store.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace bundlesync::disk {
namespace {

std::unexpected<Error> refuse(std::string fact, std::string_view reason) {
  return fail(Error(ErrorKind::refused, std::move(fact)).with_reason(reason));
}

Error wrong_size(const std::string& path, std::string_view got, std::uint64_t want) {
  return Error(ErrorKind::refused, path + " has " + std::string(got) + " bytes, expected " + std::to_string(want))
      .with_reason("size_mismatch");
}

/// Did its bytes come from outside, so that they are worth a place in the cache when the stage fails?
enum class Origin { fetched, copied };

class TreeStage final : public Stage {
 public:
  TreeStage(TreeStore& store, bundle::Bundle bundle, const Digest& manifest, Fd folder, Fd dir, std::string name)
      : store_(store),
        bundle_(std::move(bundle)),
        manifest_(manifest),
        folder_(std::move(folder)),
        dir_(std::move(dir)),
        name_(std::move(name)) {}
  ~TreeStage() override;
  TreeStage(const TreeStage&) = delete;
  TreeStage& operator=(const TreeStage&) = delete;

  Result<std::unique_ptr<StageFile>> create(const bundle::File& file) override;
  Result<bool> take_from_disk(const bundle::File& file) override;
  Result<bool> take_from(const std::filesystem::path& source, const bundle::File& file) override;
  Result<TreeId> commit() override;

  Files& files() const { return store_.files(); }
  void finished(const std::string& path, Origin origin);
  std::string what(const bundle::File& file) const {
    return bundle_.template_name + " " + bundle_.version + ": " + file.path;
  }

 private:
  /// A file's directory within the stage, and its own name there.
  struct Spot {
    Fd dir;
    std::string name;
  };
  Result<Spot> spot(const bundle::File& file);
  Result<void> check_known(const bundle::File& file) const;
  bool is_finished(const std::string& path);
  Result<bool> copy(int from, const bundle::File& file, Origin origin);
  Result<bool> take_from_tree(const TreeStore::Place& place, const bundle::File& file);
  Result<bool> take_from_itself(const bundle::File& file);
  Result<void> seal();
  void discard(bool keep_bytes);

  TreeStore& store_;
  const bundle::Bundle bundle_;
  const Digest manifest_;
  Fd folder_;
  Fd dir_;
  const std::string name_;
  std::mutex mutex_;
  std::map<std::string, Origin> finished_;
  std::set<std::string> dirs_;  ///< made within the stage
  bool over_ = false;           ///< committed or discarded: nothing is left to remove
};

class TreeStageFile final : public StageFile {
 public:
  TreeStageFile(TreeStage& stage, bundle::File file, Fd dir, std::string name, Fd fd)
      : stage_(stage), file_(std::move(file)), dir_(std::move(dir)), name_(std::move(name)), fd_(std::move(fd)) {}
  ~TreeStageFile() override { drop(); }
  TreeStageFile(const TreeStageFile&) = delete;
  TreeStageFile& operator=(const TreeStageFile&) = delete;

  Result<void> write(std::string_view bytes) override {
    if (!fd_) return fail(ErrorKind::failed, stage_.what(file_) + " is closed already");
    size_ += bytes.size();
    if (file_.size && size_ > *file_.size) {
      drop();
      return fail(wrong_size(stage_.what(file_), "more than " + std::to_string(*file_.size), *file_.size));
    }
    sha_.update(bytes);
    if (auto wrote = stage_.files().write(fd_.get(), bytes); !wrote) return give_up(wrote.error());
    return {};
  }

  Result<void> finish() override {
    if (!fd_) return fail(ErrorKind::failed, stage_.what(file_) + " is closed already");
    digest_ = sha_.finish();
    if (file_.size && size_ != *file_.size) {
      drop();
      return fail(wrong_size(stage_.what(file_), std::to_string(size_), *file_.size));
    }
    if (digest_ != file_.sha256) {
      drop();
      return refuse(stage_.what(file_) + " has sha256 " + digest_.hex() + ", expected " + file_.sha256.hex(),
                    "digest_mismatch");
    }
    if (auto sealed = stage_.files().chmod(fd_.get(), layout::file_mode); !sealed) return give_up(sealed.error());
    if (auto synced = stage_.files().fsync(fd_.get()); !synced) return give_up(synced.error());
    fd_.reset();
    stage_.finished(file_.path, Origin::fetched);
    return {};
  }

  Digest digest() const override { return digest_; }

 private:
  void drop() {
    if (!fd_) return;
    fd_.reset();
    (void)stage_.files().unlink(dir_.get(), name_);
  }
  std::unexpected<Error> give_up(int code) {
    drop();
    return os_fail(code, "cannot write " + stage_.what(file_));
  }

  TreeStage& stage_;
  const bundle::File file_;
  Fd dir_;
  const std::string name_;
  Fd fd_;  ///< none once the file is finished or dropped
  Sha256 sha_;
  Digest digest_;
  std::uint64_t size_ = 0;
};

TreeStage::~TreeStage() {
  if (!over_) discard(true);
}

void TreeStage::finished(const std::string& path, Origin origin) {
  const std::scoped_lock lock(mutex_);
  finished_[path] = origin;
}

bool TreeStage::is_finished(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  return finished_.contains(path);
}

Result<void> TreeStage::check_known(const bundle::File& file) const {
  const auto same = [&](const bundle::File& one) { return one.path == file.path && one.sha256 == file.sha256; };
  if (over_) return fail(ErrorKind::failed, "the stage of " + what(file) + " is committed already");
  if (std::ranges::any_of(bundle_.files, same)) return {};
  return fail(ErrorKind::failed, what(file) + " is no file of this bundle");
}

Result<TreeStage::Spot> TreeStage::spot(const bundle::File& file) {
  const std::scoped_lock lock(mutex_);
  Spot spot;
  auto start = files().open_dir(dir_.get(), ".");
  if (!start) return os_fail(start.error(), "cannot open the stage of " + what(file));
  spot.dir = std::move(*start);
  std::size_t from = 0;
  for (auto slash = file.path.find('/'); slash != std::string::npos; slash = file.path.find('/', from)) {
    auto next =
        make_folder(files(), spot.dir.get(), file.path.substr(from, slash - from), layout::private_mode, what(file));
    if (!next) return fail(std::move(next.error()));
    dirs_.insert(file.path.substr(0, slash));
    spot.dir = std::move(next->fd);
    from = slash + 1;
  }
  spot.name = file.path.substr(from);
  return spot;
}

Result<std::unique_ptr<StageFile>> TreeStage::create(const bundle::File& file) {
  if (auto known = check_known(file); !known) return fail(std::move(known.error()));
  auto at = spot(file);
  if (!at) return fail(std::move(at.error()));
  auto fd = files().create(at->dir.get(), at->name);
  if (!fd) return os_fail(fd.error(), "cannot create " + what(file));
  return std::make_unique<TreeStageFile>(*this, file, std::move(at->dir), std::move(at->name), std::move(*fd));
}

/// A copy of an open file, hashed after copying: what counts is what lies in the stage. false where the source is no
/// good, or cannot be read; an error only where the copy cannot be made.
Result<bool> TreeStage::copy(int from, const bundle::File& file, Origin origin) {
  auto info = files().stat(from);
  if (!info) return false;
  if (info->type != FileType::regular || (file.size && info->size != *file.size)) return false;
  auto at = spot(file);
  if (!at) return fail(std::move(at.error()));
  auto to = files().create(at->dir.get(), at->name);
  if (!to) return os_fail(to.error(), "cannot create " + what(file));
  const auto give_up = [&](int code) {
    (void)files().unlink(at->dir.get(), at->name);
    return os_fail(code, "cannot copy " + what(file));
  };
  if (auto copied = files().copy(from, to->get()); !copied) {
    if (hash_file(files(), from)) return give_up(copied.error());
    (void)files().unlink(at->dir.get(), at->name);  // the source cannot be read
    return false;
  }
  auto hashed = hash_file(files(), to->get());
  if (!hashed) return give_up(hashed.error());
  if (hashed->sha256 != file.sha256) {
    if (auto removed = files().unlink(at->dir.get(), at->name); !removed) return give_up(removed.error());
    return false;
  }
  if (auto sealed = files().chmod(to->get(), layout::file_mode); !sealed) return give_up(sealed.error());
  if (auto synced = files().fsync(to->get()); !synced) return give_up(synced.error());
  finished(file.path, origin);
  return true;
}

Result<bool> TreeStage::take_from_tree(const TreeStore::Place& place, const bundle::File& file) {
  const std::string beneath =
      std::string(layout::trees_dir) + "/" + place.tree.template_name + "/" + place.tree.name + "/" + place.path;
  auto from = files().open_file(store_.target().own(), beneath);
  if (!from && is_shortage(from.error())) {
    return os_fail(from.error(), "cannot open " + store_.where(place.tree) + "/" + place.path);
  }
  if (!from) return false;
  return copy(from->get(), file, Origin::copied);
}

/// The same bytes under two paths of one bundle: fetched once.
Result<bool> TreeStage::take_from_itself(const bundle::File& file) {
  for (const auto& other : bundle_.files) {
    if (other.sha256 != file.sha256 || other.path == file.path || !is_finished(other.path)) continue;
    auto from = files().open_file(dir_.get(), other.path);
    if (!from) return os_fail(from.error(), "cannot open " + what(other));
    auto copied = copy(from->get(), file, Origin::copied);
    if (!copied || *copied) return copied;
  }
  return false;
}

Result<bool> TreeStage::take_from_disk(const bundle::File& file) {
  if (auto known = check_known(file); !known) return fail(std::move(known.error()));
  if (is_finished(file.path)) return true;
  if (auto taken = take_from_itself(file); !taken || *taken) return taken;
  auto at = spot(file);
  if (!at) return fail(std::move(at.error()));
  auto cached = store_.cache().take(file, at->dir.get(), at->name);
  if (!cached) return cached;
  if (*cached) {
    finished(file.path, Origin::fetched);
    return true;
  }
  for (const auto& place : store_.places(file.sha256)) {
    auto taken = take_from_tree(place, file);
    if (!taken || *taken) return taken;
    store_.forget(file.sha256, place);
  }
  return false;
}

Result<bool> TreeStage::take_from(const std::filesystem::path& source, const bundle::File& file) {
  if (auto known = check_known(file); !known) return fail(std::move(known.error()));
  if (is_finished(file.path)) return true;
  auto from = files().open_file_path(source);
  if (!from && (from.error() == ENOENT || from.error() == ENOTDIR)) return false;
  if (!from) return os_fail(from.error(), "cannot open " + source.string());
  return copy(from->get(), file, Origin::copied);
}

/// .bundle.json, then every directory 0555 and fsynced, deepest first: a directory never refers to what may be lost.
Result<void> TreeStage::seal() {
  const std::string name(layout::bundle_file);
  const std::string place = bundle_.template_name + " " + bundle_.version;
  if (auto wrote = write_new_file(files(), dir_.get(), name, bundle::bundle_to_json(bundle_), layout::file_mode,
                                  place + ": " + name);
      !wrote) {
    return wrote;
  }
  std::vector<std::string> dirs(dirs_.begin(), dirs_.end());
  std::ranges::reverse(dirs);  // "a/b" is sorted behind "a"
  dirs.emplace_back(".");
  for (const auto& dir : dirs) {
    auto fd = files().open_dir(dir_.get(), dir);
    if (!fd) return os_fail(fd.error(), "cannot open " + place + ": " + dir);
    if (auto sealed = files().chmod(fd->get(), layout::sealed_mode); !sealed) {
      return os_fail(sealed.error(), "cannot set the mode of " + place + ": " + dir);
    }
    if (auto synced = files().fsync(fd->get()); !synced) {
      return os_fail(synced.error(), "cannot make durable (fsync) " + place + ": " + dir);
    }
  }
  return {};
}

Result<TreeId> TreeStage::commit() {
  if (over_) return fail(ErrorKind::failed, "the stage of " + bundle_.template_name + " is committed already");
  for (const auto& file : bundle_.files) {
    if (!is_finished(file.path)) return fail(ErrorKind::failed, what(file) + " is not finished");
  }
  auto sealed = seal();
  auto published = sealed ? store_.publish(bundle_, manifest_, folder_.get(), name_)
                          : Result<TreeStore::Published>(fail(std::move(sealed.error())));
  if (!published) {
    discard(true);
    return fail(std::move(published.error()));
  }
  if (!published->renamed) discard(false);
  over_ = true;
  return published->tree;
}

/// Removes the stage and nothing else. Bytes that came from outside go to the cache, so that the next try need not
/// fetch them; what fails here costs a download or waits for the next begin.
void TreeStage::discard(bool keep_bytes) {
  over_ = true;
  (void)files().chmod(dir_.get(), layout::private_mode);
  for (const auto& file : bundle_.files) {
    const auto origin = finished_.find(file.path);
    if (!keep_bytes || origin == finished_.end() || origin->second == Origin::copied) continue;
    const auto slash = file.path.rfind('/');
    auto dir = files().open_dir(dir_.get(), slash == std::string::npos ? "." : file.path.substr(0, slash));
    if (!dir) continue;
    (void)files().chmod(dir->get(), layout::private_mode);
    (void)store_.cache().put(dir->get(), file.path.substr(slash == std::string::npos ? 0 : slash + 1), file.sha256);
  }
  const std::string where = store_.folder_where(bundle_.template_name) + "/" + name_;
  if (!remove_all(files(), folder_.get(), name_, where)) store_.left_over(bundle_.template_name, name_);
}

}  // namespace

std::unique_ptr<Stage> make_stage(TreeStore& store, const bundle::Bundle& bundle, const Digest& manifest, Fd folder,
                                  Fd dir, std::string name) {
  return std::make_unique<TreeStage>(store, bundle, manifest, std::move(folder), std::move(dir), std::move(name));
}

}  // namespace bundlesync::disk
