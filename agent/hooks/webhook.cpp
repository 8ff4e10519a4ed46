#include "base/time.hpp"
#include "hooks/announcer.hpp"
#include "storage/http/client.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <stdexcept>

namespace bundlesync::hooks {
namespace {

namespace http = storage::http;

/// "sha256=…" in hex.
std::string signature_of(const Secret& secret, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  const std::string& key = secret.reveal();
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(), mac.data(), &size) ==
      nullptr) {
    throw std::runtime_error("HMAC");
  }
  std::string hex = "sha256=";
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", mac[i]);
  return hex;
}

std::string body_of(const Announcement& announcement) {
  boost::json::object body;
  body["schema_version"] = 1;
  body["target"] = announcement.target;
  body["view"] = announcement.view;
  boost::json::array& templates = body["templates"].emplace_array();
  for (const auto& [name, shown] : announcement.templates) {
    boost::json::object entry;
    entry["template"] = name;
    entry["version"] = shown.version;
    entry["previous_version"] = nullptr;
    if (!shown.previous_version.empty()) entry["previous_version"] = shown.previous_version;
    entry["source"] = shown.source;
    entry["generation"] = shown.generation;
    entry["history"] = nullptr;
    if (shown.history) entry["history"] = *shown.history;
    entry["path"] = announcement.target + "/" + name;
    templates.push_back(std::move(entry));
  }
  return boost::json::serialize(body);
}

void add_header(http::Request& request, std::string name, std::string value) {
  http::Header header;
  header.name = std::move(name);
  header.value = std::move(value);
  request.headers.push_back(std::move(header));
}

class Webhook final : public Listener {
 public:
  Webhook(asio::any_io_executor executor, async::Clock& clock, http::Origin origin, http::Options http_options,
          WebhookOptions options)
      : clock_(clock),
        options_(std::move(options)),
        client_(std::move(executor), std::move(origin), std::move(http_options)) {}

  std::string_view name() const override { return "webhook"; }

  Task<Result<void>> tell(Announcement announcement) override {
    http::Request request("POST", options_.target);
    request.body = body_of(announcement);
    add_header(request, "Content-Type", "application/json");
    if (auto is_signed = sign(request); !is_signed) co_return fail(std::move(is_signed.error()));
    Result<http::Response> response = co_await client_.send(std::move(request));
    if (!response) co_return fail(std::move(response.error()));
    const int status = response->status;
    if (status < 200 || status >= 300) {
      Error error(ErrorKind::unavailable, fmt::format("the webhook at {} answered {}", options_.origin, status));
      co_return fail(std::move(error));
    }
    co_return Result<void>();
  }

 private:
  Result<void> sign(http::Request& request) const {
    if (!options_.secret) return {};
    auto secret = options_.secret();
    if (!secret) return fail(std::move(secret.error()));
    const auto since_1970 = clock_.wall_now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_1970).count();
    const std::string timestamp = std::to_string(seconds);
    add_header(request, "X-Bundlesync-Timestamp", timestamp);
    add_header(request, "X-Bundlesync-Signature", signature_of(*secret, timestamp + "." + request.body));
    return {};
  }

  async::Clock& clock_;
  const WebhookOptions options_;
  http::Client client_;
};

}  // namespace

Result<std::unique_ptr<Listener>> webhook(asio::any_io_executor executor, async::Clock& clock, WebhookOptions options) {
  auto origin = http::parse_origin(options.origin);
  if (!origin) return fail(std::move(origin.error()));
  http::Options client;
  client.deadlines.connect = std::min(client.deadlines.connect, options.timeout);
  client.deadlines.first_byte = options.timeout;
  client.deadlines.low_speed = options.timeout;
  client.deadlines.whole = options.timeout;
  client.idle_max = 0;
  client.ca_file = options.ca_file;
  client.version = options.agent_version;
  return std::make_unique<Webhook>(std::move(executor), clock, std::move(*origin), std::move(client),
                                   std::move(options));
}

}  // namespace bundlesync::hooks
