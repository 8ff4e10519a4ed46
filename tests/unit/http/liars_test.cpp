#include "unit/http/http_bench.hpp"

#include <algorithm>
#include <fstream>
#include <string>

namespace bundlesync::storage::http {
namespace {

constexpr std::uint64_t kBeyond = 64 << 10;

/// Every line of a bad day, and that no more is read than declared or allowed + 64 KiB. The kernel's buffers are small
/// on both sides, so what the server could send is what the client took.
class Liars : public HttpBench {
 protected:
  Liars() { options.receive_buffer_bytes = 4096; }

  static tests::LiarOptions narrow() {
    tests::LiarOptions small;
    small.send_buffer_bytes = 4096;
    return small;
  }
  /// Reads a request, says `first`, then `again` for as long as anybody listens.
  static LiarServer::Script endless(std::string first, std::string again) {
    return [first = std::move(first), again = std::move(again)](LiarPeer& peer) {
      if (peer.read_request().empty() || !peer.send(first)) return;
      peer.send_for_ever(again);
    };
  }
  /// Reads a request, says `all` and closes.
  static LiarServer::Script once(std::string all) {
    return [all = std::move(all)](LiarPeer& peer) {
      peer.read_request();
      peer.send(all);
    };
  }
  static std::string at(const LiarServer& server) { return fmt::format("http://127.0.0.1:{}", server.port()); }
};

TEST_F(Liars, HtmlInsteadOfTheFilePassesAsBytes) {
  const std::string page = "<!doctype html><title>Please sign in</title>";
  LiarServer server(tests::always(answer_of(page, 200, "Content-Type: text/html\r\n")));
  const auto answer = stream(origin_of(server), 1000);
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(sink.bytes(), page);
  EXPECT_EQ(answer->header("content-type"), "text/html");
}

TEST_F(Liars, TruncatedBodyIsSaidWithBothCounts) {
  LiarServer server(once("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789"));
  EXPECT_EQ(told(stream(origin_of(server), 100)),
            "unavailable/truncated: " + at(server) +
                " closed the connection after 10 of the 100 bytes it declared\n"
                "hint: is the server, or a proxy before it, overloaded or restarting?");
  EXPECT_EQ(sink.bytes(), "0123456789");
}

TEST_F(Liars, TruncatedChunksAreNoWholeBody) {
  LiarServer server(once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo"));
  EXPECT_EQ(told(stream(origin_of(server), 100)),
            "unavailable/truncated: " + at(server) +
                " closed the connection in its answer, after 7 bytes\n"
                "hint: is the server, or a proxy before it, overloaded or restarting?");
}

TEST_F(Liars, ExtendedBodyEndsWhereItWasDeclaredToEnd) {
  LiarServer server(endless("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", std::string(1000, '!')), narrow());
  const auto answer = stream(origin_of(server), 5);
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(sink.bytes(), "hello");
  EXPECT_TRUE(server.wait_idle());
  EXPECT_LE(server.bytes_sent(), 5 + kBeyond);
}

TEST_F(Liars, BodyDeclaredTooLargeIsRefusedByItsHeader) {
  LiarServer server(endless("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", std::string(1000, 'x')), narrow());
  EXPECT_EQ(told(stream(origin_of(server), 1000)), "refused/object_too_large: the object that " + at(server) +
                                                       " sends is larger than 1000 bytes\n"
                                                       "hint: was the object replaced after it was published?");
  EXPECT_EQ(sink.bytes(), "");
  EXPECT_TRUE(server.wait_idle());
  EXPECT_LE(server.bytes_sent(), kBeyond);
}

TEST_F(Liars, EndlessBodyStopsAtTheLimit) {
  LiarServer server(endless("HTTP/1.0 200 OK\r\n\r\n", std::string(1000, 'x')), narrow());
  EXPECT_EQ(told(stream(origin_of(server), 200'000)), "refused/object_too_large: the object that " + at(server) +
                                                          " sends is larger than 200000 bytes\n"
                                                          "hint: was the object replaced after it was published?");
  EXPECT_LE(sink.bytes().size(), 200'000u);
  EXPECT_TRUE(server.wait_idle());
  EXPECT_GT(server.bytes_sent(), 200'000u);
  EXPECT_LE(server.bytes_sent(), 200'000 + kBeyond);
}

TEST_F(Liars, ChunksForEverStopAtTheLimit) {
  LiarServer server(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "a\r\n0123456789\r\n"), narrow());
  EXPECT_EQ(told(stream(origin_of(server), 50'000)), "refused/object_too_large: the object that " + at(server) +
                                                         " sends is larger than 50000 bytes\n"
                                                         "hint: was the object replaced after it was published?");
  EXPECT_LE(sink.bytes().size(), 50'000u);
  EXPECT_TRUE(server.wait_idle());
  EXPECT_LE(server.bytes_sent(), 50'000 + kBeyond);
}

TEST_F(Liars, ChunksThatAreMostlyFramingStopAtTheLimitToo) {
  const std::string chunk = "1;" + std::string(2000, 'e') + "\r\nx\r\n";
  LiarServer server(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk), narrow());
  const auto answer = stream(origin_of(server), 10'000);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason(), "object_too_large");
  EXPECT_LT(sink.bytes().size(), 100u);
  EXPECT_TRUE(server.wait_idle());
  EXPECT_LE(server.bytes_sent(), 10'000 + kBeyond);
}

TEST_F(Liars, ChunkLineWithoutAnEndIsRefused) {
  LiarServer server(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", std::string(1000, 'e')),
                    narrow());
  EXPECT_EQ(told(stream(origin_of(server), 1'000'000)),
            "refused/not_http: the answer of " + at(server) +
                " is no valid HTTP: a line between its pieces is too long\n"
                "hint: does storage.url name the storage itself, not a proxy or a login page?");
  EXPECT_TRUE(server.wait_idle());
  EXPECT_LE(server.bytes_sent(), kBeyond);
}

TEST_F(Liars, UnaskedPartIsRefused) {
  LiarServer server(tests::always(answer_of("ell", 206, "Content-Range: bytes 1-3/5\r\n")));
  EXPECT_EQ(told(stream(origin_of(server), 100)),
            "refused/unasked_range: " + at(server) +
                " answered with a part (status 206) where the whole was asked for\n"
                "hint: does storage.url name the storage itself, not a proxy or a login page?");
  EXPECT_EQ(sink.bytes(), "");
}

TEST_F(Liars, CompressedObjectIsRefused) {
  LiarServer server(tests::always(answer_of("\x1f\x8b", 200, "Content-Encoding: gzip\r\n")));
  EXPECT_EQ(told(stream(origin_of(server), 100)),
            "refused/content_encoding: " + at(server) +
                " sent a compressed object where the plain bytes were asked for\n"
                "hint: let neither the storage nor a proxy compress it (Accept-Encoding was identity)");
  EXPECT_EQ(sink.bytes(), "");
}

TEST_F(Liars, ResetInTheMiddleIsSaidWithWhatCame) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
    peer.reset();
  });
  EXPECT_EQ(told(stream(origin_of(server), 100)),
            "unavailable/connection_reset: the connection to " + at(server) +
                " broke in the answer, after 10 bytes of its body: Connection reset by peer\n"
                "hint: is the server, or a proxy before it, overloaded or restarting?");
}

TEST_F(Liars, ResetBeforeAnAnswerIsSaid) {
  LiarServer server([](LiarPeer& peer) {
    peer.read_request();
    peer.reset();
  });
  EXPECT_EQ(told(stream(origin_of(server), 100)),
            "unavailable/connection_reset: the connection to " + at(server) +
                " broke before an answer: Connection reset by peer\n"
                "hint: is the server, or a proxy before it, overloaded or restarting?");
  EXPECT_EQ(server.connections(), 1u);  // a new connection's request is not sent again
}

TEST_F(Liars, CloseWithoutAnAnswerIsSaid) {
  LiarServer server(once(""));
  EXPECT_EQ(told(stream(origin_of(server), 100)),
            "unavailable/connection_reset: " + at(server) +
                " closed the connection without an answer\n"
                "hint: is the server, or a proxy before it, overloaded or restarting?");
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(Liars, CloseInTheHeaderIsSaid) {
  LiarServer server(once("HTTP/1.1 200 OK\r\nContent-"));
  EXPECT_EQ(told(stream(origin_of(server), 100)),
            "unavailable/truncated: " + at(server) +
                " closed the connection in the header of its answer\n"
                "hint: is the server, or a proxy before it, overloaded or restarting?");
}

TEST_F(Liars, HeadersOf20000BytesAreRefused) {
  LiarServer server(once("HTTP/1.1 200 OK\r\nX-Long: " + std::string(20'000, 'h') + "\r\nContent-Length: 2\r\n\r\n{}"),
                    narrow());
  EXPECT_EQ(told(stream(origin_of(server), 100)),
            "refused/header_too_large: " + at(server) +
                " answered with a header of more than 16KiB\n"
                "hint: does storage.url name the storage itself, not a proxy or a login page?");
}

TEST_F(Liars, HeadersForEverAreRefused) {
  LiarServer server(endless("HTTP/1.1 200 OK\r\n", "X-Again: and again\r\n"), narrow());
  const auto answer = stream(origin_of(server), 100);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason(), "header_too_large");
  EXPECT_TRUE(server.wait_idle());
  EXPECT_LE(server.bytes_sent(), kBeyond);
}

TEST_F(Liars, AnnouncementsForEverAreRefused) {
  LiarServer server(endless("", "HTTP/1.1 100 Continue\r\n\r\n"), narrow());
  EXPECT_EQ(told(stream(origin_of(server), 100)),
            "refused/not_http: the answer of " + at(server) +
                " is no valid HTTP: it announces an answer, and none comes\n"
                "hint: does storage.url name the storage itself, not a proxy or a login page?");
}

TEST_F(Liars, AnnouncementsThatAreLongAreRefusedTogether) {
  LiarServer server(endless("", "HTTP/1.1 103 Early Hints\r\nX: " + std::string(15'000, 'h') + "\r\n\r\n"), narrow());
  const auto answer = stream(origin_of(server), 100);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason(), "header_too_large");
  EXPECT_TRUE(server.wait_idle());
  EXPECT_LE(server.bytes_sent(), 100 + kBeyond);
}

TEST_F(Liars, ProtocolThatNobodyAskedForIsRefused) {
  LiarServer server(once("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"));
  const auto answer = stream(origin_of(server), 100);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason(), "not_http");
}

TEST_F(Liars, OtherProtocolIsRefusedByItsFirstBytes) {
  LiarServer server([](LiarPeer& peer) {
    peer.send("SSH-2.0-x\r\n");  // and waits for the client to go on
    peer.wait_closed(20s);
  });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(told(stream(origin_of(server), 100)),
            "refused/not_http: " + at(server) +
                " does not answer in HTTP/1\n"
                "hint: does the port in storage.url speak HTTP? if it speaks TLS, storage.url must say https");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(Liars, AnswerThatBreaksHttpIsRefused) {
  const auto refusal_of = [this](std::string answer) {
    LiarServer server(once(std::move(answer)));
    const auto result = stream(origin_of(server), 100);
    return result ? "status " + std::to_string(result->status) : result.error().reason();
  };
  EXPECT_EQ(refusal_of("HTTP/1.1 2xx OK\r\nContent-Length: 0\r\n\r\n"), "not_http");
  EXPECT_EQ(refusal_of("HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n"), "not_http");
  EXPECT_EQ(refusal_of("HTTP/1.1 2000 High\r\nContent-Length: 0\r\n\r\n"), "not_http");
  EXPECT_EQ(refusal_of("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "not_http");
  EXPECT_EQ(refusal_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "not_http");
  EXPECT_EQ(refusal_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "not_http");
  EXPECT_EQ(refusal_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), "not_http");
  EXPECT_EQ(refusal_of("HTTP/2 200\r\n\r\n"), "not_http");
}

TEST_F(Liars, RedirectIsNotFollowedAndItsTargetHearsNothing) {
  LiarServer other(tests::always(answer_of("secret wanted")));
  const auto location = fmt::format("Location: http://user:pass@127.0.0.1:{}/x?token=t\r\n", other.port());
  for (const int status : {301, 302, 303, 307, 308}) {
    LiarServer server(tests::always(answer_of("", status, location)));
    Request request("GET", "/a");
    request.headers.emplace_back("Authorization", "Bearer secret");
    EXPECT_EQ(
        told(stream(origin_of(server), 100, request)),
        fmt::format("refused/redirect: {} redirects to http://127.0.0.1:{} (status {}), and no redirect is followed\n"
                    "hint: name in storage.url the address that serves the files itself",
                    at(server), other.port(), status));
  }
  EXPECT_EQ(other.connections(), 0u);
}

TEST_F(Liars, AnswerOfTooMuchTextIsRefused) {
  LiarServer server(tests::always(answer_of(std::string(101, 'x'))));
  EXPECT_EQ(told(send(origin_of(server), Request("POST", "/list"), 100)),
            "refused/answer_too_large: the answer of " + at(server) +
                " is larger than 100 bytes\n"
                "hint: does storage.url name the storage itself, not a proxy or a login page?");
}

TEST_F(Liars, ErrorPageWithoutEndIsCutAndItsStatusCounts) {
  LiarServer server(endless("HTTP/1.1 502 Bad Gateway\r\n\r\n", std::string(1000, 'x')), narrow());
  const auto answer = stream(origin_of(server), 100);
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(answer->status, 502);
  EXPECT_EQ(answer->body, std::string(error_text_bytes_max, 'x'));
  EXPECT_EQ(sink.bytes(), "");
  EXPECT_TRUE(server.wait_idle());
  EXPECT_LE(server.bytes_sent(), 100 + kBeyond);
}

/// Resident memory of this process in KiB.
long resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  }
  return 0;
}

class MeasuringSink final : public ByteSink {
 public:
  Task<Result<void>> write(std::string_view bytes) override {
    largest = std::max(largest, bytes.size());
    size += bytes.size();
    if (first_kib == 0) first_kib = resident_kib();
    most_kib = std::max(most_kib, resident_kib());
    co_return Result<void>();
  }
  std::size_t largest = 0;
  std::uint64_t size = 0;
  long first_kib = 0;
  long most_kib = 0;
};

TEST_F(Liars, MemoryStaysFlatWhileMuchIsStreamed) {
  constexpr std::uint64_t size = 64 << 20;
  LiarServer server(
      endless(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", size), std::string(65536, 'x')));
  MeasuringSink measured;
  Client client(io.get_executor(), origin_of(server), Options());
  const auto answer = run(client.stream(Request("GET", "/a"), size, measured));
  ASSERT_TRUE(answer) << told(answer);
  EXPECT_EQ(measured.size, size);
  EXPECT_LE(measured.largest, piece_bytes_max);
#if !defined(__SANITIZE_ADDRESS__)  // which keeps what is freed
  EXPECT_LT(measured.most_kib - measured.first_kib, 4096);
#endif
}

}  // namespace
}  // namespace bundlesync::storage::http
