#include "cli/probe.hpp"

#include "cli/cli.hpp"
#include "fakes/spawned.hpp"
#include "report/health_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <sstream>
#include <thread>

namespace bundlesync::cli {
namespace {

using namespace std::chrono_literals;
using tcp = asio::ip::tcp;

class TwoPages final : public report::Pages {
 public:
  std::optional<report::Page> page(std::string_view path) override {
    if (path == "/healthz") return report::Page{200, "text/plain", "ok\n"};
    if (path == "/readyz") return report::Page{503, "text/plain", "starting\n"};
    return std::nullopt;
  }
};

/// The agent's own server, and the command that asks it.
class ProbeTest : public testing::Test {
 protected:
  void SetUp() override {
    report::HealthServer::Options options;
    options.port = 0;
    auto opened = report::HealthServer::open(io_.get_executor(), options, pages_);
    ASSERT_TRUE(opened) << opened.error().text();
    server_ = std::move(*opened);
    serving_.emplace(io_, server_->serve());
    loop_ = std::thread([this] { io_.run(); });
  }
  void TearDown() override {
    if (!loop_.joinable()) return;
    asio::post(io_, [this] { serving_->cancel(); });
    loop_.join();
  }
  settings::ListenAddress here(std::string host) const {
    settings::ListenAddress address;
    address.host = std::move(host);
    address.port = server_->port();
    return address;
  }
  int run(const std::vector<std::string>& arguments) {
    out_.str("");
    err_.str("");
    const Streams streams{out_, err_, false, false};
    return cli::run(arguments, streams, {{"BUNDLESYNC_HTTP_LISTEN", "127.0.0.1:" + std::to_string(server_->port())}});
  }

  asio::io_context io_;
  TwoPages pages_;
  std::unique_ptr<report::HealthServer> server_;
  std::optional<fakes::Spawned<Result<void>>> serving_;
  std::thread loop_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(ProbeTest, AsksTheAgentWhereverItListens) {
  for (const std::string host : {"127.0.0.1", "0.0.0.0", "localhost"}) {
    const auto answer = probe(here(host), "/readyz", 2s);
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(answer->status, 503U);
    EXPECT_EQ(answer->body, "starting\n");
  }
}

TEST_F(ProbeTest, EndsWithZeroOrOne) {
  EXPECT_EQ(run({"health"}), 0);
  EXPECT_EQ(out_.str(), "ok\n");
  EXPECT_EQ(run({"health", "--ready"}), 1);
  EXPECT_EQ(out_.str(), "starting\n");
  EXPECT_EQ(err_.str(), "");
  EXPECT_EQ(run({"health", "--ready", "--json"}), 1);
  EXPECT_EQ(out_.str(),
            "{\n  \"schema_version\": 1,\n  \"asked\": \"readyz\",\n  \"good\": false,\n  \"status\": 503,\n"
            "  \"text\": \"starting\"\n}\n");
}

TEST_F(ProbeTest, GivesUpOnAPeerThatDoesNotAnswer) {
  asio::io_context io;
  tcp::acceptor silent(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  settings::ListenAddress address;
  address.host = "127.0.0.1";
  address.port = silent.local_endpoint().port();
  const auto begun = std::chrono::steady_clock::now();
  const auto answer = probe(address, "/healthz", 100ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind(), ErrorKind::timed_out);
  EXPECT_EQ(answer.error().text(), "no answer in time from 127.0.0.1:" + std::to_string(address.port));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(ProbeTest, SaysWhatToLookAtWhenNobodyListens) {
  settings::ListenAddress address = here("127.0.0.1");
  TearDown();
  server_.reset();
  const auto answer = probe(address, "/healthz", 2s);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().text(), "cannot ask 127.0.0.1:" + std::to_string(address.port) +
                                       ": Connection refused\n"
                                       "hint: is the agent running, and is http.listen the same here and there?");
}

}  // namespace
}  // namespace bundlesync::cli
