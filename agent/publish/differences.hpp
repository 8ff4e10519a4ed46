#pragma once

#include "publish/commands.hpp"

#include <span>

namespace bundlesync::publish {

struct Compared {
  std::vector<FileDifference> files;  ///< sorted by path
  std::uint64_t same = 0;
};

/// What makes two versions' manifests differ: path, sha256, size, kind, locale, role.
Compared compare(std::span<const bundle::File> before, std::span<const bundle::File> after);

FileLine line_of(const bundle::File& file);
std::vector<FileLine> lines_of(std::span<const bundle::File> files);

}  // namespace bundlesync::publish
