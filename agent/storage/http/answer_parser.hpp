#pragma once

#include "base/error.hpp"
#include "storage/http/client.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::storage::http {

/// One answer out of bytes as they come; no socket. First read_header until header_done, then read_body until done.
class AnswerParser {
 public:
  /// `where` is for errors. The answer to a HEAD has no body, whatever its header says.
  AnswerParser(std::string where, bool answers_head);
  ~AnswerParser();
  AnswerParser(const AnswerParser&) = delete;
  AnswerParser& operator=(const AnswerParser&) = delete;

  /// How many bytes of `input` were used; until the header is done, call again with those that were not and more
  /// behind them. Errors: not_http (as soon as the first bytes say so), header_too_large.
  Result<std::size_t> read_header(std::string_view input);
  bool header_done() const;

  struct Progress {
    std::size_t used = 0;  ///< of the input; nothing used and nothing given: needs more input
    std::size_t body = 0;  ///< bytes put into the output
  };
  /// Errors: not_http.
  Result<Progress> read_body(std::string_view input, std::span<char> output);
  bool done() const;
  /// The connection has ended: true when that is a proper end of this answer.
  bool finish();

  // Once the header is done.
  int status() const;
  std::vector<Header> headers() const;
  std::optional<std::uint64_t> content_length() const { return content_length_; }
  /// The peer keeps the connection open after this answer.
  bool keep_alive() const;
  bool ends_with_connection() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string where_;
  std::uint64_t header_bytes_ = 0;
  bool waits_for_more_ = false;
  std::optional<std::uint64_t> content_length_;
};

}  // namespace bundlesync::storage::http
