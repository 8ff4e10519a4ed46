#include "hooks/validator.hpp"
#include "storage/http/client.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace bundlesync::hooks {
namespace {

namespace http = storage::http;

class HttpValidator final : public Validator {
 public:
  HttpValidator(asio::any_io_executor executor, http::Origin origin, std::string target, http::Options options)
      : origin_(origin.to_string()),
        target_(std::move(target)),
        client_(std::move(executor), std::move(origin), std::move(options)) {}

  Task<Result<Judgement>> judge(Candidate candidate) override {
    http::Request request("POST", target_);
    request.body = body_of(candidate);
    http::Header type;
    type.name = "Content-Type";
    type.value = "application/json";
    request.headers.push_back(std::move(type));
    Result<http::Response> response = co_await client_.send(std::move(request));
    if (!response) co_return fail(std::move(response.error()));
    const int status = response->status;
    if (status < 200 || status >= 500 || (status >= 300 && status < 400)) {
      Error error(ErrorKind::unavailable, fmt::format("the validator at {} answered {}", origin_, status));
      co_return fail(std::move(error));
    }
    Judgement judgement;
    judgement.accepted = status < 300;
    judgement.text = first_line(response->body);
    if (judgement.text.empty()) judgement.text = fmt::format("status {}", status);
    co_return judgement;
  }

 private:
  static std::string body_of(const Candidate& candidate) {
    boost::json::object body;
    body["template"] = candidate.template_name;
    body["version"] = candidate.version;
    body["path"] = candidate.path;
    return boost::json::serialize(body);
  }

  const std::string origin_;
  const std::string target_;
  http::Client client_;
};

}  // namespace

Result<std::unique_ptr<Validator>> http_validator(asio::any_io_executor executor, std::string_view origin,
                                                  std::string target, std::chrono::milliseconds timeout,
                                                  std::string agent_version) {
  auto parsed = http::parse_origin(origin);
  if (!parsed) return fail(std::move(parsed.error()));
  http::Options options;
  options.deadlines.connect = std::min(options.deadlines.connect, timeout);
  options.deadlines.first_byte = timeout;  // it answers when it has looked
  options.deadlines.low_speed = timeout;
  options.deadlines.whole = timeout;
  options.idle_max = 0;  // asked now and then: the next question finds whoever listens then
  options.version = std::move(agent_version);
  return std::make_unique<HttpValidator>(std::move(executor), std::move(*parsed), std::move(target),
                                         std::move(options));
}

}  // namespace bundlesync::hooks
