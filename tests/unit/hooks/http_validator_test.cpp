#include "support/liar_server.hpp"
#include "unit/hooks/hooks_bench.hpp"

namespace bundlesync::hooks {
namespace {

using tests::answer_of;
using tests::LiarPeer;
using tests::LiarServer;

class HttpValidator : public HooksBench {
 protected:
  std::string ask_at(std::uint16_t port, std::chrono::milliseconds timeout = 5s) {
    auto made = http_validator(io.get_executor(), fmt::format("http://127.0.0.1:{}", port), "/validate?strict=1",
                               timeout, "9.9");
    if (!made) return made.error().fact();
    return ask(**made);
  }
  std::string ask_who_says(const std::string& answer) {
    LiarServer server(tests::always(answer));
    return ask_at(server.port());
  }
};

TEST_F(HttpValidator, PostsTemplateVersionAndPath) {
  LiarServer server(tests::always(answer_of("fine")));
  EXPECT_EQ(ask_at(server.port()), "accepted: fine");
  EXPECT_EQ(server.requests().at(0),
            fmt::format("POST /validate?strict=1 HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUser-Agent: bundlesync/9.9\r\n"
                        "Accept-Encoding: identity\r\nContent-Length: 106\r\nContent-Type: application/json\r\n\r\n"
                        R"({{"template":"section7","version":"1.1.0","path":)"
                        R"("/prompts/..bundlesync/trees/section7/1.1.0-0123456789ab"}})",
                        server.port()));
}

TEST_F(HttpValidator, EveryKindOfStatusIsWhatItShouldBe) {
  EXPECT_EQ(ask_who_says("HTTP/1.1 204 No Content\r\n\r\n"), "accepted: status 204");
  EXPECT_EQ(ask_who_says(answer_of("", 201)), "accepted: status 201");
  EXPECT_EQ(ask_who_says(answer_of("  no {{name}} in it\nmore\n", 422)), "vetoed: no {{name}} in it");
  EXPECT_EQ(ask_who_says(answer_of("", 400)), "vetoed: status 400");
  EXPECT_EQ(ask_who_says(answer_of("", 499)), "vetoed: status 499");
  for (const int status : {304, 500, 503, 599}) {
    LiarServer server(tests::always(answer_of("", status)));
    EXPECT_EQ(ask_at(server.port()),
              fmt::format("the validator at http://127.0.0.1:{} answered {}", server.port(), status));
  }
}

TEST_F(HttpValidator, ItsWordsAreOneShortLineOfText) {
  EXPECT_EQ(ask_who_says(answer_of("a\tb\x1b[31m\x80 é\r\nsecond", 422)), "vetoed: a?b?[31m? é");
  EXPECT_EQ(ask_who_says(answer_of(std::string(5000, 'x'), 422)), "vetoed: " + std::string(said_bytes_max, 'x'));
}

TEST_F(HttpValidator, ARedirectIsNoJudgementAndIsNotFollowed) {
  LiarServer elsewhere(tests::always(answer_of("fine")));
  const std::string answer =
      ask_who_says(answer_of("", 302, fmt::format("Location: http://127.0.0.1:{}/\r\n", elsewhere.port())));
  EXPECT_NE(answer.find("redirect"), std::string::npos) << answer;
  EXPECT_EQ(elsewhere.connections(), 0U);
}

TEST_F(HttpValidator, NobodyOrSilenceIsNoJudgement) {
  std::uint16_t port = 0;
  {
    LiarServer gone(tests::always(""));
    port = gone.port();
  }
  EXPECT_NE(ask_at(port).find("Connection refused"), std::string::npos);
  LiarServer silent([](LiarPeer& peer) {
    (void)peer.read_request();
    peer.wait_closed(10s);
  });
  const auto before = std::chrono::steady_clock::now();
  const std::string answer = ask_at(silent.port(), 300ms);
  EXPECT_NE(answer.find("300ms"), std::string::npos) << answer;
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
}

}  // namespace
}  // namespace bundlesync::hooks
