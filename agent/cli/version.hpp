#pragma once

#include <string_view>

namespace bundlesync::cli {

/// "0.1.0"
std::string_view version();

}  // namespace bundlesync::cli
