#include "crash/disk_model.hpp"

#include <set>

namespace bundlesync::testing {

DiskModel::DiskModel(ino_t root) {
  Node node;
  node.directory = true;
  nodes_.push_back(std::move(node));
  by_inode_[root] = 0;
}

std::size_t DiskModel::add(const FileOp& op, bool directory) {
  // A file that was there and is opened again (the lock) keeps its node.
  const auto dir = by_inode_.at(op.dir);
  const auto there = nodes_[dir].entries.find(op.name);
  if (there != nodes_[dir].entries.end() && by_inode_.contains(op.object) && by_inode_.at(op.object) == there->second) {
    return there->second;
  }
  Node node;
  node.directory = directory;
  node.link = op.kind == FileOp::symlink;
  node.bytes = op.bytes;
  node.piece = pieces_++;
  nodes_.push_back(std::move(node));
  const std::size_t made = nodes_.size() - 1;
  by_inode_[op.object] = made;  // an inode's number may come again for another file
  change(dir, {{op.name, made}});
  return made;
}

void DiskModel::change(std::size_t dir, std::vector<std::pair<std::string, std::optional<std::size_t>>> entries) {
  for (const auto& [name, node] : entries) {
    if (node) {
      nodes_[dir].entries[name] = *node;
    } else {
      nodes_[dir].entries.erase(name);
    }
  }
  Change change;
  change.piece = pieces_++;
  change.entries = std::move(entries);
  nodes_[dir].pending.push_back(std::move(change));
}

void DiskModel::sync(std::size_t node) {
  Node& synced = nodes_[node];
  if (!synced.directory) {
    synced.durable_bytes = synced.bytes;
    return;
  }
  synced.durable_entries = synced.entries;
  synced.pending.clear();
  for (const auto& [name, child] : synced.entries) {
    Node& link = nodes_[child];
    // Nobody can fsync a link: its directory's fsync is what there is.
    if (link.link) link.durable_bytes = link.bytes;
  }
}

void DiskModel::rename(const FileOp& op) {
  const auto from = by_inode_.at(op.dir);
  const auto to = by_inode_.at(op.new_dir);
  const auto moved = nodes_[from].entries.at(op.name);
  if (from == to) {
    change(from, {{op.name, std::nullopt}, {op.new_name, moved}});
  } else {
    change(to, {{op.new_name, moved}});
    change(from, {{op.name, std::nullopt}});
  }
}

void DiskModel::apply(const FileOp& op) {
  switch (op.kind) {
    case FileOp::create:
    case FileOp::symlink:
      add(op, false);
      break;
    case FileOp::mkdir:
      add(op, true);
      break;
    case FileOp::write:
      nodes_[by_inode_.at(op.object)].bytes += op.bytes;
      break;
    case FileOp::truncate:
      nodes_[by_inode_.at(op.object)].bytes.clear();
      break;
    case FileOp::fsync:
      if (!op.swallowed) sync(by_inode_.at(op.object));
      break;
    case FileOp::rename:
      rename(op);
      break;
    case FileOp::unlink:
    case FileOp::rmdir:
      change(by_inode_.at(op.dir), {{op.name, std::nullopt}});
      break;
    case FileOp::mark:
      break;
  }
}

std::optional<DiskModel::Image::Node> DiskModel::Image::entry(Node dir, const std::string& name) const {
  const auto& node = model_.nodes_[dir];
  std::optional<Node> found;
  if (const auto durable = node.durable_entries.find(name); durable != node.durable_entries.end())
    found = durable->second;
  for (const auto& change : node.pending) {
    for (const auto& [changed, to] : change.entries) {
      if (changed == name && kept_(change.piece)) found = to;
    }
  }
  return found;
}

std::optional<DiskModel::Image::Node> DiskModel::Image::walk(Node dir, const std::string& path) const {
  const auto slash = path.find('/');
  const auto next = entry(dir, path.substr(0, slash));
  if (!next || slash == std::string::npos) return next;
  return walk(*next, path.substr(slash + 1));
}

std::vector<std::string> DiskModel::Image::names(Node dir) const {
  std::set<std::string> maybe;
  for (const auto& [name, child] : model_.nodes_[dir].durable_entries) maybe.insert(name);
  for (const auto& [name, child] : model_.nodes_[dir].entries) maybe.insert(name);
  std::vector<std::string> names;
  for (const auto& name : maybe) {
    if (entry(dir, name)) names.push_back(name);
  }
  return names;
}

std::optional<std::string> DiskModel::Image::bytes(Node node) const {
  const auto& file = model_.nodes_[node];
  if (file.durable_bytes == file.bytes) return file.bytes;
  return kept_(file.piece) ? std::optional(file.bytes) : file.durable_bytes;
}

bool DiskModel::states(std::size_t random, std::mt19937& dice, const std::function<bool(const Image&)>& judge) const {
  std::vector<std::size_t> open;
  for (const auto& node : nodes_) {
    if (!node.directory && node.durable_bytes != node.bytes) open.push_back(node.piece);
    for (const auto& change : node.pending) open.push_back(change.piece);
  }
  if (!judge(Image(*this, [](std::size_t) { return false; }))) return false;
  if (!judge(Image(*this, [](std::size_t) { return true; }))) return false;
  for (const auto one : open) {
    if (!judge(Image(*this, [one](std::size_t piece) { return piece == one; }))) return false;
    if (!judge(Image(*this, [one](std::size_t piece) { return piece != one; }))) return false;
  }
  for (std::size_t mixture = 0; mixture < random; ++mixture) {
    std::set<std::size_t> kept;
    for (const auto one : open) {
      if ((dice() & 1U) != 0) kept.insert(one);
    }
    if (!judge(Image(*this, [&kept](std::size_t piece) { return kept.contains(piece); }))) return false;
  }
  return true;
}

}  // namespace bundlesync::testing
