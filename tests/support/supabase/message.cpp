#include "support/supabase/message.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace bundlesync::tests::supabase {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 416:
      return "Range Not Satisfiable";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    default:
      return "unknown";
  }
}

}  // namespace

const std::string* find_header(const Headers& headers, std::string_view name) {
  const auto found = std::ranges::find_if(headers, [&](const auto& header) { return same_name(header.first, name); });
  return found == headers.end() ? nullptr : &found->second;
}

std::string json_text(std::string_view text) {
  return boost::json::serialize(boost::json::value(boost::json::string_view(text.data(), text.size())));
}

Answer json_answer(std::string body) {
  Answer answer;
  answer.headers.emplace_back("content-type", "application/json; charset=utf-8");
  answer.body = std::move(body);
  return answer;
}

Answer error_answer(int http_status, std::string_view status_code, std::string_view error, std::string_view message,
                    std::string_view code) {
  Answer answer =
      json_answer(fmt::format(R"({{"statusCode":{},"error":{},"message":{},"code":{}}})", json_text(status_code),
                              json_text(error), json_text(message), json_text(code)));
  answer.status = http_status;
  return answer;
}

Answer plain_error(int status, std::string_view error, std::string_view message) {
  Answer answer = json_answer(
      fmt::format(R"({{"message":{},"error":{},"statusCode":{}}})", json_text(message), json_text(error), status));
  answer.status = status;
  return answer;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
    if (low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string wire_text(const Answer& answer, std::string_view method) {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\n", answer.status, reason_phrase(answer.status));
  for (const auto& [name, value] : answer.headers) text += fmt::format("{}: {}\r\n", name, value);
  if (find_header(answer.headers, "content-length") == nullptr) {
    text += fmt::format("content-length: {}\r\n", answer.body.size());
  }
  text += "Date: Mon, 23 Nov 2026 00:00:00 GMT\r\n";
  text += answer.close ? "Connection: close\r\n" : "Connection: keep-alive\r\nKeep-Alive: timeout=61\r\n";
  text += "\r\n";
  return method == "HEAD" ? text : text + answer.body;
}

}  // namespace bundlesync::tests::supabase
