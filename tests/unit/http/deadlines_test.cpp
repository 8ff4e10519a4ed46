#include "async/steady_clock.hpp"
#include "unit/http/http_bench.hpp"

#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bundlesync::storage::http {
namespace {

/// Deadlines: each is kept within 2 s and names its phase.
class DeadlinesTest : public HttpBench {
 protected:
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  void expect_took(std::chrono::milliseconds limit) const {
    const auto took = std::chrono::steady_clock::now() - begun;
    EXPECT_GE(took, limit - 1ms);
    EXPECT_LT(took, limit + 2s);
  }
  static std::string at(const LiarServer& server) { return fmt::format("http://127.0.0.1:{}", server.port()); }
  static LiarServer::Script silent() {
    return [](LiarPeer& peer) { peer.wait_closed(20s); };
  }
  static constexpr const char* kSlow = "\nhint: is the server or the network between overloaded?";
};

/// A listener whose backlog is full: the kernel drops what would connect.
class FullListener {
 public:
  FullListener() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, any, size), 0);
    EXPECT_EQ(::listen(listener_, 0), 0);
    ::getsockname(listener_, any, &size);
    port = ntohs(address.sin_port);
    for (int& filler : fillers_) {
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      ::connect(filler, any, size);
    }
  }
  ~FullListener() {
    for (const int filler : fillers_) ::close(filler);
    ::close(listener_);
  }
  FullListener(const FullListener&) = delete;
  FullListener& operator=(const FullListener&) = delete;
  std::uint16_t port = 0;

 private:
  int listener_;
  int fillers_[4] = {};
};

TEST_F(DeadlinesTest, ConnectingEndsAndIsNamed) {
  const FullListener full;
  Origin origin;
  origin.tls = false;
  origin.host = "127.0.0.1";
  origin.port = full.port;
  options.deadlines.connect = 300ms;
  EXPECT_EQ(told(send(origin)),
            fmt::format("timed_out/connect_timeout: connecting to http://127.0.0.1:{} did not end within 300ms\n"
                        "hint: does a firewall drop packets on the way? are host and port in storage.url right?",
                        full.port));
  expect_took(300ms);
}

TEST_F(DeadlinesTest, TlsHandshakeEndsAndIsNamed) {
  LiarServer server(silent());
  options.deadlines.connect = 300ms;
  EXPECT_EQ(
      told(send(origin_of(server, true))),
      fmt::format("timed_out/connect_timeout: https://127.0.0.1:{} took the connection, but the TLS handshake did "
                  "not end within 300ms\nhint: does that port speak TLS, and is the server overloaded?",
                  server.port()));
  expect_took(300ms);
}

TEST_F(DeadlinesTest, WaitingForAnAnswerEndsAndIsNamed) {
  LiarServer server(silent());
  options.deadlines.first_byte = 300ms;
  EXPECT_EQ(told(send(origin_of(server))),
            "timed_out/first_byte_timeout: " + at(server) + " sent no answer within 300ms" + kSlow);
  expect_took(300ms);
}

TEST_F(DeadlinesTest, HeaderThatDripsEndsAndIsNamed) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n");
    while (peer.pause(50ms) && peer.send("X: y\r\n")) {
    }
  });
  options.deadlines.first_byte = 500ms;
  EXPECT_EQ(told(send(origin_of(server))), "timed_out/first_byte_timeout: " + at(server) +
                                               " sent only a part of an answer's header within 500ms" + kSlow);
  expect_took(500ms);
}

TEST_F(DeadlinesTest, AnnouncementsDoNotProlongTheWait) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    while (peer.send("HTTP/1.1 102 Processing\r\n\r\n") && peer.pause(200ms)) {
    }
  });
  options.deadlines.first_byte = 500ms;
  EXPECT_EQ(told(send(origin_of(server))), "timed_out/first_byte_timeout: " + at(server) +
                                               " sent only a part of an answer's header within 500ms" + kSlow);
  expect_took(500ms);
}

TEST_F(DeadlinesTest, BodyOfAByteASecondEndsAndIsNamed) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    while (peer.send("x") && peer.pause(1s)) {
    }
  });
  options.deadlines.low_speed = 1500ms;
  EXPECT_EQ(told(stream(origin_of(server), 100)),
            "timed_out/low_speed_timeout: " + at(server) + " sent less than 1KiB of the answer in 1500ms" + kSlow);
  expect_took(1500ms);
  EXPECT_GE(sink.bytes().size(), 1u);
  EXPECT_LE(sink.bytes().size(), 4u);
}

TEST_F(DeadlinesTest, BodyThatKeepsThePaceTakesAsLongAsItTakes) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 20480\r\n\r\n");
    for (int i = 0; i < 20 && peer.send(std::string(1024, 'x')); ++i) peer.pause(100ms);
  });
  options.deadlines.low_speed = 1000ms;
  options.deadlines.first_byte = 1000ms;
  EXPECT_EQ(told(stream(origin_of(server), 20480)), "status 200");
  EXPECT_EQ(sink.bytes().size(), 20480u);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 1900ms);
}

TEST_F(DeadlinesTest, WholeEndsWhatIsFastEnoughAndEndless) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    while (peer.send(std::string(2000, 'x')) && peer.pause(20ms)) {
    }
  });
  options.deadlines.whole = 700ms;
  EXPECT_EQ(told(stream(origin_of(server), 1'000'000'000)),
            "timed_out/whole_timeout: the request to " + at(server) + " did not end within 700ms" + kSlow);
  expect_took(700ms);
}

TEST_F(DeadlinesTest, WholeEndsWhatIsAlwaysReady) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
    peer.send_for_ever(std::string(65536, 'x'));
  });
  DigestSink digest;
  options.deadlines.whole = 700ms;
  Client client(io.get_executor(), origin_of(server), options);
  EXPECT_EQ(told(run(client.stream(Request("GET", "/a"), 1'000'000'000'000, digest))),
            "timed_out/whole_timeout: the request to " + at(server) + " did not end within 700ms" + kSlow);
  expect_took(700ms);
}

TEST_F(DeadlinesTest, BodyThatNobodyTakesEndsAndIsNamed) {
  LiarServer server([](LiarPeer& peer) {
    while (peer.pause(1s)) {
    }
  });
  options.deadlines.low_speed = 500ms;
  Request request("POST", "/o");
  request.body.assign(16 << 20, 'x');
  EXPECT_EQ(told(send(origin_of(server), request)),
            "timed_out/send_timeout: " + at(server) + " took less than 1KiB of the request in 500ms" + kSlow);
}

/// Takes its time for every piece.
class SlowSink final : public ByteSink {
 public:
  SlowSink(asio::io_context& io, async::Duration time) : clock_(io.get_executor()), time_(time) {}
  Task<Result<void>> write(std::string_view bytes) override {
    size += bytes.size();
    co_await clock_.sleep_until(clock_.now() + time_);
    co_return Result<void>();
  }
  std::size_t size = 0;

 private:
  async::SteadyClock clock_;
  async::Duration time_;
};

TEST_F(DeadlinesTest, TimeOfTheSinkIsNotTheServersFault) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n0123456789");
    peer.pause(100ms);
    peer.send("0123456789");
    peer.pause(100ms);
    peer.send("0123456789");
  });
  options.deadlines.low_speed = 1000ms;
  SlowSink slow(io, 700ms);
  Client client(io.get_executor(), origin_of(server), options);
  EXPECT_EQ(told(run(client.stream(Request("GET", "/a"), 30, slow))), "status 200");
  EXPECT_EQ(slow.size, 30u);
}

TEST_F(DeadlinesTest, OthersAreServedWhileOneHangs) {
  LiarServer hanging(silent());
  LiarServer good(tests::always(answer_of("here")));
  Client first(io.get_executor(), origin_of(hanging), options);
  Client second(io.get_executor(), origin_of(good), options);
  fakes::Spawned hangs(io, first.stream(Request("GET", "/a"), 100, sink));
  ASSERT_TRUE(run_until([&] { return hanging.connections() == 1; }));
  EXPECT_EQ(told(run(second.send(Request("GET", "/b")))), "status 200");
  EXPECT_FALSE(hangs.ended());
  hangs.cancel();
  EXPECT_TRUE(run_until([&] { return hangs.ended(); }, 1s));
}

/// Cancels a request that hangs in each of its phases; it must end at once, and the connection with it.
class Cancelling : public DeadlinesTest {
 protected:
  template <class When>
  void expect_ends_at_once(LiarServer& server, Request request, When when, bool tls = false) {
    Client client(io.get_executor(), origin_of(server, tls), options);
    fakes::Spawned task(io, client.stream(std::move(request), 1'000'000, sink));
    ASSERT_TRUE(run_until(when));
    run_until([] { return false; }, 50ms);  // let it come to its wait
    ASSERT_FALSE(task.ended());
    begun = std::chrono::steady_clock::now();
    task.cancel();
    ASSERT_TRUE(run_until([&] { return task.ended(); }, 2s));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 500ms);
    EXPECT_TRUE(task.cancelled());
    EXPECT_TRUE(server.wait_idle());
  }
};

TEST_F(Cancelling, EndsTheTlsHandshake) {
  LiarServer server(silent());
  expect_ends_at_once(server, Request("GET", "/a"), [&] { return server.connections() == 1; }, true);
}

TEST_F(Cancelling, EndsTheWaitForAnAnswer) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.wait_closed(20s);
  });
  expect_ends_at_once(server, Request("GET", "/a"), [&] { return server.requests().size() == 1; });
}

TEST_F(Cancelling, EndsABody) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n01234");
    peer.wait_closed(20s);
  });
  expect_ends_at_once(server, Request("GET", "/a"), [&] { return sink.bytes() == "01234"; });
}

TEST_F(Cancelling, EndsASendingThatNobodyTakes) {
  std::atomic<bool> over = false;
  LiarServer server([&](LiarPeer& peer) {
    while (!over && peer.pause(10ms)) {
    }
  });
  Request request("POST", "/o");
  request.body.assign(16 << 20, 'x');
  Client client(io.get_executor(), origin_of(server), options);
  fakes::Spawned task(io, client.send(std::move(request)));
  ASSERT_TRUE(run_until([&] { return server.connections() == 1; }));
  run_until([] { return false; }, 200ms);
  ASSERT_FALSE(task.ended());
  task.cancel();
  ASSERT_TRUE(run_until([&] { return task.ended(); }, 1s));
  EXPECT_TRUE(task.cancelled());
  over = true;
}

TEST_F(Cancelling, EndsConnecting) {
  const FullListener full;
  Origin origin;
  origin.tls = false;
  origin.host = "127.0.0.1";
  origin.port = full.port;
  Client client(io.get_executor(), origin, options);
  fakes::Spawned task(io, client.send(Request("GET", "/a")));
  run_until([] { return false; }, 100ms);
  ASSERT_FALSE(task.ended());
  task.cancel();
  ASSERT_TRUE(run_until([&] { return task.ended(); }, 1s));
  EXPECT_TRUE(task.cancelled());
}

}  // namespace
}  // namespace bundlesync::storage::http
