#pragma once

#include "bundle/bundle.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace bundlesync::cli {

struct Damage {
  std::string path;    ///< within the tree
  std::string reason;  ///< file_missing, file_changed, file_extra, not_a_file
  std::string text;
  bool operator==(const Damage&) const = default;
};

/// Every file of a tree that is not as the bundle says, and every file that does not belong to it; sorted by path.
std::vector<Damage> damages(const std::filesystem::path& tree, const bundle::Bundle& bundle);

}  // namespace bundlesync::cli
