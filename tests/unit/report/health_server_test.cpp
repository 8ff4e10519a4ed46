#include "report/health_server.hpp"

#include "fakes/spawned.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace bundlesync::report {
namespace {

using namespace std::chrono_literals;
using tcp = asio::ip::tcp;
using testing::HasSubstr;
using testing::StartsWith;

class OnePage final : public Pages {
 public:
  std::optional<Page> page(std::string_view path) override {
    if (path == "/large") return Page{200, "text/plain", std::string(3'000'000, 'x')};
    if (path == "/") return Page{200, "text/html", "<p>", {{"Content-Security-Policy", "default-src 'none'"}}};
    if (path != "/healthz") return std::nullopt;
    return Page{503, "text/plain; charset=utf-8", "task watch has ended\n"};
  }
};

/// A server on a free port, its loop on a thread of its own; the test's thread is a client with blocking sockets.
class HealthServerTest : public testing::Test {
 protected:
  void start(HealthServer::Options options = HealthServer::Options()) {
    options.port = 0;
    auto opened = HealthServer::open(io_.get_executor(), options, pages_);
    ASSERT_TRUE(opened) << opened.error().text();
    server_ = std::move(*opened);
    serving_.emplace(io_, server_->serve());
    loop_ = std::thread([this] { io_.run(); });
  }
  void stop() {
    if (!loop_.joinable()) return;
    asio::post(io_, [this] { serving_->cancel(); });
    loop_.join();
  }
  void TearDown() override { stop(); }

  tcp::socket connect() {
    tcp::socket socket(client_);
    socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), server_->port()));
    const timeval patience{10, 0};
    EXPECT_EQ(::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    return socket;
  }
  static void send(tcp::socket& socket, std::string_view bytes) {
    boost::system::error_code ignored;
    asio::write(socket, asio::buffer(bytes.data(), bytes.size()), ignored);
  }
  /// All that comes until the server closes.
  static std::string receive(tcp::socket& socket) {
    std::string all;
    char piece[4096];
    for (ssize_t n = 0; (n = ::recv(socket.native_handle(), piece, sizeof piece, 0)) > 0;) {
      all.append(piece, static_cast<std::size_t>(n));
    }
    return all;
  }
  std::string ask(std::string_view request) {
    tcp::socket socket = connect();
    send(socket, request);
    return receive(socket);
  }

  asio::io_context io_;
  asio::io_context client_;
  OnePage pages_;
  std::unique_ptr<HealthServer> server_;
  std::optional<fakes::Spawned<Result<void>>> serving_;
  std::thread loop_;
};

TEST_F(HealthServerTest, AnswersGetWithThePageAndCloses) {
  start();
  EXPECT_EQ(ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            "HTTP/1.1 503 Service Unavailable\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Cache-Control: no-store\r\n"
            "Connection: close\r\n"
            "Content-Length: 21\r\n\r\n"
            "task watch has ended\n");
}

TEST_F(HealthServerTest, AddsTheHeadersOfThePage) {
  start();
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            "HTTP/1.1 200 OK\r\n"
            "Content-Type: text/html\r\n"
            "Cache-Control: no-store\r\n"
            "Content-Security-Policy: default-src 'none'\r\n"
            "Connection: close\r\n"
            "Content-Length: 3\r\n\r\n"
            "<p>");
}

TEST_F(HealthServerTest, AnswersHeadWithTheSameHeaderAndNoBody) {
  start();
  const std::string answer = ask("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 21\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(HealthServerTest, LooksAtThePathWithoutItsQuery) {
  start();
  EXPECT_THAT(ask("GET /healthz?verbose=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(ask("GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
}

TEST_F(HealthServerTest, SendsALargePageWhole) {
  start();
  const std::string answer = ask("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_GT(answer.size(), 3'000'000U);
  EXPECT_TRUE(answer.ends_with("xxxx"));
}

TEST_F(HealthServerTest, AllowsNoOtherMethod) {
  start();
  for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"}) {
    const std::string answer = ask(method + " /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n")) << method;
    EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD\r\n")) << method;
  }
}

TEST_F(HealthServerTest, RefusesAHeaderThatIsTooLarge) {
  start();
  EXPECT_THAT(ask("GET /healthz HTTP/1.1\r\nX: " + std::string(9000, 'a') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
}

TEST_F(HealthServerTest, RefusesWhatIsNoHttp) {
  start();
  EXPECT_THAT(ask("hello there\r\n\r\n"), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(ask(std::string("\x16\x03\x01\x00\xa5\x01\r\n\r\n", 10)), StartsWith("HTTP/1.1 400 "));
}

TEST_F(HealthServerTest, ClosesAConnectionThatIsTooSlow) {
  HealthServer::Options options;
  options.timeout = 100ms;
  start(options);
  tcp::socket silent = connect();
  tcp::socket slow = connect();
  send(slow, "GET /healthz HT");
  EXPECT_EQ(receive(silent), "");
  EXPECT_EQ(receive(slow), "");
}

TEST_F(HealthServerTest, LetsTheOldestConnectionGiveWay) {
  HealthServer::Options options;
  options.connections_max = 3;
  options.timeout = 60s;
  start(options);
  std::vector<tcp::socket> idle;
  for (int i = 0; i < 3; ++i) idle.push_back(connect());
  EXPECT_THAT(ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(receive(idle[0]), "");
  send(idle[2], "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(receive(idle[2]), StartsWith("HTTP/1.1 503 "));
}

TEST_F(HealthServerTest, EndsAtOnceWithConnectionsOpen) {
  start();
  tcp::socket idle = connect();
  EXPECT_THAT(ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 503 "));  // it runs
  const auto begun = std::chrono::steady_clock::now();
  stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
  EXPECT_TRUE(serving_->cancelled());
  EXPECT_EQ(receive(idle), "");
}

TEST_F(HealthServerTest, SaysThatThePortIsInUse) {
  start();
  HealthServer::Options options;
  options.port = server_->port();
  const auto second = HealthServer::open(io_.get_executor(), options, pages_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().text(),
            "port in use: cannot serve health and metrics at 127.0.0.1:" + std::to_string(options.port) +
                "\nhint: set http.listen to another address, or off");
  EXPECT_EQ(second.error().reason(), "port_in_use");
  EXPECT_THAT(ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 503 "));
}

TEST_F(HealthServerTest, TakesNumericAddressesOnly) {
  HealthServer::Options options;
  options.address = "health.example";
  const auto server = HealthServer::open(io_.get_executor(), options, pages_);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().text(),
            "http.listen: 'health.example' is no numeric address\n"
            "hint: give an address and a port, as in 127.0.0.1:9848");
  EXPECT_EQ(server.error().kind(), ErrorKind::usage);
}

}  // namespace
}  // namespace bundlesync::report
