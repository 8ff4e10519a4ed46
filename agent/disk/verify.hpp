#pragma once

#include "disk/trees.hpp"

namespace bundlesync::disk {

inline constexpr std::uint64_t bundle_json_bytes_max = 8 << 20;  ///< what bundle_from_json takes

/// Trees::verify for one tree, whose folder trees/<template>/ is open. Errors as there.
Result<TreeInfo> verify_tree(Files& files, int folder, const TreeId& tree, const Digest& manifest);

}  // namespace bundlesync::disk
