#pragma once

#include <optional>
#include <string>
#include <vector>

namespace bundlesync::tests {

std::string text_of_source(const std::string& path);

/// What a schema of config/ says of each text: "good", or "bad" and why. Nothing where Python cannot judge here.
std::optional<std::vector<std::string>> verdicts(const std::string& schema, const std::vector<std::string>& texts);

}  // namespace bundlesync::tests
