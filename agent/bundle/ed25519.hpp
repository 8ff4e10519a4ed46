#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// Ed25519 (RFC 8032, pure form) by OpenSSL: keys, and signatures of 64 bytes. What is signed is signature.hpp's.
namespace bundlesync::bundle {

inline constexpr std::size_t signature_bytes = 64;

/// Whose signatures count. Written as "ed25519:" and the key's 32 bytes in base64 (RFC 4648, padded) everywhere.
class PublicKey {
 public:
  /// Nothing for any other spelling of the same key, and for the points of small order: for these somebody without a
  /// private key can make signatures.
  static std::optional<PublicKey> parse(std::string_view text);
  static PublicKey of(const std::array<std::uint8_t, 32>& bytes);

  std::string text() const;
  /// The first 16 hex digits of the SHA-256 of the 32 bytes: enough to find a key among one's own, and no proof.
  const std::string& id() const { return id_; }
  /// False for any signature that is not 64 bytes, or not in the one form that RFC 8032 allows (S below the order).
  bool verifies(std::string_view message, std::string_view signature) const;
  auto operator<=>(const PublicKey&) const = default;

 private:
  explicit PublicKey(const std::array<std::uint8_t, 32>& bytes);
  std::array<std::uint8_t, 32> bytes_{};
  std::string id_;
};

/// A private key, for publishers. Nothing of it can be printed but what pem() hands out.
class SigningKey {
 public:
  /// A new one from the system's randomness. failed when OpenSSL cannot.
  static Result<SigningKey> generate();
  /// PEM, PKCS #8 and not encrypted, as generate() and `openssl genpkey -algorithm ed25519` write it. usage for
  /// anything else; `name` is what the text is called in errors.
  static Result<SigningKey> parse(const Secret& pem, std::string_view name);
  /// The key whose 32 secret bytes these are, for published vectors.
  static Result<SigningKey> of(const std::array<std::uint8_t, 32>& seed);

  Secret pem() const;
  PublicKey public_key() const;
  /// 64 bytes; the same for the same message.
  std::string sign(std::string_view message) const;

 private:
  struct Key;
  explicit SigningKey(std::shared_ptr<const Key> key) : key_(std::move(key)) {}
  std::shared_ptr<const Key> key_;
};

/// base64 with padding, in its one spelling (RFC 4648 section 4).
std::string base64(std::string_view bytes);
/// Nothing for what is not exactly what base64() makes of some bytes.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace bundlesync::bundle
