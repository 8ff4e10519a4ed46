#pragma once

#include "settings/settings.hpp"

namespace bundlesync::settings {

/// Judges options together, after each was judged alone. May add warnings.
Result<void> check_together(Settings& settings, Purpose purpose);

}  // namespace bundlesync::settings
