// A request to the agent's health server, over a real socket.
#include "fuzz/fuzz.hpp"
#include "report/health_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace bundlesync;

namespace {

class OnePage final : public report::Pages {
 public:
  std::optional<report::Page> page(std::string_view path) override {
    if (path != "/healthz") return std::nullopt;
    return report::Page{200, "text/plain", "ok\n"};
  }
};

Task<> serve(report::HealthServer& server) {
  (void)co_await server.serve();
}

/// One server for the whole run.
struct World {
  World() {
    report::HealthServer::Options options;
    options.port = 0;
    auto opened = report::HealthServer::open(io.get_executor(), options, pages);
    fuzz::must(opened.has_value(), "it can listen");
    server = std::move(*opened);
    asio::co_spawn(io, serve(*server), asio::detached);
    io.poll();
  }
  asio::io_context io;
  OnePage pages;
  std::unique_ptr<report::HealthServer> server;
};

int connected(std::uint16_t port) {
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const linger at_once{1, 0};  // no port waits for its peer afterwards
  ::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return client;
  fuzz::must(errno == EADDRNOTAVAIL, "it is there");  // all ports of this machine are in use for a moment
  ::close(client);
  return -1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  const int client = connected(world.server->port());
  if (client < 0) return 0;
  world.io.poll();
  (void)::send(client, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(client, SHUT_WR);
  for (int i = 0; i < 4; ++i) world.io.poll();
  char answer[512];
  const auto count = ::recv(client, answer, sizeof(answer), MSG_DONTWAIT);
  if (count > 0) {
    const std::string_view said(answer, static_cast<std::size_t>(count));
    fuzz::must(said.starts_with("HTTP/1."), "what is answered is HTTP");
  }
  ::close(client);
  for (int i = 0; i < 4; ++i) world.io.poll();
  return 0;
}
