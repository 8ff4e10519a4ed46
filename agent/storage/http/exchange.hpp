#pragma once

#include "storage/http/answer_parser.hpp"
#include "storage/http/client.hpp"
#include "storage/http/wire.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::storage::http {

/// What is asked for: the request's bytes and the limits of its answer. Outlives the exchange.
struct Asked {
  const Origin& origin;
  const Options& options;
  const Request& request;
  const std::string& head;  ///< the request up to its body
  std::uint64_t bytes_max;  ///< of the body
  ByteSink* sink;           ///< null: the body goes into the response
  async::Steady whole_until;
};

/// Counts what moves: late is who moved too little for too long.
class Pace {
 public:
  explicit Pace(const Deadlines& limits) : limits_(limits) {}
  void start() { began_ = std::chrono::steady_clock::now(), moved_ = 0; }
  void moved(std::size_t bytes) {
    if ((moved_ += bytes) >= limits_.low_speed_bytes) start();
  }
  /// Time that the peer is not to blame for.
  void forgive(async::Duration time) { began_ += time; }
  async::Steady until() const { return began_ + limits_.low_speed; }

 private:
  const Deadlines& limits_;
  async::Steady began_;
  std::uint64_t moved_ = 0;
};

/// One request and its answer on one connection.
class Exchange {
 public:
  Exchange(Wire& wire, const Asked& asked);
  Task<Result<Response>> run();

  /// The connection was closed or broken before any byte of an answer came.
  bool lost_before_answer() const { return lost_before_answer_; }
  /// The answer was read to its end and the peer keeps the connection open.
  bool is_reusable() const { return is_reusable_; }

 private:
  Task<Result<void>> send();
  Task<Result<void>> write(std::string_view bytes);
  Task<Result<void>> read_header(async::Steady until);
  Task<Result<void>> read_final_header();
  Task<Result<void>> read_body();
  Task<Result<void>> hand_on(std::string_view piece);
  Task<Io> read_more(async::Steady until);

  Result<void> judge_header() const;
  Error too_large() const;
  Error ended_in_header(const Io& io);
  Error ended_in_body(const Io& io) const;
  std::string_view unread() const { return std::string_view(input_.data() + begin_, end_ - begin_); }
  bool is_streamed() const { return asked_.sink != nullptr && parser_->status() == 200; }
  /// Its status is what counts: a text without end is cut, not refused.
  bool is_error() const { return parser_->status() >= 400; }
  std::uint64_t body_bytes_max() const;

  Wire& wire_;
  const Asked& asked_;
  std::string where_;
  Pace pace_;
  std::vector<char> input_;
  std::size_t begin_ = 0;  ///< of what is in input_ and not yet parsed
  std::size_t end_ = 0;
  std::uint64_t may_read_;  ///< bytes still, of everything that comes
  std::optional<AnswerParser> parser_;
  Response response_;
  std::uint64_t body_bytes_ = 0;
  std::optional<Error> not_sent_;  ///< why the request did not get through; an answer may be there all the same
  bool has_read_ = false;
  bool is_cut_ = false;
  bool lost_before_answer_ = false;
  bool is_reusable_ = false;
};

}  // namespace bundlesync::storage::http
