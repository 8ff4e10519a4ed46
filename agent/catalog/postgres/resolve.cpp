#include "catalog/postgres/resolve.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <netdb.h>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace bundlesync::catalog::postgres {
namespace {

constexpr std::size_t addresses_max = 4;

std::string numeric(const addrinfo& found) {
  std::array<char, NI_MAXHOST> text{};
  const int failed =
      ::getnameinfo(found.ai_addr, found.ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  return failed != 0 ? std::string() : std::string(text.data());
}

/// The addresses of one name, or why there are none.
Result<std::vector<std::string>> addresses_of(const std::string& name) {
  addrinfo wanted = {};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_family = AF_UNSPEC;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(name.c_str(), nullptr, &wanted, &list);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> found(list, [](addrinfo* l) {
    if (l != nullptr) ::freeaddrinfo(l);
  });
  if (error != 0) {
    return fail(ErrorKind::unavailable, "the host name '" + name + "' has no address: " + ::gai_strerror(error),
                "check the host in database.url and the DNS of this machine");
  }
  std::vector<std::string> addresses;
  for (const auto* one = found.get(); one != nullptr && addresses.size() < addresses_max; one = one->ai_next) {
    auto text = numeric(*one);
    if (!text.empty() && std::ranges::find(addresses, text) == addresses.end()) addresses.push_back(std::move(text));
  }
  return addresses;
}

}  // namespace

Result<std::vector<Host>> resolve(std::vector<Host> hosts) {
  std::vector<Host> resolved;
  std::optional<Error> first_error;
  for (auto& host : hosts) {
    if (host.is_socket() || !host.address.empty()) {
      resolved.push_back(std::move(host));
      continue;
    }
    auto addresses = addresses_of(host.name);
    if (!addresses) {
      if (!first_error) first_error = std::move(addresses).error();
      continue;
    }
    for (auto& address : *addresses) {
      Host one = host;
      one.address = std::move(address);
      resolved.push_back(std::move(one));
    }
  }
  if (resolved.empty() && first_error) return fail(*std::move(first_error));
  return resolved;
}

}  // namespace bundlesync::catalog::postgres
