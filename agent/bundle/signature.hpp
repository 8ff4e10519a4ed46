#pragma once

#include "base/digest.hpp"
#include "bundle/ed25519.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The envelope in version_state.signature: one line of seven words, one space between them,
///
///     bundlesync-signature-v1 ed25519 <key id> <template> <version> <manifest_sha256> <base64 of 64 bytes>
///
/// Signed are the bytes before the last space as they stand, so nothing is taken apart and put together again before it
/// is verified; the first word keeps a signature of ours from meaning anything elsewhere. The file list is bound by the
/// digest (bundle.hpp), the place by template and version. Which algorithm and which keys count is said by the settings
/// alone: the words in the envelope only have to agree.
namespace bundlesync::bundle {

/// Seven words: the longest template name has 100 bytes, the longest version 64. What is longer is malformed.
inline constexpr std::size_t envelope_bytes_max = 512;

/// What one signature is about.
struct Signed {
  std::string template_name;
  std::string version;
  Digest manifest;
};

std::string sign(const SigningKey& key, const Signed& what);

/// Why an envelope does not count.
struct SignatureProblem {
  /// signature_missing         there is none
  /// signature_malformed       not an envelope, or another algorithm's or format's
  /// signature_stripped        an envelope whose last word is gone
  /// signature_trailing_bytes  something stands behind it
  /// signature_unknown_key     by a key that is not among `trusted`
  /// signature_invalid         not by that key, or altered since
  /// signature_other_template, signature_other_version, signature_other_content
  ///                           genuine, and about something else than `what`
  std::string reason;
  std::string detail;  ///< for people; every word of it was checked or verified
  bool operator==(const SignatureProblem&) const = default;
};

/// Pure, and about 0.1 ms where it comes to verifying. Nothing when the envelope is a genuine signature of `what` by
/// one of `trusted`.
std::optional<SignatureProblem> signature_problem(std::string_view envelope, const Signed& what,
                                                  std::span<const PublicKey> trusted);

/// The id of the key that an envelope names, for people: nobody has verified it here. Empty where it is no envelope.
std::string claimed_key_id(std::string_view envelope);

}  // namespace bundlesync::bundle
