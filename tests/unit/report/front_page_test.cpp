#include "report/front_page.hpp"

#include "base/digest.hpp"
#include "bundle/ed25519.hpp"
#include "captured_log.hpp"
#include "datagrams.hpp"
#include "fakes/manual_clock.hpp"
#include "report/front_page_style.hpp"
#include "report/operator_reporter.hpp"
#include "reports.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

namespace bundlesync::report {
namespace {

using namespace std::chrono_literals;
using plan::State;
using testing::HasSubstr;
using testing::Not;

constexpr const char* hostile = "\"><script>alert(1)</script>&'\x1b[31m\xe2\x80\xae";
constexpr const char* hostile_as_html = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;\\x1b[31m\\u{202e}";

/// The page of an agent to which all of this happened.
class FrontPageTest : public testing::Test {
 protected:
  Page page() { return reporter_.page("/").value_or(Page{404, "", ""}); }
  std::string body() { return page().body; }
  /// What the page says first: the sentence, behind its colour.
  std::string summary() {
    static const std::regex sentence(R"re(<div class="sum ([a-z]+)">([^<]*)</div>)re");
    std::smatch found;
    const std::string text = body();
    return std::regex_search(text, found, sentence) ? found.str(1) + ": " + found.str(2) : "none";
  }
  void start(bool remote = true) {
    Started started;
    started.version = "1.2.3";
    started.target = "/prompts";
    started.mode = remote ? "auto" : "off";
    started.remote = remote;
    reporter_.started(started);
    if (remote) reporter_.contacted("database");
  }

  Datagrams manager_;
  asio::io_context io_;
  fakes::ManualClock clock_{io_};
  CapturedLog log_;
  OperatorReporter reporter_{clock_, log_.log(), ServiceManager(clock_, manager_.path(), 20s)};
};

TEST_F(FrontPageTest, ShowsVersionsWithWhatIsWantedAndWhy) {
  start();
  auto late = wants("intake", State::refused, "digest_mismatch", "path=a.md want=11 got=22");
  late.next_try = "when_the_row_changes";
  reporter_.settled(settled({shows("section7"), late}));
  clock_.advance(130s);
  const std::string text = body();
  for (const std::string expected :
       {R"(<th scope="row">section7</th><td data-of="shows"><span><code>1.0.0</code></span></td>)",
        R"(<td data-of="from"><span>remote</span></td>)", R"(<time datetime="2026-01-01T00:00:00.000Z" )",
        R"(<td data-of="wanted"><span><code>1.1.0</code></span></td>)", R"(<span class="state good">current</span>)",
        R"(<span class="state bad">refused</span><small>digest_mismatch</small>)", "path=a.md want=11 got=22",
        "out of date for <time ", ">2 min</time>", "next try when_the_row_changes", "<code>/prompts</code>"}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
}

TEST_F(FrontPageTest, SaysTheWorstFirst) {
  EXPECT_EQ(summary(), "bad: Starting");
  start();
  Settled unready = settled({wants("intake", State::absent, "no_version")});
  unready.ready = false;
  unready.missing = {"intake"};
  reporter_.settled(unready);
  EXPECT_EQ(summary(), "bad: Not ready: nothing to show for intake");
  reporter_.settled(settled({shows("section7"), shows("intake")}));
  EXPECT_EQ(summary(), "good: Everything that is wanted is shown");
  reporter_.lost("database", Error(ErrorKind::unavailable, "connection refused"), 0.4s);
  EXPECT_EQ(summary(), "warn: The database is away; what is shown stays");
  auto fallback = shows("intake");
  fallback.source = "filesystem";
  reporter_.settled(settled({shows("section7"), fallback}));
  EXPECT_EQ(summary(), "warn: 1 of 2 templates from local or fallback files");
  reporter_.settled(settled({wants("section7", State::retrying, "timed_out"), fallback}));
  EXPECT_EQ(summary(), "bad: 1 of 2 templates does not show what is wanted");
  reporter_.standby(Error(ErrorKind::conflict, "another agent holds the target"));
  EXPECT_EQ(summary(), "warn: Standby: another agent holds the target");
}

TEST_F(FrontPageTest, TellsTheAgeOfContactAndWhatIsBroken) {
  start();
  reporter_.settled(settled({shows("section7")}));
  EXPECT_THAT(body(), HasSubstr("not asked yet: nothing had to be fetched"));
  reporter_.contacted("storage");
  clock_.advance(3h);
  reporter_.lost("database", Error(ErrorKind::unavailable, "connection refused"), 0.4s);
  EXPECT_THAT(body(), HasSubstr(R"(<dt>database</dt><dd><span class="bad">not reachable</span>, answered <time )"));
  EXPECT_THAT(body(), HasSubstr(R"(<dt>storage</dt><dd><span class="good">reachable</span>, answered <time )"));
  EXPECT_THAT(body(), HasSubstr(">3 h ago</time>"));
  EXPECT_THAT(body(), HasSubstr(R"(Last error, <time )"));
  EXPECT_THAT(body(), HasSubstr(R"(<span class="mono">connection refused</span>)"));
}

TEST_F(FrontPageTest, SaysThatRemoteIsOff) {
  start(false);
  reporter_.settled(settled({shows("section7")}));
  EXPECT_EQ(summary(), "warn: Remote is off: neither database nor storage is followed");
  EXPECT_THAT(body(), HasSubstr("neither database nor storage is ever asked"));
}

TEST_F(FrontPageTest, EscapesWhateverAStrangerWrote) {
  Started started;
  started.version = hostile;
  started.target = hostile;
  started.mode = hostile;
  started.remote = true;
  reporter_.started(started);
  auto entry = wants(hostile, State::refused, hostile, hostile);
  entry.shown_version = hostile;
  entry.desired_version = hostile;
  entry.source = hostile;
  entry.since = hostile;
  entry.next_try = hostile;
  Settled all = settled({entry});
  all.problems = {hostile};
  all.epoch = hostile;
  reporter_.settled(all);
  reporter_.connected(hostile, hostile, hostile);
  reporter_.lost(hostile, Error(ErrorKind::unavailable, hostile), 0.4s);
  Credential credential;
  credential.role = hostile;
  reporter_.credential(credential);
  reporter_.warning(hostile);
  const std::string text = body();
  EXPECT_THAT(text, Not(HasSubstr("<script")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\xe2\x80\xae")));
  const auto times = [&text](std::string_view what) {
    int count = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
    return count;
  };
  EXPECT_GE(times(hostile_as_html), 15);
  // No tag and no attribute but our own: quotes and angle brackets are balanced as we wrote them.
  EXPECT_EQ(times("alert(1)"), times("&lt;script&gt;alert(1)&lt;/script&gt;"));
  reporter_.standby(Error(ErrorKind::conflict, hostile));
  EXPECT_THAT(body(), HasSubstr(hostile_as_html));
}

TEST_F(FrontPageTest, LoadsNothingAndForbidsWhatItDoesNotNeed) {
  const Page page = this->page();
  EXPECT_EQ(page.status, 200U);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  const std::map<std::string, std::string> headers(page.headers.begin(), page.headers.end());
  EXPECT_THAT(headers.at("Content-Security-Policy"),
              testing::MatchesRegex("default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; "
                                    "form-action 'none'; frame-ancestors 'none'"));
  EXPECT_EQ(headers.at("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(headers.at("Referrer-Policy"), "no-referrer");
  for (const std::string never : {"src=", "<link", "url(", "@import", "<script", "http://", "https://", " style="}) {
    EXPECT_THAT(page.body, Not(HasSubstr(never)));
  }
  // The digest is that of what stands between the tags, to the byte.
  EXPECT_THAT(page.body, HasSubstr("<style>" + std::string(front_page_style) + "</style>"));
  const std::string& policy = headers.at("Content-Security-Policy");
  std::string hex;
  const auto digest = bundle::base64_decoded(policy.substr(policy.find("sha256-") + 7, 44));
  ASSERT_TRUE(digest);
  for (const char c : *digest) {
    hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  EXPECT_EQ(hex, Digest::of(front_page_style).hex());
}

TEST_F(FrontPageTest, KeepsTheLastTwentyEventsAndNoProof) {
  start();
  reporter_.activated([] {
    Activated activated;
    ActivatedTemplate entry;
    entry.name = "section7";
    entry.to_version = "1.0.0";
    entry.files.resize(3);
    activated.templates = {entry};
    return activated;
  }());
  EXPECT_THAT(body(), HasSubstr(">activate change=- view=0 section7=-→1.0.0 "));
  EXPECT_THAT(body(), Not(HasSubstr("[PROOF]")));
  for (int i = 1; i <= 25; ++i) reporter_.warning("warning number " + std::to_string(i) + '.');
  const std::string text = body();
  EXPECT_THAT(text, Not(HasSubstr("warning number 5.")));
  EXPECT_THAT(text, HasSubstr("warning number 6."));
  EXPECT_LT(text.find("warning number 25."), text.find("warning number 6.")) << "the newest comes first";
  EXPECT_THAT(text, HasSubstr(R"(<span class="mono warn">warning fact=&quot;warning number 25.&quot;</span>)"));
  reporter_.warning(std::string(100'000, 'x'));
  EXPECT_LT(body().size(), 60'000U);
}

TEST(FrontPage, TellsAgesRoughly) {
  EXPECT_EQ(rough(-3s), "0 s");
  EXPECT_EQ(rough(59.9s), "59 s");
  EXPECT_EQ(rough(60s), "1 min");
  EXPECT_EQ(rough(3599s), "59 min");
  EXPECT_EQ(rough(47h), "47 h");
  EXPECT_EQ(rough(48h), "2 d");
}

}  // namespace
}  // namespace bundlesync::report
