#include "bundle/ed25519.hpp"

#include "base/digest.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <stdexcept>

namespace bundlesync::bundle {
namespace {

constexpr std::string_view kPrefix = "ed25519:";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kPemBytesMax = 8 << 10;

struct PkeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct ContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct BioFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using Pkey = std::unique_ptr<EVP_PKEY, PkeyFree>;
using Context = std::unique_ptr<EVP_MD_CTX, ContextFree>;
using Memory = std::unique_ptr<BIO, BioFree>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// What OpenSSL cannot do here it cannot do anywhere: memory, or a build without Ed25519.
template <class T>
T must(T value, const char* what) {
  if (!value) throw std::runtime_error(fmt::format("OpenSSL: {} failed", what));
  return value;
}

/// y and sign bit as stored, the sign bit cleared: the points whose order divides 8, and the other spellings of their y
/// (y + p where that fits into 255 bits). Source: the curve's equation (RFC 8032 section 5.1); the list is the one that
/// libsodium and Wycheproof refuse.
constexpr std::array<std::string_view, 7> kSmallOrder = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};

bool is_small_order(std::array<std::uint8_t, 32> bytes) {
  bytes.back() &= 0x7f;
  std::string hex;
  for (const auto byte : bytes) hex += fmt::format("{:02x}", byte);
  return std::ranges::find(kSmallOrder, hex) != kSmallOrder.end();
}

std::string last_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string text = reason == nullptr ? "unknown error" : reason;
  ERR_clear_error();
  return text;
}

/// Asked for a passphrase: there is nobody to type one.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3), '\0');
  // Writes a zero behind the text, where std::string keeps one anyway.
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes_of(bytes), static_cast<int>(bytes.size()));
  return text;
}

std::optional<std::string> base64_decoded(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), bytes_of(text), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(size));
  const auto padding = text.size() - std::min(text.size(), text.find_last_not_of('=') + 1);
  if (padding > 2 || padding > bytes.size()) return std::nullopt;
  bytes.resize(bytes.size() - padding);
  // OpenSSL lets white space and stray bits pass.
  if (base64(bytes) != text) return std::nullopt;
  return bytes;
}

// ---- PublicKey -----------------------------------------------------------------------------------------------------

PublicKey::PublicKey(const std::array<std::uint8_t, 32>& bytes) : bytes_(bytes) {
  id_ = Digest::of(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())).hex().substr(0, 16);
}

PublicKey PublicKey::of(const std::array<std::uint8_t, 32>& bytes) {
  return PublicKey(bytes);
}

std::optional<PublicKey> PublicKey::parse(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  const auto decoded = base64_decoded(text.substr(kPrefix.size()));
  if (!decoded || decoded->size() != kKeyBytes) return std::nullopt;
  std::array<std::uint8_t, 32> bytes{};
  std::ranges::transform(*decoded, bytes.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  if (is_small_order(bytes)) return std::nullopt;
  return PublicKey(bytes);
}

std::string PublicKey::text() const {
  return std::string(kPrefix) + base64(std::string_view(reinterpret_cast<const char*>(bytes_.data()), bytes_.size()));
}

bool PublicKey::verifies(std::string_view message, std::string_view signature) const {
  if (signature.size() != signature_bytes) return false;
  const Pkey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_.data(), bytes_.size()));
  const Context context(must(EVP_MD_CTX_new(), "EVP_MD_CTX_new"));
  const bool good =
      key && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
  ERR_clear_error();
  return good;
}

// ---- SigningKey ----------------------------------------------------------------------------------------------------

struct SigningKey::Key {
  Pkey pkey;
};

Result<SigningKey> SigningKey::generate() {
  Pkey pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!pkey) return fail(ErrorKind::failed, "OpenSSL cannot make an Ed25519 key: " + last_reason());
  return SigningKey(std::make_shared<const Key>(Key(std::move(pkey))));
}

Result<SigningKey> SigningKey::of(const std::array<std::uint8_t, 32>& seed) {
  Pkey pkey(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
  if (!pkey) return fail(ErrorKind::failed, "OpenSSL cannot take an Ed25519 key: " + last_reason());
  return SigningKey(std::make_shared<const Key>(Key(std::move(pkey))));
}

Result<SigningKey> SigningKey::parse(const Secret& pem, std::string_view name) {
  const std::string& text = pem.reveal();
  const char* hint = "bundlesync key generate FILE makes one";
  if (text.size() > kPemBytesMax) {
    return fail(ErrorKind::usage, fmt::format("'{}' has {} bytes: that is no private key", name, text.size()), hint);
  }
  if (text.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != std::string::npos) {
    return fail(ErrorKind::usage, fmt::format("the private key '{}' is encrypted", name),
                "hand it over decrypted and not through a file: openssl pkey -in FILE | bundlesync publish --sign - …");
  }
  const Memory memory(must(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), "BIO_new_mem_buf"));
  Pkey pkey(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();  // its words could quote the file
  if (!pkey) return fail(ErrorKind::usage, fmt::format("'{}' is no private key in PEM", name), hint);
  if (EVP_PKEY_get_id(pkey.get()) != EVP_PKEY_ED25519) {
    const char* type = EVP_PKEY_get0_type_name(pkey.get());
    return fail(ErrorKind::usage,
                fmt::format("'{}' is a private key of type {}, not Ed25519", name, type == nullptr ? "unknown" : type),
                hint);
  }
  return SigningKey(std::make_shared<const Key>(Key(std::move(pkey))));
}

Secret SigningKey::pem() const {
  const Memory memory(must(BIO_new(BIO_s_secmem()), "BIO_new"));
  must(PEM_write_bio_PKCS8PrivateKey(memory.get(), key_->pkey.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "PEM_write_bio_PKCS8PrivateKey");
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return Secret(std::string(text, static_cast<std::size_t>(size)));
}

PublicKey SigningKey::public_key() const {
  std::array<std::uint8_t, 32> bytes{};
  std::size_t size = bytes.size();
  must(EVP_PKEY_get_raw_public_key(key_->pkey.get(), bytes.data(), &size) == 1 && size == bytes.size(),
       "EVP_PKEY_get_raw_public_key");
  return PublicKey::of(bytes);
}

std::string SigningKey::sign(std::string_view message) const {
  const Context context(must(EVP_MD_CTX_new(), "EVP_MD_CTX_new"));
  std::string signature(signature_bytes, '\0');
  std::size_t size = signature.size();
  must(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_->pkey.get()) == 1 &&
           EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(message),
                          message.size()) == 1 &&
           size == signature.size(),
       "EVP_DigestSign");
  return signature;
}

}  // namespace bundlesync::bundle
