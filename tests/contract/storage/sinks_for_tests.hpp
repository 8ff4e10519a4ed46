#pragma once

#include "storage/storage.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace bundlesync::storage::contract {

/// Bytes in which every piece differs from every other.
inline std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>((i * 131 + i / 251) & 0xff);
  return text;
}

/// Remembers the size of every piece.
class PieceSink final : public ByteSink {
 public:
  Task<Result<void>> write(std::string_view bytes) override {
    pieces.push_back(bytes.size());
    whole += bytes;
    co_return Result<void>();
  }
  std::vector<std::size_t> pieces;
  std::string whole;
};

/// Takes a number of pieces, then refuses.
class FullSink final : public ByteSink {
 public:
  explicit FullSink(int pieces) : left_(pieces) {}
  Task<Result<void>> write(std::string_view) override {
    if (left_-- > 0) co_return Result<void>();
    co_return fail(ErrorKind::no_space, "the sink is full");
  }

 private:
  int left_;
};

}  // namespace bundlesync::storage::contract
