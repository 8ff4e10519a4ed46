#pragma once

#include "disk/files.hpp"

namespace bundlesync::disk {

/// openat2(2) with RESOLVE_BENEATH (and RESOLVE_NO_SYMLINKS), or open_beneath_by_walking where the kernel or a sandbox
/// refuses it.
Sys<Fd> open_beneath(int dir, std::string_view beneath, int flags, Links links);

}  // namespace bundlesync::disk
