#include "bundle/signature.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace bundlesync::bundle {
namespace {

constexpr std::string_view kFormat = "bundlesync-signature-v1";
constexpr std::string_view kAlgorithm = "ed25519";
constexpr std::size_t kKeyIdDigits = 16;
constexpr std::size_t kSignatureLetters = 88;  ///< of 64 bytes in base64

/// The words that are signed, by place.
enum Word : std::size_t { format, algorithm, key_id, template_name, version, manifest, word_count };

SignatureProblem problem(std::string_view reason, std::string detail = "") {
  return SignatureProblem{std::string("signature_") + std::string(reason), std::move(detail)};
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string head_of(std::string_view id, const Signed& what) {
  return fmt::format("{} {} {} {} {} {}", kFormat, kAlgorithm, id, what.template_name, what.version,
                     what.manifest.hex());
}

struct Envelope {
  std::string_view head;  ///< the signed bytes
  std::array<std::string_view, word_count> words;
  std::string signature;  ///< 64 bytes
};

/// Its words, where it is as sign() writes it.
std::optional<SignatureProblem> take_apart(std::string_view text, Envelope& out) {
  if (text.empty()) return problem("missing");
  if (text.size() > envelope_bytes_max) return problem("malformed", fmt::format("bytes={}", text.size()));
  std::string_view rest = text;
  std::size_t found = 0;
  while (found < word_count) {
    const auto space = rest.find(' ');
    out.words[found] = rest.substr(0, space);
    if (out.words[found].empty()) break;
    ++found;
    if (space == std::string_view::npos) {
      rest = {};
      break;
    }
    rest.remove_prefix(space + 1);
  }
  if (found < word_count || out.words[format] != kFormat || out.words[algorithm] != kAlgorithm ||
      !is_hex(out.words[key_id], kKeyIdDigits) || !is_hex(out.words[manifest], 64)) {
    return problem("malformed");
  }
  if (rest.empty()) return problem("stripped");
  if (rest.size() > kSignatureLetters && base64_decoded(rest.substr(0, kSignatureLetters))) {
    return problem("trailing_bytes", fmt::format("bytes={}", rest.size() - kSignatureLetters));
  }
  auto decoded = base64_decoded(rest);
  if (!decoded || decoded->size() != signature_bytes) return problem("malformed");
  out.signature = std::move(*decoded);
  out.head = text.substr(0, text.size() - rest.size() - 1);
  return std::nullopt;
}

}  // namespace

std::string sign(const SigningKey& key, const Signed& what) {
  const std::string head = head_of(key.public_key().id(), what);
  return head + " " + base64(key.sign(head));
}

std::optional<SignatureProblem> signature_problem(std::string_view envelope, const Signed& what,
                                                  std::span<const PublicKey> trusted) {
  Envelope taken;
  if (auto wrong = take_apart(envelope, taken)) return wrong;
  const auto& words = taken.words;
  const std::string by = fmt::format("key={}", words[key_id]);
  const auto key = std::ranges::find(trusted, words[key_id], &PublicKey::id);
  if (key == trusted.end()) return problem("unknown_key", by);
  if (!key->verifies(taken.head, taken.signature)) return problem("invalid", by);
  // From here on these are the words of a publisher that is trusted.
  if (words[template_name] != what.template_name) {
    return problem("other_template", fmt::format("{} signed_template={}", by, words[template_name]));
  }
  if (words[version] != what.version) {
    return problem("other_version", fmt::format("{} signed_version={}", by, words[version]));
  }
  if (words[manifest] != what.manifest.hex()) {
    return problem("other_content", fmt::format("{} want={} got={}", by, words[manifest], what.manifest.hex()));
  }
  return std::nullopt;
}

std::string claimed_key_id(std::string_view envelope) {
  Envelope taken;
  if (take_apart(envelope, taken)) return {};
  return std::string(taken.words[key_id]);
}

}  // namespace bundlesync::bundle
