// The answer of an HTTP server, in pieces as they come.
#include "fuzz/fuzz.hpp"
#include "storage/http/answer_parser.hpp"

#include <array>

using namespace bundlesync;
using storage::http::AnswerParser;

namespace {

/// What is left for the parser, of which it sees a few bytes more with every look.
class Stream {
 public:
  Stream(std::string_view all, std::size_t step) : all_(all), step_(step) {}
  std::string_view more() {
    seen_ = std::min(all_.size(), seen_ + step_);
    return all_.substr(used_, seen_ - used_);
  }
  void use(std::size_t bytes) {
    fuzz::must(bytes <= seen_ - used_, "no more is used than was given");
    used_ += bytes;
  }
  bool all_seen() const { return seen_ == all_.size(); }
  std::size_t used() const { return used_; }

 private:
  std::string_view all_;
  std::size_t step_;
  std::size_t seen_ = 0;
  std::size_t used_ = 0;
};

void read_body(AnswerParser& parser, Stream& stream, std::size_t room) {
  std::array<char, 256> output{};
  for (int idle = 0; !parser.done() && idle < 2;) {
    const bool last = stream.all_seen();
    const auto progress = parser.read_body(stream.more(), std::span(output).first(room));
    if (!progress) return;
    fuzz::must(progress->body <= room, "no more is given than there is room for");
    stream.use(progress->used);
    idle = progress->used == 0 && progress->body == 0 && last ? idle + 1 : 0;
  }
  if (!parser.done()) (void)parser.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  AnswerParser parser("fuzz", data[0] % 8 == 0);
  Stream stream(fuzz::text_of(data + 2, size - 2), 1U + data[1] % 64U);
  while (!parser.header_done()) {
    const bool last = stream.all_seen();
    const auto used = parser.read_header(stream.more());
    if (!used) return 0;
    stream.use(*used);
    fuzz::must(stream.used() <= storage::http::header_bytes_max + 64, "a header is bounded");
    if (last && *used == 0 && !parser.header_done()) return 0;
  }
  fuzz::must(parser.status() >= 100 && parser.status() <= 999, "a status has three digits");
  for (const auto& header : parser.headers()) {
    fuzz::must(header.value.find('\n') == std::string::npos, "a header is one line");
  }
  read_body(parser, stream, 1U + data[0] % 200U);
  return 0;
}
