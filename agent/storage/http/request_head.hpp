#pragma once

#include "storage/http/client.hpp"

namespace bundlesync::storage::http {

/// The request up to its body. Usage/bad_request where it holds what would break out of its line, such as a key with a
/// line break; the text says the header's name, never its value.
Result<std::string> request_head(const Origin& origin, const Request& request, const Options& options);

/// May it be sent again when nobody knows whether the first one arrived?
bool is_repeatable(const Request& request);

/// Was only a part asked for?
bool asks_for_range(const Request& request);

}  // namespace bundlesync::storage::http
