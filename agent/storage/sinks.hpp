#pragma once

#include "base/digest.hpp"
#include "storage/storage.hpp"

#include <cstdint>
#include <string>

namespace bundlesync::storage {

/// Keeps nothing of a download but its digest and length.
class DigestSink final : public ByteSink {
 public:
  Task<Result<void>> write(std::string_view bytes) override {
    sha256_.update(bytes);
    size_ += bytes.size();
    co_return Result<void>();
  }
  Digest finish() { return sha256_.finish(); }  ///< once
  std::uint64_t size() const { return size_; }

 private:
  Sha256 sha256_;
  std::uint64_t size_ = 0;
};

/// Keeps a whole download; the caller bounds it by bytes_max.
class StringSink final : public ByteSink {
 public:
  Task<Result<void>> write(std::string_view bytes) override {
    bytes_ += bytes;
    co_return Result<void>();
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace bundlesync::storage
