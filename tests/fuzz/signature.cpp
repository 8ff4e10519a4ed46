// The envelope in version_state.signature: whoever may write to the database may put anything there.
#include "bundle/signature.hpp"

#include "fuzz/fuzz.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace bundlesync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bundle::SigningKey key = bundle::SigningKey::of({1, 2, 3}).value();
  static const std::vector<bundle::PublicKey> trusted{key.public_key()};
  static const bundle::Signed what{"section7", "1.0.0", Digest::of("content")};
  static const std::string good = bundle::sign(key, what);
  const std::string text(fuzz::text_of(data, size));

  const auto problem = bundle::signature_problem(text, what, trusted);
  fuzz::must(problem.has_value() || text == good, "nobody without the key makes another text that counts");
  if (problem) {
    fuzz::must(problem->reason.starts_with("signature_"), "a refusal has its reason");
    fuzz::must(std::ranges::all_of(problem->detail, [](char c) { return c >= 0x20 && c < 0x7f; }),
               "its detail is printable");
  }
  const std::string id = bundle::claimed_key_id(text);
  fuzz::must(id.empty() || id.size() == 16, "a key id has 16 digits");
  const auto decoded = bundle::base64_decoded(text);
  fuzz::must(!decoded || bundle::base64(*decoded) == text, "base64 has one spelling");
  const auto parsed = bundle::PublicKey::parse(text);
  fuzz::must(!parsed || parsed->text() == text, "a key has one spelling");
  return 0;
}
