#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace bundlesync::storage::supabase {

/// storage::check_key, and what Supabase forbids besides: any byte but letters, digits, space and _ / ! . * ' ( ) & $ @
/// = ; + , -. refused, reason key_invalid.
Result<void> check_object_key(std::string_view key);

/// 1 to 100 of the same bytes without '/', not beginning with a space. usage.
Result<void> check_bucket(std::string_view bucket);

/// As a path segment (bucket) or several (key) of a URL: everything but letters, digits and - . _ / is escaped.
std::string percent_encoded(std::string_view text);

}  // namespace bundlesync::storage::supabase
