#pragma once

#include "base/error.hpp"
#include "catalog/postgres/conninfo.hpp"

#include <vector>

namespace bundlesync::catalog::postgres {

/// Every host by every address of it, IPv6 and IPv4 as the resolver orders them, at most 4 a host. Sockets and hosts
/// with an address stay as they are. Blocks on the resolver, so it belongs on a pool. A host that has no address is
/// left out; unavailable when none has one.
Result<std::vector<Host>> resolve(std::vector<Host> hosts);

}  // namespace bundlesync::catalog::postgres
