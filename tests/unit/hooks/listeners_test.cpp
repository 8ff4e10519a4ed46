#include "hooks/announcer.hpp"
#include "support/liar_server.hpp"
#include "unit/hooks/hooks_bench.hpp"

#include <openssl/evp.h>
#include <openssl/params.h>

#include <fstream>
#include <sys/stat.h>

namespace bundlesync::hooks {
namespace {

using tests::answer_of;
using tests::LiarPeer;
using tests::LiarServer;

/// By OpenSSL's other interface.
std::string hmac_sha256(const std::string& key, const std::string& text) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  std::string digest = "SHA256";
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest.data(), 0), OSSL_PARAM_construct_end()};
  unsigned char out[32];
  std::size_t size = 0;
  EVP_MAC_init(context, reinterpret_cast<const unsigned char*>(key.data()), key.size(), parameters);
  EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  EVP_MAC_final(context, out, &size, sizeof out);
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(mac);
  std::string hex;
  for (std::size_t i = 0; i < size; ++i) hex += fmt::format("{:02x}", out[i]);
  return hex;
}

std::string header_of(const std::string& request, const std::string& name) {
  const auto begin = request.find("\r\n" + name + ": ");
  if (begin == std::string::npos) return "";
  const auto value = begin + 2 + name.size() + 2;
  return request.substr(value, request.find("\r\n", value) - value);
}

class Listeners : public HooksBench {
 protected:
  Listeners() {
    announcement.target = "/prompts";
    announcement.view = 42;
    ShownVersion& section7 = announcement.templates["section7"];
    section7.version = "1.1.0";
    section7.previous_version = "1.0.1";
    section7.source = "remote";
    section7.generation = 17;
    section7.history = 5512;
    ShownVersion& intake = announcement.templates["intake"];
    intake.version = "2.0.0";
    intake.source = "local";
  }
  /// "told", or the error's words.
  std::string tell(Listener& listener) {
    fakes::Spawned<Result<void>> spawned(io, listener.tell(announcement));
    if (!run_until([&] { return spawned.ended(); })) throw std::runtime_error("it did not end within 30 s");
    const auto told = spawned.take();
    return told ? "told" : told.error().fact();
  }
  std::unique_ptr<Listener> webhook_at(std::uint16_t port, const std::string& secret = "") {
    WebhookOptions options;
    options.origin = fmt::format("http://127.0.0.1:{}", port);
    options.target = "/hook";
    options.timeout = 2s;
    options.agent_version = "9.9";
    if (!secret.empty()) options.secret = [secret]() -> Result<Secret> { return Secret(secret); };
    return webhook(io.get_executor(), clock, std::move(options)).value();
  }
  std::string script(const std::string& text) {
    const std::string path = home / "hook";
    std::ofstream(path) << "#!/bin/sh\n" << text;
    EXPECT_EQ(::chmod(path.c_str(), 0755), 0);
    return path;
  }

  Announcement announcement;
};

constexpr const char* kBody =
    R"({"schema_version":1,"target":"/prompts","view":42,"templates":[)"
    R"({"template":"intake","version":"2.0.0","previous_version":null,"source":"local","generation":0,"history":null,)"
    R"("path":"/prompts/intake"},)"
    R"({"template":"section7","version":"1.1.0","previous_version":"1.0.1","source":"remote","generation":17,)"
    R"("history":5512,"path":"/prompts/section7"}]})";

TEST_F(Listeners, TheWebhookIsPostedWhatIsShown) {
  LiarServer server(tests::always(answer_of("thanks")));
  EXPECT_EQ(tell(*webhook_at(server.port())), "told");
  const std::string request = server.requests().at(0);
  EXPECT_TRUE(request.starts_with("POST /hook HTTP/1.1\r\n")) << request;
  EXPECT_EQ(header_of(request, "Content-Type"), "application/json");
  EXPECT_EQ(header_of(request, "X-Bundlesync-Signature"), "");
  EXPECT_EQ(request.substr(request.find("\r\n\r\n") + 4), kBody);
}

TEST_F(Listeners, TheWebhookIsSignedWithItsTime) {
  LiarServer server(tests::always(answer_of("", 204)));
  EXPECT_EQ(tell(*webhook_at(server.port(), "a secret of 32 random characters")), "told");
  const std::string request = server.requests().at(0);
  const std::string timestamp = header_of(request, "X-Bundlesync-Timestamp");
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  EXPECT_LE(std::abs(std::stoll(timestamp) - now), 60);
  EXPECT_EQ(header_of(request, "X-Bundlesync-Signature"),
            "sha256=" + hmac_sha256("a secret of 32 random characters", timestamp + "." + kBody));
  EXPECT_EQ(request.find("random characters"), std::string::npos);
}

TEST_F(Listeners, AWebhookThatDoesNotSay2xxWasNotTold) {
  for (const int status : {304, 404, 500}) {
    LiarServer server(tests::always(answer_of("", status)));
    EXPECT_EQ(tell(*webhook_at(server.port())),
              fmt::format("the webhook at http://127.0.0.1:{} answered {}", server.port(), status));
  }
  LiarServer silent([](LiarPeer& peer) {
    (void)peer.read_request();
    std::this_thread::sleep_for(5s);
  });
  EXPECT_NE(tell(*webhook_at(silent.port())), "told");
}

TEST_F(Listeners, TheProgramFindsWhatIsShownInItsEnvironmentAndNothingElse) {
  const std::string out = home / "out";
  auto hook = program(io.get_executor(), clock, {script("{ echo \"$1\"; env | sort; } > " + out), "an argument"}, 5s);
  ::setenv("A_SECRET_OF_OURS", "s3cret", 1);
  EXPECT_EQ(tell(*hook), "told");
  std::ifstream in(out);
  const std::string said(std::istreambuf_iterator<char>(in), {});
  EXPECT_TRUE(
      said.starts_with("an argument\nBUNDLESYNC_TARGET=/prompts\n"
                       "BUNDLESYNC_TEMPLATES=intake=2.0.0 section7=1.1.0\nBUNDLESYNC_VIEW=42\nLANG=C.UTF-8\n"))
      << said;
  EXPECT_EQ(said.find("s3cret"), std::string::npos);
}

TEST_F(Listeners, AProgramThatFailsOrHangsWasNotTold) {
  const std::string failing = script("echo no such unit >&2; exit 5");
  EXPECT_EQ(tell(*program(io.get_executor(), clock, {failing}, 5s)),
            "'" + failing + "' ended with 5, saying: no such unit");
  const std::string killed = script("kill -9 $$");
  EXPECT_EQ(tell(*program(io.get_executor(), clock, {killed}, 5s)), "'" + killed + "' was ended by signal 9");
  const std::string hanging = script("sleep 60");
  EXPECT_EQ(tell(*program(io.get_executor(), clock, {hanging}, 300ms)), "'" + hanging + "' did not end within 300ms");
}

}  // namespace
}  // namespace bundlesync::hooks
