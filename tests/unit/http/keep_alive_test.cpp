#include "unit/http/http_bench.hpp"

#include <algorithm>
#include <vector>

namespace bundlesync::storage::http {
namespace {

class KeepAlive : public HttpBench {
 protected:
  Result<Response> get(Client& client, std::string method = "GET") {
    return run(client.send(Request(std::move(method), "/a")));
  }
  /// Lets the loop and the server's threads do what is due.
  void settle(std::chrono::milliseconds time = 100ms) {
    run_until([] { return false; }, time);
  }
};

TEST_F(KeepAlive, OneConnectionServesOneAfterTheOther) {
  LiarServer server(tests::always(answer_of("hello")));
  Client client(io.get_executor(), origin_of(server), options);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(told(get(client)), "status 200");
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(server.requests().size(), 20u);
}

TEST_F(KeepAlive, ErrorsAndEmptyAnswersKeepItToo) {
  LiarServer server([](LiarPeer& peer) {
    for (const auto& answer :
         {answer_of("{}", 400), answer_of("", 304), std::string("HTTP/1.1 204 None\r\n\r\n"),
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")}) {
      if (peer.read_request().empty() || !peer.send(answer)) return;
    }
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
    peer.read_request();
    peer.send(answer_of("end"));
    peer.wait_closed(20s);
  });
  Client client(io.get_executor(), origin_of(server), options);
  EXPECT_EQ(told(get(client)), "status 400");
  EXPECT_EQ(told(get(client)), "status 304");
  EXPECT_EQ(told(get(client)), "status 204");
  EXPECT_EQ(told(get(client)), "status 200");
  EXPECT_EQ(told(get(client, "HEAD")), "status 200");
  EXPECT_EQ(get(client).value().body, "end");
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(KeepAlive, ConnectionIsNotKeptWhenTheServerSaysSo) {
  LiarServer server(tests::always(answer_of("hello", 200, "Connection: close\r\n")));
  Client client(io.get_executor(), origin_of(server), options);
  EXPECT_EQ(told(get(client)), "status 200");
  EXPECT_EQ(told(get(client)), "status 200");
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(KeepAlive, ConnectionIsNotKeptAfterMoreThanTheAnswer) {
  LiarServer server(tests::always(answer_of("hello") + answer_of("poison")));
  Client client(io.get_executor(), origin_of(server), options);
  EXPECT_EQ(get(client).value().body, "hello");
  EXPECT_EQ(get(client).value().body, "hello");
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(KeepAlive, ConnectionIsNotUsedAfterSomethingUnaskedCame) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send(answer_of("hello"));
    peer.pause(50ms);
    peer.send(answer_of("poison"));
    peer.wait_closed(20s);
  });
  Client client(io.get_executor(), origin_of(server), options);
  EXPECT_EQ(get(client).value().body, "hello");
  settle(200ms);
  EXPECT_EQ(get(client).value().body, "hello");
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(KeepAlive, ConnectionThatTheServerClosedIsNotUsed) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send(answer_of("hello"));
  });
  Client client(io.get_executor(), origin_of(server), options);
  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(get(client, "POST").value().body, "hello");  // which would not be repeated
    EXPECT_TRUE(server.wait_idle());
    EXPECT_EQ(server.requests().size(), i);
  }
}

/// Closes a kept connection in the moment when the second request comes.
LiarServer::Script closes_at_the_second() {
  return [](LiarPeer& peer) {
    if (peer.read_request().empty()) return;
    peer.send(answer_of(std::to_string(peer.number())));
    peer.read_request();
  };
}

TEST_F(KeepAlive, RequestOnAConnectionClosedJustThenIsSentOnceMore) {
  for (const auto* method : {"GET", "DELETE"}) {
    LiarServer server(closes_at_the_second());
    Client client(io.get_executor(), origin_of(server), options);
    EXPECT_EQ(get(client, method).value().body, "0");
    EXPECT_EQ(get(client, method).value().body, "1") << method;
    EXPECT_EQ(server.connections(), 2u);
    EXPECT_EQ(server.requests().size(), 3u);
  }
}

TEST_F(KeepAlive, RequestThatIsNotSafeIsNotSentOnceMore) {
  LiarServer server(closes_at_the_second());
  Client client(io.get_executor(), origin_of(server), options);
  EXPECT_EQ(get(client, "POST").value().body, "0");
  EXPECT_EQ(told(get(client, "POST")),
            fmt::format("unavailable/connection_reset: http://127.0.0.1:{} closed the connection without an answer\n"
                        "hint: is the server, or a proxy before it, overloaded or restarting?",
                        server.port()));
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(KeepAlive, RequestIsNotSentOnceMoreWhenItsAnswerHadBegun) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send(answer_of("hello"));
    if (!peer.read_request().empty()) peer.send("H");
  });
  Client client(io.get_executor(), origin_of(server), options);
  EXPECT_EQ(get(client).value().body, "hello");
  const auto second = get(client);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason(), "truncated");
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(KeepAlive, RequestIsSentOnceMoreAndNotTwice) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    if (peer.number() > 0) return;  // the second connection gives no answer either
    peer.send(answer_of("hello"));
    peer.read_request();
  });
  Client client(io.get_executor(), origin_of(server), options);
  EXPECT_EQ(get(client).value().body, "hello");
  const auto second = get(client);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason(), "connection_reset");
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(KeepAlive, NoMoreAreKeptThanAllowed) {
  constexpr std::size_t count = 6;
  options.idle_max = 2;
  std::atomic<std::size_t> waiting = 0;
  LiarServer server([&](LiarPeer& peer) {
    if (peer.read_request().empty()) return;
    ++waiting;
    while (waiting < count && peer.pause(1ms)) {
    }
    peer.send(answer_of("x"));
    peer.read_request();
  });
  Client client(io.get_executor(), origin_of(server), options);
  std::vector<fakes::Spawned<Result<Response>>> tasks;
  for (std::size_t i = 0; i < count; ++i) tasks.emplace_back(io, client.send(Request("GET", "/a")));
  ASSERT_TRUE(run_until([&] { return std::ranges::all_of(tasks, [](const auto& task) { return task.ended(); }); }));
  EXPECT_EQ(server.connections(), count);
  EXPECT_TRUE(run_until([&] { return server.open_connections() == 2; }, 5s));
  settle();
  EXPECT_EQ(server.open_connections(), 2u);
}

TEST_F(KeepAlive, IdleConnectionIsClosedWhenItsTimeIsUp) {
  options.idle_time = 300ms;
  LiarServer server(tests::always(answer_of("hello")));
  Client client(io.get_executor(), origin_of(server), options);
  EXPECT_EQ(told(get(client)), "status 200");
  EXPECT_EQ(server.open_connections(), 1u);
  EXPECT_TRUE(run_until([&] { return server.open_connections() == 0; }, 5s));  // though nobody asks
  EXPECT_EQ(told(get(client)), "status 200");
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(KeepAlive, NothingStaysOpenWhenTheClientGoes) {
  LiarServer server(tests::always(answer_of("hello")));
  {
    Client client(io.get_executor(), origin_of(server), options);
    EXPECT_EQ(told(get(client)), "status 200");
    EXPECT_EQ(server.open_connections(), 1u);
  }
  EXPECT_TRUE(server.wait_idle());
  EXPECT_TRUE(run_until([&] { return io.poll() == 0; }, 1s));
}

}  // namespace
}  // namespace bundlesync::storage::http
