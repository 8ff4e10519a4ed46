#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bundlesync::storage::http {

struct Origin;

/// "host[:port]", as the Host header has it: no port where it is the scheme's own.
std::string authority(const Origin& origin);

/// Where a Location header points, for people: its origin, without user, password, path and query.
std::string place_of_redirect(std::string_view location);

/// Header names are the same in any case.
bool same_name(std::string_view a, std::string_view b);

}  // namespace bundlesync::storage::http
