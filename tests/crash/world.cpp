#include "crash/world.hpp"

#include "base/time.hpp"
#include "disk/layout.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace bundlesync::testing {
namespace fs = std::filesystem;
namespace {

void make_removable(const fs::path& dir) {
  std::error_code ignored;
  fs::permissions(dir, fs::perms::owner_all, ignored);
  for (const auto& entry : fs::directory_iterator(dir, ignored)) {
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) make_removable(entry.path());
  }
}

bundle::File file_of(const std::string& path, const std::string& bytes, const std::string& kind) {
  bundle::File file;
  file.path = path;
  file.sha256 = Digest::of(bytes);
  file.size = bytes.size();
  file.kind = kind;
  file.locale = "fr";
  return file;
}

}  // namespace

TempDir::TempDir(const fs::path& where) {
  std::string name = (where / "bundlesync-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

QuickDir::QuickDir() : TempDir(::access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : fs::temp_directory_path()) {}

TempDir::~TempDir() {
  make_removable(path_);
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Goods make_goods(const std::string& template_name, const std::string& version) {
  Goods goods;
  goods.bundle.template_name = template_name;
  goods.bundle.version = version;
  goods.bundle.default_locale = "fr";
  const std::string own = template_name + " " + version;
  goods.bytes["config.json"] = "{\"template\": \"" + template_name + "\"}\n";  // the same in every version
  goods.bytes["master.md"] = "# " + own + "\n" + std::string(3000, 'x') + "\n";
  goods.bytes["parts/example.md"] = "example of " + own + "\n";
  goods.bytes["parts/twin.md"] = "example of " + own + "\n";
  for (const auto& [path, bytes] : goods.bytes) goods.bundle.files.push_back(file_of(path, bytes, "part"));
  return goods;
}

Wanted want(std::initializer_list<Goods> all) {
  Wanted wanted;
  for (const auto& goods : all) wanted.emplace(goods.bundle.template_name, goods);
  return wanted;
}

Result<std::unique_ptr<Machine>> Machine::start(disk::Files& files, const fs::path& path) {
  auto machine = std::make_unique<Machine>();
  disk::Target::Options options;
  options.path = path;
  auto target = disk::Target::open(files, options);
  if (!target) return fail(std::move(target.error()));
  machine->target_ = std::move(*target);
  auto lock = disk::TargetLock::try_take(*machine->target_);
  if (!lock) return fail(std::move(lock.error()));
  machine->lock_.emplace(std::move(*lock));
  if (auto removed = machine->target_->remove_leftovers(); !removed) return fail(std::move(removed.error()));
  machine->store_ = disk::StateStore::make(*machine->target_);
  machine->trees_ = disk::Trees::make(*machine->target_);
  machine->live_ = live::LiveView::make(*machine->target_, *machine->store_);
  auto recovered = machine->live_->recover();
  if (!recovered) return fail(std::move(recovered.error()));
  machine->recovered = std::move(*recovered);
  auto state = machine->store_->load();
  if (!state && state.error().kind() != ErrorKind::damaged) return fail(std::move(state.error()));
  if (state) machine->state_ = std::move(*state);
  return machine;
}

/// A good tree of these bytes: one that is there, or a new one.
Result<disk::TreeId> Machine::tree_of(const Goods& goods) {
  auto all = trees_->list();
  if (!all) return fail(std::move(all.error()));
  for (const auto& info : *all) {
    if (info.bundle.template_name != goods.bundle.template_name || info.manifest != goods.manifest()) continue;
    if (trees_->condemned(info.id)) continue;
    auto verified = trees_->verify(info.id, goods.manifest());
    if (verified) return info.id;
    if (verified.error().kind() != ErrorKind::damaged) return fail(std::move(verified.error()));
    trees_->condemn(info.id);
  }
  auto stage = trees_->begin(goods.bundle, goods.manifest());
  if (!stage) return fail(std::move(stage.error()));
  for (const auto& file : goods.bundle.files) {
    auto taken = (*stage)->take_from_disk(file);
    if (!taken) return fail(std::move(taken.error()));
    if (*taken) continue;
    auto out = (*stage)->create(file);
    if (!out) return fail(std::move(out.error()));
    if (auto wrote = (*out)->write(goods.bytes.at(file.path)); !wrote) return fail(std::move(wrote.error()));
    if (auto finished = (*out)->finish(); !finished) return fail(std::move(finished.error()));
  }
  auto tree = (*stage)->commit();
  if (tree) promised("committed " + tree->template_name + "/" + tree->name);
  return tree;
}

Result<void> Machine::converge(const Wanted& wanted) {
  std::map<std::string, plan::Shown> templates;
  for (const auto& [name, goods] : wanted) {
    auto tree = tree_of(goods);
    if (!tree) return fail(std::move(tree.error()));
    state_.trees[*tree] = goods.manifest();
    plan::Shown shown;
    shown.tree = *tree;
    shown.version = goods.bundle.version;
    shown.manifest = goods.manifest();
    shown.activated_at = "2026-03-01T09:30:00.000Z";
    templates[name] = std::move(shown);
  }
  auto now = live_->read();
  if (!now && now.error().reason() != "dangling") return fail(std::move(now.error()));
  if (now && now->number != 0 && now->templates == templates) return {};
  count_save();
  auto shown = live_->show(templates, state_);
  if (!shown) return fail(std::move(shown.error()));
  promised("saved " + state_.epoch);
  promised("shown " + std::to_string(shown->number));
  return {};
}

Result<void> Machine::collect() {
  auto view = live_->read();
  if (!view) return fail(std::move(view.error()));
  auto all = trees_->list();
  if (!all) return fail(std::move(all.error()));
  for (const auto& info : *all) {
    const auto live = view->templates.find(info.id.template_name);
    if (live != view->templates.end() && live->second.tree == info.id) continue;
    promised("removing " + info.id.template_name + "/" + info.id.name);
    if (auto removed = trees_->remove(info.id); !removed) return removed;
    state_.trees.erase(info.id);
  }
  if (auto evicted = trees_->evict_cache(std::chrono::seconds(0), 0); !evicted) return fail(std::move(evicted.error()));
  if (auto tidied = live_->tidy(0); !tidied) return tidied;
  count_save();
  if (auto saved = store_->save(state_); !saved) return saved;
  promised("saved " + state_.epoch);
  return {};
}

void copy_dir(const fs::path& from, const fs::path& to) {
  fs::create_directory(to);
  for (const auto& entry : fs::directory_iterator(from)) {
    const fs::path made = to / entry.path().filename();
    if (entry.is_symlink()) {
      fs::copy_symlink(entry.path(), made);
    } else if (entry.is_directory()) {
      copy_dir(entry.path(), made);
    } else {
      fs::copy_file(entry.path(), made);
    }
  }
  fs::permissions(to, fs::status(from).permissions());
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string data_link(const fs::path& target) {
  std::error_code none;
  return fs::read_symlink(target / "..data", none).string();
}

std::optional<Seen> seen(const fs::path& target) {
  if (!fs::is_symlink(fs::symlink_status(target / "..data"))) return std::nullopt;
  Seen all;
  for (const auto& entry : fs::directory_iterator(target / "..data")) {
    if (entry.path().filename() == ".view.json") continue;
    auto& files = all[entry.path().filename().string()];
    for (const auto& file : fs::recursive_directory_iterator(entry.path())) {
      const std::string path = fs::relative(file.path(), entry.path()).string();
      if (!file.is_directory() && path != ".bundle.json") files[path] = read_text(file.path());
    }
  }
  return all;
}

Seen sight_of(const Wanted& wanted) {
  Seen all;
  for (const auto& [name, goods] : wanted) all[name] = goods.bytes;
  return all;
}

std::string torn(const fs::path& target, const std::vector<Wanted>& allowed, bool may_be_absent) {
  std::optional<Seen> now;
  try {
    now = seen(target);
  } catch (const fs::filesystem_error& error) {
    return std::string("cannot be read: ") + error.what();
  }
  if (!now) return may_be_absent ? "" : "there is no ..data";
  for (const auto& wanted : allowed) {
    if (*now == sight_of(wanted)) return "";
  }
  std::string text = "shows something else: " + data_link(target);
  for (const auto& [name, files] : *now) text += " " + name + "(" + std::to_string(files.size()) + " files)";
  return text;
}

std::vector<std::string> left_overs(const fs::path& target) {
  std::vector<std::string> found;
  for (auto entry = fs::recursive_directory_iterator(target); entry != fs::recursive_directory_iterator(); ++entry) {
    const std::string name = entry->path().filename().string();
    for (const auto* prefix : {".stage-", ".gone-", ".tmp-", "..data-"}) {
      if (name.starts_with(prefix)) found.push_back(fs::relative(entry->path(), target).string());
    }
  }
  std::ranges::sort(found);
  return found;
}

std::vector<std::string> fingerprint(const fs::path& dir) {
  std::vector<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    struct stat info{};
    if (::lstat(entry.path().c_str(), &info) != 0) continue;
    std::ostringstream line;
    line << entry.path().string() << ' ' << info.st_mode << ' ' << info.st_ino << ' ' << info.st_mtim.tv_sec << '.'
         << info.st_mtim.tv_nsec << ' ' << info.st_ctim.tv_sec << '.' << info.st_ctim.tv_nsec << ' ' << info.st_size;
    if (S_ISREG(info.st_mode)) line << ' ' << Digest::of(read_text(entry.path())).hex();
    lines.push_back(line.str());
  }
  std::ranges::sort(lines);
  return lines;
}

}  // namespace bundlesync::testing
