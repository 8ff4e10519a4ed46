#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace bundlesync {

/// A SHA-256 digest. Written as 64 lower-case hex digits everywhere (FIPS 180-4).
class Digest {
 public:
  Digest() = default;  ///< all zero; never the digest of anything we meet
  /// Exactly 64 lower-case hex digits, else nothing.
  static std::optional<Digest> parse(std::string_view hex);
  static Digest of(std::string_view bytes);

  std::string hex() const;
  /// The first 12 hex digits, as tree names carry them.
  std::string short_hex() const;
  bool is_zero() const;
  auto operator<=>(const Digest&) const = default;

 private:
  friend class Sha256;
  std::array<std::uint8_t, 32> bytes_{};
};

/// SHA-256 over bytes that come piece by piece (OpenSSL EVP). One use: update* then finish.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace bundlesync
