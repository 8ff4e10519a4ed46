#include "storage/http/request_head.hpp"

#include "storage/http/origin.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bundlesync::storage::http {
namespace {

bool is_visible(char c) {
  return c > ' ' && c < 0x7f;
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_visible);
}

bool is_header_value(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f); });
}

Error bad_request(std::string fact, std::string hint) {
  return Error(ErrorKind::usage, std::move(fact), std::move(hint)).with_reason("bad_request");
}

bool has_length(const Request& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
}

}  // namespace

Result<std::string> request_head(const Origin& origin, const Request& request, const Options& options) {
  if (!is_word(request.method) || !is_word(request.target) || request.target.front() != '/')
    return fail(bad_request("the path of a request holds a byte that has no place in it", "escape it with %"));

  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.target, authority(origin));
  head += options.version.empty() ? "User-Agent: bundlesync\r\n"
                                  : fmt::format("User-Agent: bundlesync/{}\r\n", options.version);
  head += "Accept-Encoding: identity\r\n";
  if (has_length(request)) head += fmt::format("Content-Length: {}\r\n", request.body.size());
  for (const auto& header : request.headers) {
    const bool name_is_good = is_word(header.name) && header.name.find(':') == std::string::npos;
    if (!name_is_good || !is_header_value(header.value)) {
      return fail(bad_request(
          fmt::format("the header {} of a request holds a control byte", name_is_good ? header.name : "without a name"),
          "is there a line break in a key or token?"));
    }
    head += header.name + ": " + header.value + "\r\n";
  }
  return head + "\r\n";
}

bool is_repeatable(const Request& request) {
  if (request.method == "GET" || request.method == "HEAD") return true;
  return request.method == "DELETE" && request.body.empty();
}

bool asks_for_range(const Request& request) {
  return std::ranges::any_of(request.headers, [](const Header& header) { return same_name(header.name, "Range"); });
}

}  // namespace bundlesync::storage::http
