#include "storage/http/answer_parser.hpp"

#include "storage/http/errors.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace bundlesync::storage::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Parser = beast::http::response_parser<beast::http::buffer_body>;
using Fault = beast::http::error;

bool may_be_http(std::string_view input) {
  constexpr std::string_view begin = "HTTP/1.";
  return input.substr(0, begin.size()) == begin.substr(0, input.size());
}

}  // namespace

struct AnswerParser::State {
  Parser parser;
};

AnswerParser::AnswerParser(std::string where, bool answers_head)
    : state_(std::make_unique<State>()), where_(std::move(where)) {
  auto& parser = state_->parser;
  parser.header_limit(static_cast<std::uint32_t>(header_bytes_max));
  parser.body_limit(boost::none);  // the exchange bounds it, in its own words
  parser.skip(answers_head);
  parser.eager(false);
}

AnswerParser::~AnswerParser() = default;

Result<std::size_t> AnswerParser::read_header(std::string_view input) {
  auto& parser = state_->parser;
  if (header_bytes_ == 0 && !may_be_http(input)) return fail(errors::not_http(where_));
  std::size_t used = 0;
  while (used < input.size() && !parser.is_header_done()) {
    beast::error_code error;
    used += parser.put(asio::buffer(input.substr(used)), error);
    if (error == Fault::need_more) break;
    if (error == Fault::header_limit) return fail(errors::header_too_large(where_));
    if (error) return fail(errors::bad_answer(where_, error.message()));
  }
  // Beast's limit is for the status line and for the fields, each.
  header_bytes_ += used;
  const auto unfinished = parser.is_header_done() ? 0 : input.size() - used;
  if (header_bytes_ + unfinished > header_bytes_max) return fail(errors::header_too_large(where_));
  if (!parser.is_header_done()) return used;
  if (status() < 100) return fail(errors::bad_answer(where_, "its status is " + std::to_string(status())));
  if (const auto length = parser.content_length()) content_length_ = *length;
  return used;
}

bool AnswerParser::header_done() const {
  return state_->parser.is_header_done();
}

Result<AnswerParser::Progress> AnswerParser::read_body(std::string_view input, std::span<char> output) {
  auto& parser = state_->parser;
  auto& body = parser.get().body();
  body.data = output.data();
  body.size = output.size();
  body.more = true;
  Progress progress;
  // Beast 1.81 takes it for granted, by assertion, that whoever has seen a part of the last chunk comes again with all
  // of the shortest one. Nothing shorter is left of an answer in chunks while it waits for more.
  constexpr std::size_t last_chunk_bytes = std::string_view("0\r\n\r\n").size();
  if (waits_for_more_ && parser.chunked() && input.size() < last_chunk_bytes) return progress;
  waits_for_more_ = false;
  while (progress.used < input.size() && !parser.is_done()) {
    beast::error_code error;
    progress.used += parser.put(asio::buffer(input.substr(progress.used)), error);
    waits_for_more_ = error == Fault::need_more;
    if (error == Fault::need_more || error == Fault::need_buffer) break;
    if (error) return fail(errors::bad_answer(where_, error.message()));
  }
  progress.body = output.size() - body.size;
  return progress;
}

bool AnswerParser::done() const {
  return state_->parser.is_done();
}

bool AnswerParser::finish() {
  auto& parser = state_->parser;
  if (!parser.got_some()) return false;
  beast::error_code error;
  parser.put_eof(error);
  return !error && parser.is_done();
}

int AnswerParser::status() const {
  return static_cast<int>(state_->parser.get().result_int());
}

std::vector<Header> AnswerParser::headers() const {
  std::vector<Header> headers;
  for (const auto& field : state_->parser.get()) headers.emplace_back(field.name_string(), field.value());
  return headers;
}

bool AnswerParser::keep_alive() const {
  return state_->parser.keep_alive();
}

bool AnswerParser::ends_with_connection() const {
  return state_->parser.need_eof();
}

}  // namespace bundlesync::storage::http
