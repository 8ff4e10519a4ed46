#pragma once

#include "disk/state.hpp"
#include "disk/target.hpp"

#include <string>
#include <vector>

namespace bundlesync::live {

/// LiveView::recover.
Result<std::vector<std::string>> recover(disk::Target& target, disk::StateStore& store);

}  // namespace bundlesync::live
