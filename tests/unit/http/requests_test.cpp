#include "unit/http/http_bench.hpp"

#include <algorithm>
#include <memory>
#include <netdb.h>
#include <vector>

namespace bundlesync::storage::http {
namespace {

using Requests = HttpBench;

TEST_F(Requests, SendsTheRequestAndGivesStatusHeadersAndBody) {
  LiarServer server(tests::always(answer_of("hello", 200, "ETag: \"x\"\r\nX-Twice: 1\r\nX-Twice: 2\r\n")));
  options.version = "9.9";
  Request request("POST", "/o/list?x=1");
  request.headers.emplace_back("Authorization", "Bearer j.w.t");
  request.body = "{\"a\":1}";
  const auto answer = send(origin_of(server), request);
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hello");
  EXPECT_EQ(answer->streamed, 0u);
  EXPECT_EQ(answer->header("etag"), "\"x\"");
  EXPECT_EQ(answer->header("X-TWICE"), "1");
  EXPECT_EQ(answer->header("absent"), "");
  EXPECT_EQ(answer->headers.size(), 4u);
  EXPECT_EQ(
      server.requests().at(0),
      fmt::format("POST /o/list?x=1 HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUser-Agent: bundlesync/9.9\r\n"
                  "Accept-Encoding: identity\r\nContent-Length: 7\r\nAuthorization: Bearer j.w.t\r\n\r\n{{\"a\":1}}",
                  server.port()));
}

TEST_F(Requests, StreamsABodyInOrderAndCountsIt) {
  std::string body;
  while (body.size() < 1'000'000) body += fmt::format("{} ", body.size());
  LiarServer server(tests::always(answer_of(body)));
  const auto answer = stream(origin_of(server), body.size());
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(answer->streamed, body.size());
  EXPECT_EQ(answer->body, "");
  EXPECT_TRUE(sink.bytes() == body);
}

TEST_F(Requests, SendsABodyOfManyPiecesWhole) {
  std::string body(3'000'000, 'b');
  for (std::size_t at = 0; at < body.size(); at += 1000) body[at] = static_cast<char>('a' + at / 1000 % 26);
  LiarServer server(tests::always(answer_of("{}")));
  Request request("POST", "/o");
  request.body = body;
  EXPECT_EQ(told(send(origin_of(server), request)), "status 200");
  const auto got = server.requests().at(0);
  EXPECT_TRUE(got.ends_with("\r\n\r\n" + body));
  EXPECT_NE(got.find("\r\nContent-Length: 3000000\r\n"), std::string::npos);
  EXPECT_EQ(got.find("Transfer-Encoding"), std::string::npos);
}

TEST_F(Requests, GivesTheBodyOfAnErrorInTheResponseAndNotToTheSink) {
  LiarServer server(tests::always(answer_of("{\"code\":\"NoSuchKey\"}", 400)));
  const auto answer = stream(origin_of(server), 5);
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(answer->body, "{\"code\":\"NoSuchKey\"}");
  EXPECT_EQ(sink.bytes(), "");
}

TEST_F(Requests, TakesStatus544AsAnAnswerLikeAnyOther) {
  LiarServer server(tests::always("HTTP/1.1 544 \r\nContent-Length: 2\r\n\r\n{}"));
  const auto answer = send(origin_of(server));
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(answer->status, 544);
  EXPECT_EQ(answer->body, "{}");
}

TEST_F(Requests, TakesNotModifiedForAnAnswerAndNoRedirect) {
  LiarServer server(tests::always("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 500\r\n\r\n"));
  const auto answer = stream(origin_of(server), 100);
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(answer->status, 304);
  EXPECT_EQ(answer->header("ETag"), "\"x\"");
}

TEST_F(Requests, AnswersToHeadHaveALengthAndNoBody) {
  LiarServer server(tests::always("HTTP/1.1 200 OK\r\nContent-Length: 123456789\r\n\r\n"));
  const auto answer = send(origin_of(server), Request("HEAD", "/a"), 0);
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(answer->header("Content-Length"), "123456789");
  EXPECT_EQ(answer->body, "");
}

TEST_F(Requests, TakesChunksOfASmallBody) {
  LiarServer server(
      tests::always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n"));
  const auto answer = send(origin_of(server));
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(answer->body, "hello world");
}

TEST_F(Requests, StreamsChunksUpToTheLimit) {
  LiarServer server(
      tests::always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"));
  const auto answer = stream(origin_of(server), 11);
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(sink.bytes(), "hello world");
}

TEST_F(Requests, TakesABodyThatEndsWithTheConnection) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.0 200 OK\r\n\r\nhello");
  });
  const auto answer = stream(origin_of(server), 5);
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(sink.bytes(), "hello");
}

TEST_F(Requests, WaitsForTheAnswerBehindAnnouncements) {
  LiarServer server(
      tests::always("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + answer_of("yes")));
  const auto answer = send(origin_of(server));
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "yes");
  EXPECT_EQ(answer->header("Link"), "");
}

TEST_F(Requests, TakesAPartThatWasAskedFor) {
  LiarServer server(tests::always(answer_of("ell", 206, "Content-Range: bytes 1-3/5\r\n")));
  Request request("GET", "/a");
  request.headers.emplace_back("range", "bytes=1-3");
  const auto answer = send(origin_of(server), request);
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(answer->body, "ell");
}

TEST_F(Requests, GivesWhatWasSaidBeforeABodyWasReadWhole) {
  LiarServer server([](LiarPeer& peer) {
    // The header alone, then an answer: as a server does that refuses a body by its length.
    peer.send(answer_of("{\"code\":\"EntityTooLarge\"}", 413, "Connection: close\r\n"));
    peer.close();
  });
  Request request("POST", "/o");
  request.body.assign(100'000, 'x');
  const auto answer = send(origin_of(server), request);
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(answer->body, "{\"code\":\"EntityTooLarge\"}");
}

TEST_F(Requests, SendsNothingOfARequestThatWouldBreakItsLines) {
  LiarServer server(tests::always(answer_of("")));
  Request request("GET", "/a");
  request.headers.emplace_back("apikey", "secret\r\nX: y");
  const auto answer = send(origin_of(server), request);
  EXPECT_EQ(told(answer),
            "usage/bad_request: the header apikey of a request holds a control byte\n"
            "hint: is there a line break in a key or token?");
  EXPECT_EQ(server.connections(), 0u);
}

/// Fails at the second piece.
class FullSink final : public ByteSink {
 public:
  Task<Result<void>> write(std::string_view) override {
    if (++pieces == 2) co_return fail(ErrorKind::no_space, "the disk is full");
    co_return Result<void>();
  }
  int pieces = 0;
};

TEST_F(Requests, StopWithTheErrorOfTheSink) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n");
    peer.send_for_ever(std::string(1000, 'x'));
  });
  FullSink full;
  Client client(io.get_executor(), origin_of(server), options);
  const auto answer = run(client.stream(Request("GET", "/a"), 900'000, full));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind(), ErrorKind::no_space);
  EXPECT_EQ(answer.error().text(), "the disk is full");
  EXPECT_EQ(full.pieces, 2);
  EXPECT_TRUE(server.wait_idle());
}

TEST_F(Requests, SayThatAConnectionWasRefused) {
  Origin origin;
  {
    LiarServer gone(tests::always(""));
    origin = origin_of(gone);
  }
  EXPECT_EQ(told(send(origin)),
            fmt::format("unavailable/connect_failed: unable to connect to http://127.0.0.1:{}: Connection refused\n"
                        "hint: is the server up, and are host and port in storage.url right?",
                        origin.port));
}

TEST_F(Requests, SayThatAHostIsUnknown) {
  addrinfo* found = nullptr;
  const int known = ::getaddrinfo("nobody.invalid", "80", nullptr, &found);
  if (known == 0) ::freeaddrinfo(found);
  ASSERT_NE(known, 0) << "this name server knows what must not exist";
  const auto* why =
      known == EAI_AGAIN ? "Host not found (non-authoritative), try again later" : "Host not found (authoritative)";
  Origin origin;
  origin.tls = false;
  origin.host = "nobody.invalid";
  origin.port = 80;
  EXPECT_EQ(
      told(send(origin)),
      fmt::format("unavailable/dns_failed: unable to look up the host 'nobody.invalid' of http://nobody.invalid: {}\n"
                  "hint: is the host in storage.url right, and does this machine's name server answer?",
                  why));
}

TEST_F(Requests, FindAHostByItsName) {
  LiarServer server(tests::always(answer_of("hello")));
  const auto answer = send(origin_of(server, false, "localhost"));
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(answer->body, "hello");
}

TEST_F(Requests, RunSideBySideOnConnectionsOfTheirOwn) {
  constexpr std::size_t count = 64;
  std::atomic<std::size_t> waiting = 0;
  // No answer before all have asked: one after the other would hang.
  LiarServer server([&](LiarPeer& peer) {
    const auto request = peer.read_request();
    if (request.empty()) return;
    ++waiting;
    while (waiting < count && peer.pause(1ms)) {
    }
    peer.send(answer_of(request.substr(0, request.find(" HTTP"))));
  });
  Client client(io.get_executor(), origin_of(server, false, "localhost"), options);
  std::vector<fakes::Spawned<Result<Response>>> tasks;
  for (std::size_t i = 0; i < count; ++i) tasks.emplace_back(io, client.send(Request("GET", fmt::format("/{}", i))));
  ASSERT_TRUE(run_until([&] { return std::ranges::all_of(tasks, [](const auto& task) { return task.ended(); }); }));
  for (std::size_t i = 0; i < count; ++i) {
    const auto answer = tasks[i].take();
    ASSERT_TRUE(answer) << told(answer);
    EXPECT_EQ(answer->body, fmt::format("GET /{}", i));
  }
  EXPECT_EQ(server.connections(), count);
}

}  // namespace
}  // namespace bundlesync::storage::http
