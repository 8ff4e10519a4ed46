#pragma once

#include "report/status.hpp"

#include <string>

namespace bundlesync::cli {

/// Why a template shows what it shows, as a sentence for people without a full stop: from its state, and from what the
/// agent says beside it. Pure.
std::string why(const report::TemplateLine& line);

/// What to do about it; empty where nothing needs doing, or waiting is all.
std::string remedy(const report::TemplateLine& line);

}  // namespace bundlesync::cli
