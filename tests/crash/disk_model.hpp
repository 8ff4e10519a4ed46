#pragma once

#include "fakes/faulty_files.hpp"

#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace bundlesync::testing {

/// A strict file system, replayed from the log of FaultyFiles: what was not fsynced may be lost, each piece by itself
/// and in any order. A file's bytes (and a link's) are lost until the file (the link's directory) is fsynced; an entry
/// of a directory until that directory is. A rename within one directory is one piece, between two it is one in each.
class DiskModel {
 public:
  explicit DiskModel(ino_t root);
  void apply(const FileOp& op);

  /// What is on disk when the power comes back, by walking names.
  class Image {
   public:
    using Node = std::size_t;
    Node root() const { return 0; }
    std::optional<Node> entry(Node dir, const std::string& name) const;
    std::optional<Node> walk(Node dir, const std::string& path) const;  ///< directories and a last name, no links
    std::vector<std::string> names(Node dir) const;
    /// A file's bytes or a link's target; nothing when they are lost.
    std::optional<std::string> bytes(Node node) const;

   private:
    friend class DiskModel;
    Image(const DiskModel& model, std::function<bool(std::size_t)> kept) : model_(model), kept_(std::move(kept)) {}
    const DiskModel& model_;
    std::function<bool(std::size_t)> kept_;  ///< by the number of a piece
  };

  /// Every state that is looked at: nothing of what is pending kept, all of it, each piece alone, all but one, and
  /// `random` mixtures. Stops when `judge` returns false.
  bool states(std::size_t random, std::mt19937& dice, const std::function<bool(const Image&)>& judge) const;

 private:
  struct Change {
    std::size_t piece = 0;
    std::vector<std::pair<std::string, std::optional<std::size_t>>> entries;
  };
  struct Node {
    bool directory = false;
    bool link = false;
    std::string bytes;
    std::optional<std::string> durable_bytes;
    std::size_t piece = 0;  ///< of its bytes
    std::map<std::string, std::size_t> entries;
    std::map<std::string, std::size_t> durable_entries;
    std::vector<Change> pending;
  };
  std::size_t add(const FileOp& op, bool directory);
  void change(std::size_t dir, std::vector<std::pair<std::string, std::optional<std::size_t>>> entries);
  void sync(std::size_t node);
  void rename(const FileOp& op);

  std::vector<Node> nodes_;
  std::map<ino_t, std::size_t> by_inode_;
  std::size_t pieces_ = 0;
};

}  // namespace bundlesync::testing
