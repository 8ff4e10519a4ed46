#pragma once

#include "crash/disk_model.hpp"
#include "crash/world.hpp"
#include "disk/layout.hpp"
#include "disk/state_json.hpp"
#include "live/view_dir.hpp"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace bundlesync::testing {

/// A log of everything that happened to one target, and what was promised in between.
struct History {
  std::vector<FileOp> log;
  ino_t root = 0;
  std::vector<Wanted> wanted;  ///< "wanting 0" is the first
};

/// Replays a history and judges what each loss of power would leave.
class Judge {
 public:
  using Image = DiskModel::Image;
  Judge(const History& history, std::size_t random) : history_(history), model_(history.root), random_(random) {}

  /// The first thing that is wrong, or nothing. States before the operation `from` are not looked at.
  std::string run(std::size_t from) {
    for (std::size_t i = 0; i < history_.log.size() && problem_.empty(); ++i) {
      const FileOp& op = history_.log[i];
      learn(op);
      model_.apply(op);
      if (i < from) continue;
      model_.states(random_, dice_, [&](const Image& image) {
        problem_ = look(image);
        ++states_;
        return problem_.empty();
      });
      if (!problem_.empty()) problem_ += " after operation " + std::to_string(i);
    }
    return problem_;
  }
  std::size_t states() const { return states_; }

 private:
  void learn(const FileOp& op) {
    if (op.kind == FileOp::symlink && op.name.starts_with(disk::layout::temporary_link_prefix)) {
      expected_[disk::layout::parse_data_target(op.bytes).value()] = wanting_;
    }
    if (op.kind != FileOp::mark) return;
    const auto space = op.bytes.find(' ');
    const std::string word = op.bytes.substr(0, space);
    const std::string rest = op.bytes.substr(space + 1);
    if (word == "wanting") wanting_ = std::stoul(rest);
    if (word == "shown") shown_ = std::stoul(rest);
    if (word == "saved") saved_ = std::stoul("0" + rest);
    if (word == "committed") committed_[rest] = wanting_;
    if (word == "removing") {
      committed_.erase(rest);
      removed_.insert(rest);
    }
  }

  std::string look(const Image& image) const {
    for (const auto& [tree, wanted] : committed_) {
      const auto slash = tree.find('/');
      const auto& goods = history_.wanted[wanted].at(tree.substr(0, slash));
      if (auto wrong = look_at_tree(image, tree, goods); !wrong.empty()) return "a committed tree: " + wrong;
    }
    if (auto wrong = look_at_named_trees(image); !wrong.empty()) return "a tree that has its name: " + wrong;
    const auto state = state_of(image);
    if (saved_ > 0 && (!state || std::stoul("0" + state->epoch) < saved_)) return "saved state is lost";
    const auto data = image.entry(image.root(), "..data");
    if (!data) return shown_ > 0 ? "..data is lost" : "";
    const auto number = disk::layout::parse_data_target(image.bytes(*data).value_or(""));
    if (!number) return "..data is torn";
    if (*number < shown_) return "an acknowledged view is lost";
    if (!state || state->last_view < *number) return "the state is older than the view";
    return look_at_view(image, *number);
  }

  /// Its own name is given to a tree that is whole, never before.
  std::string look_at_named_trees(const Image& image) const {
    for (const auto& wanted : history_.wanted) {
      for (const auto& [name, goods] : wanted) {
        const std::string tree = name + "/" + bundle::tree_name(goods.bundle.version, goods.manifest());
        if (removed_.contains(tree) || !image.walk(image.root(), "..bundlesync/trees/" + tree)) continue;
        if (auto wrong = look_at_tree(image, tree, goods); !wrong.empty()) return wrong;
      }
    }
    return "";
  }

  std::string look_at_view(const Image& image, std::uint64_t number) const {
    const auto& wanted = history_.wanted[expected_.at(number)];
    const auto dir = image.walk(image.root(), disk::layout::data_target(number));
    if (!dir) return "the view's directory is lost";
    if (image.names(*dir).size() != wanted.size() + 1) return "the view has lost an entry";
    const auto text = image.entry(*dir, ".view.json");
    if (!text || !image.bytes(*text) || !live::view_from_json(*image.bytes(*text))) return ".view.json is torn";
    for (const auto& [name, goods] : wanted) {
      const auto link = image.entry(*dir, name);
      const auto tree = link ? disk::layout::parse_tree_target(image.bytes(*link).value_or("")) : std::nullopt;
      if (!tree) return "a view's link is torn";
      if (auto wrong = look_at_tree(image, name + "/" + tree->name, goods); !wrong.empty()) return "shown: " + wrong;
      if (number != shown_) continue;  // a template's link is promised with the view
      const auto in_root = image.entry(image.root(), name);
      if (!in_root || image.bytes(*in_root) != disk::layout::template_target(name)) return "a template's link is lost";
    }
    return "";
  }

  static std::string look_at_tree(const Image& image, const std::string& tree, const Goods& goods) {
    const auto dir = image.walk(image.root(), "..bundlesync/trees/" + tree);
    if (!dir) return tree + " is lost";
    for (const auto& [path, bytes] : goods.bytes) {
      const auto file = image.walk(*dir, path);
      if (!file || image.bytes(*file) != bytes) return tree + "/" + path + " is torn";
    }
    const auto text = image.entry(*dir, ".bundle.json");
    return text && !image.bytes(*text).value_or("").empty() ? "" : tree + "/.bundle.json is torn";
  }

  static std::optional<disk::State> state_of(const Image& image) {
    const auto file = image.walk(image.root(), "..bundlesync/state/state.json");
    if (!file || !image.bytes(*file)) return std::nullopt;
    auto state = disk::state_from_json(*image.bytes(*file));
    return state ? std::optional(*state) : std::nullopt;
  }

  const History& history_;
  DiskModel model_;
  std::size_t random_;
  std::mt19937 dice_{4711};
  std::size_t wanting_ = 0;
  std::uint64_t shown_ = 0;
  std::uint64_t saved_ = 0;
  std::map<std::string, std::size_t> committed_;
  std::set<std::string> removed_;  ///< ever: they may come apart on their way out
  std::map<std::uint64_t, std::size_t> expected_;
  std::string problem_;
  std::size_t states_ = 0;
};

}  // namespace bundlesync::testing
