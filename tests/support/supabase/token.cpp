#include "support/supabase/token.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdint>

namespace bundlesync::tests::supabase {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encoded(std::string_view bytes) {
  std::string text;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
    for (count += 8; count >= 6; count -= 6) text += alphabet[bits >> (count - 6) & 63U];
  }
  if (count > 0) text += alphabet[bits << (6 - count) & 63U];
  return text;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const auto six = alphabet.find(c);
    if (six == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(six);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFFU);
  }
  return bytes;
}

std::string hmac(std::string_view text, std::string_view secret) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &length);
  return std::string(reinterpret_cast<const char*>(digest.data()), length);
}

std::optional<boost::json::object> object_of(std::string_view segment) {
  const auto text = decoded(segment);
  if (!text) return std::nullopt;
  boost::system::error_code error;
  const auto value = boost::json::parse(*text, error);
  if (error || !value.is_object()) return std::nullopt;
  return value.get_object();
}

std::string text_in(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Verdict refused(std::string problem) {
  Verdict verdict;
  verdict.problem = std::move(problem);
  return verdict;
}

}  // namespace

std::string sign_token(std::string_view payload, std::string_view secret, std::string_view header) {
  const std::string text = encoded(header) + "." + encoded(payload);
  return text + "." + encoded(hmac(text, secret));
}

std::string token_for(std::string_view role, std::string_view secret,
                      std::optional<std::chrono::system_clock::time_point> expires) {
  if (!expires) return sign_token(fmt::format(R"({{"role":"{}"}})", role), secret);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(expires->time_since_epoch()).count();
  return sign_token(fmt::format(R"({{"role":"{}","exp":{}}})", role, seconds), secret);
}

Verdict check_token(std::string_view token, std::string_view secret, std::chrono::system_clock::time_point now) {
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return refused("Invalid Compact JWS");
  }
  const auto header = object_of(token.substr(0, first));
  const auto payload = object_of(token.substr(first + 1, second - first - 1));
  if (!header || !payload) return refused("Invalid Compact JWS");
  if (text_in(*header, "alg") != "HS256") return refused("\"alg\" (Algorithm) Header Parameter value not allowed");

  const std::string wanted = hmac(token.substr(0, second), secret);
  const auto given = decoded(token.substr(second + 1));
  if (!given || given->size() != wanted.size() || CRYPTO_memcmp(given->data(), wanted.data(), wanted.size()) != 0) {
    return refused("signature verification failed");
  }
  const auto seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  const auto* exp = payload->if_contains("exp");
  if (exp != nullptr && (!exp->is_number() || exp->to_number<double>() <= seconds)) {
    return refused("\"exp\" claim timestamp check failed");
  }
  const auto* nbf = payload->if_contains("nbf");
  if (nbf != nullptr && (!nbf->is_number() || nbf->to_number<double>() > seconds)) {
    return refused("\"nbf\" claim timestamp check failed");
  }
  Verdict verdict;
  verdict.role = text_in(*payload, "role");
  if (verdict.role.empty()) verdict.role = "anon";
  verdict.sub = text_in(*payload, "sub");
  return verdict;
}

}  // namespace bundlesync::tests::supabase
