#pragma once

#include "base/error.hpp"

#include <string>

namespace bundlesync::cli {

/// A settings file or a secret's file: at most 1 MiB, read whole. not_found where there is none, else usage.
Result<std::string> read_small_file(const std::string& path);

}  // namespace bundlesync::cli
