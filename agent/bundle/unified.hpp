#pragma once

#include "bundle/text_diff.hpp"

#include <string>
#include <string_view>

namespace bundlesync::bundle {

/// The hunks of a unified diff, as `patch` takes them, with three lines around each change; nothing for no change.
/// Above them stand "--- before_name" and "+++ after_name"; "/dev/null" names what is not there.
std::string unified(const LineDiff& diff, std::string_view before_name, std::string_view after_name);

}  // namespace bundlesync::bundle
