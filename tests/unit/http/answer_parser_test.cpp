#include "storage/http/answer_parser.hpp"

#include <gtest/gtest.h>

#include <array>

namespace bundlesync::storage::http {
namespace {

/// The body of an answer that comes one byte at a time.
std::string body_byte_by_byte(const std::string& answer) {
  AnswerParser parser("test", false);
  std::string body;
  std::size_t used = 0;
  for (std::size_t seen = 1; seen <= answer.size() && !parser.done(); ++seen) {
    const std::string_view more = std::string_view(answer).substr(used, seen - used);
    if (!parser.header_done()) {
      used += parser.read_header(more).value();
      continue;
    }
    std::array<char, 64> output{};
    const auto progress = parser.read_body(more, output);
    if (!progress) return progress.error().fact();
    used += progress->used;
    body.append(output.data(), progress->body);
  }
  return parser.done() ? body : "not done: " + body;
}

TEST(AnswerParser, TakesChunksThatComeByteByByte) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(body_byte_by_byte(head + "0\r\n\r\n"), "");
  EXPECT_EQ(body_byte_by_byte(head + "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"), "hello!");
  EXPECT_EQ(body_byte_by_byte(head + "2;a=b\r\nhi\r\n0\r\nX: y\r\n\r\n"), "hi");
  EXPECT_EQ(body_byte_by_byte(head + "0\r\n\r"), "not done: ");
}

TEST(AnswerParser, TakesABodyOfDeclaredLengthThatComesByteByByte) {
  EXPECT_EQ(body_byte_by_byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), "abc");
}

}  // namespace
}  // namespace bundlesync::storage::http
