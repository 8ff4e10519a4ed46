#include "storage/http/exchange.hpp"

#include "storage/http/errors.hpp"
#include "storage/http/origin.hpp"
#include "storage/http/request_head.hpp"

#include <algorithm>
#include <limits>

namespace bundlesync::storage::http {
namespace {

constexpr std::size_t kInputBytes = 32 << 10;
constexpr std::uint64_t kReadBeyondBytesMax = 48 << 10;  ///< header, framing and a bit; the kernel has bytes besides
constexpr int kInterimAnswersMax = 8;
static_assert(kInputBytes <= piece_bytes_max && header_bytes_max < kInputBytes);
static_assert(header_bytes_max + error_text_bytes_max <= kReadBeyondBytesMax);

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

}  // namespace

Exchange::Exchange(Wire& wire, const Asked& asked)
    : wire_(wire),
      asked_(asked),
      where_(asked.origin.to_string()),
      pace_(asked.options.deadlines),
      input_(kInputBytes),
      may_read_(sum(asked.bytes_max, kReadBeyondBytesMax)) {}

Task<Result<Response>> Exchange::run() {
  auto sent = co_await send();
  if (!sent) co_return fail(std::move(sent.error()));
  auto header = co_await read_final_header();
  if (!header) co_return fail(std::move(header.error()));

  response_.status = parser_->status();
  response_.headers = parser_->headers();
  if (auto good = judge_header(); !good) co_return fail(std::move(good.error()));

  auto body = co_await read_body();
  if (!body) co_return fail(std::move(body.error()));
  if (is_streamed()) response_.streamed = body_bytes_;
  is_reusable_ = parser_->done() && !is_cut_ && parser_->keep_alive() && begin_ == end_ && !not_sent_;
  co_return std::move(response_);
}

Task<Result<void>> Exchange::send() {
  pace_.start();
  const std::string& body = asked_.request.body;
  // A small body goes in one packet with its header.
  const bool is_small = body.size() <= 4096;
  const std::string first = is_small ? asked_.head + body : asked_.head;
  auto sent = co_await write(first);
  if (sent && !not_sent_ && !is_small) sent = co_await write(body);
  co_return sent;
}

Task<Result<void>> Exchange::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto until = std::min(pace_.until(), asked_.whole_until);
    const auto io = co_await wire_.write_some(bytes, until);
    if (io.end == Io::End::late) {
      const auto& limits = asked_.options.deadlines;
      if (until == asked_.whole_until) co_return fail(errors::whole_timeout(where_, limits.whole));
      co_return fail(errors::send_timeout(where_, limits.low_speed_bytes, limits.low_speed));
    }
    if (io.end != Io::End::none) {
      // A server that refuses a body may answer and close before it has read it all: see what it said.
      not_sent_ = errors::reset_before_answer(where_, io.cause.message());
      co_return Result<void>();
    }
    pace_.moved(io.bytes);
    bytes.remove_prefix(io.bytes);
  }
  co_return Result<void>();
}

Task<Io> Exchange::read_more(async::Steady until) {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == input_.size()) {
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(begin_), input_.end(), input_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(input_.size() - end_, may_read_));
  const auto io = co_await wire_.read_some(input_.data() + end_, size, std::min(until, asked_.whole_until));
  end_ += io.bytes;
  may_read_ -= io.bytes;
  has_read_ = has_read_ || io.bytes > 0;
  co_return io;
}

/// Announcements (1xx) come before the answer; few, and the deadline is one for all of them.
Task<Result<void>> Exchange::read_final_header() {
  const auto until = std::chrono::steady_clock::now() + asked_.options.deadlines.first_byte;
  for (int interim = 0; interim <= kInterimAnswersMax; ++interim) {
    parser_.emplace(where_, asked_.request.method == "HEAD");
    auto read = co_await read_header(until);
    if (!read) co_return read;
    if (parser_->status() >= 200) co_return Result<void>();
    if (parser_->status() == 101) break;
  }
  co_return fail(errors::bad_answer(where_, "it announces an answer, and none comes"));
}

Task<Result<void>> Exchange::read_header(async::Steady until) {
  const auto& limits = asked_.options.deadlines;
  for (;;) {
    if (begin_ != end_) {
      auto used = parser_->read_header(unread());
      if (!used) co_return fail(std::move(used.error()));
      begin_ += *used;
      if (parser_->header_done()) co_return Result<void>();
    }
    if (may_read_ == 0) co_return fail(errors::header_too_large(where_));  // of all announcements together
    const auto io = co_await read_more(until);
    if (io.end == Io::End::late) {
      if (until >= asked_.whole_until) co_return fail(errors::whole_timeout(where_, limits.whole));
      co_return fail(errors::first_byte_timeout(where_, limits.first_byte, has_read_));
    }
    if (io.end != Io::End::none) co_return fail(ended_in_header(io));
  }
}

Error Exchange::ended_in_header(const Io& io) {
  lost_before_answer_ = !has_read_;
  if (not_sent_) return *not_sent_;
  if (io.end == Io::End::broken) return errors::reset_before_answer(where_, io.cause.message());
  return lost_before_answer_ ? errors::closed_without_answer(where_) : errors::truncated_header(where_);
}

Result<void> Exchange::judge_header() const {
  const int status = parser_->status();
  if (status >= 300 && status < 400 && status != 304)
    return fail(errors::redirect(where_, status, place_of_redirect(response_.header("Location"))));
  if (status == 206 && !asks_for_range(asked_.request)) return fail(errors::unasked_range(where_));
  const auto encoding = response_.header("Content-Encoding");
  if (is_streamed() && !encoding.empty() && !same_name(encoding, "identity"))
    return fail(errors::content_encoding(where_));
  const bool has_body = !parser_->done();
  if (has_body && parser_->content_length().value_or(0) > body_bytes_max() && !is_error()) return fail(too_large());
  return {};
}

/// What is not streamed ends up in memory, whatever the caller would take of a stream.
std::uint64_t Exchange::body_bytes_max() const {
  const bool is_text = is_error() || (asked_.sink != nullptr && !is_streamed());
  return is_text ? error_text_bytes_max : asked_.bytes_max;
}

Error Exchange::too_large() const {
  if (is_streamed()) return errors::object_too_large(where_, body_bytes_max());
  return errors::answer_too_large(where_, body_bytes_max());
}

Task<Result<void>> Exchange::read_body() {
  const auto& limits = asked_.options.deadlines;
  std::vector<char> output(kInputBytes);
  pace_.start();
  while (!parser_->done() && !is_cut_) {
    if (begin_ != end_) {
      auto progress = parser_->read_body(unread(), output);
      if (!progress) co_return fail(std::move(progress.error()));
      begin_ += progress->used;
      if (progress->body > 0) {
        auto taken = co_await hand_on(std::string_view(output.data(), progress->body));
        if (!taken) co_return taken;
      }
      if (progress->used > 0) continue;
      if (end_ - begin_ == input_.size())
        co_return fail(errors::bad_answer(where_, "a line between its pieces is too long"));
    }
    if (may_read_ == 0 && !is_error()) co_return fail(too_large());
    if (may_read_ == 0) break;
    const auto until = pace_.until();
    const auto io = co_await read_more(until);
    if (io.end == Io::End::closed && parser_->ends_with_connection() && parser_->finish()) break;
    if (io.end == Io::End::late) {
      if (until >= asked_.whole_until) co_return fail(errors::whole_timeout(where_, limits.whole));
      co_return fail(errors::low_speed_timeout(where_, limits.low_speed_bytes, limits.low_speed));
    }
    if (io.end != Io::End::none) co_return fail(ended_in_body(io));
    pace_.moved(io.bytes);
  }
  co_return Result<void>();
}

Task<Result<void>> Exchange::hand_on(std::string_view piece) {
  const auto room = body_bytes_max() - body_bytes_;
  if (piece.size() > room) {
    if (!is_error()) co_return fail(too_large());
    piece = piece.substr(0, room);
    is_cut_ = true;
  }
  body_bytes_ += piece.size();
  if (!is_streamed()) {
    response_.body += piece;
    co_return Result<void>();
  }
  const auto before = std::chrono::steady_clock::now();
  auto written = co_await asked_.sink->write(piece);
  pace_.forgive(std::chrono::steady_clock::now() - before);
  co_return written;
}

Error Exchange::ended_in_body(const Io& io) const {
  if (io.end == Io::End::broken) return errors::reset_in_answer(where_, body_bytes_, io.cause.message());
  const auto declared = parser_->content_length();
  if (declared) return errors::truncated(where_, body_bytes_, *declared);
  return errors::truncated_undeclared(where_, body_bytes_);
}

}  // namespace bundlesync::storage::http
