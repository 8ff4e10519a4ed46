#include "bundle/signature.hpp"

#include "bundle/trust.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bundlesync::bundle {
namespace {

/// A publisher, another who is trusted too, and a stranger: keys of their own in every run.
struct Keys {
  SigningKey publisher = SigningKey::generate().value();
  SigningKey second = SigningKey::generate().value();
  SigningKey stranger = SigningKey::generate().value();
  std::vector<PublicKey> trusted{publisher.public_key(), second.public_key()};
};
const Keys& keys() {
  static const Keys all;
  return all;
}

Signed about(std::string name = "section7", std::string version = "1.0.0", std::string content = "content") {
  Signed what;
  what.template_name = std::move(name);
  what.version = std::move(version);
  what.manifest = Digest::of(content);
  return what;
}

std::string code(const std::string& envelope, const Signed& what = about()) {
  const auto problem = signature_problem(envelope, what, keys().trusted);
  return problem ? problem->reason : "good";
}

std::vector<std::string> words_of(const std::string& envelope) {
  std::vector<std::string> words{""};
  for (const char c : envelope) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

TEST(Signature, IsOneLineOfSevenWords) {
  const auto words = words_of(sign(keys().publisher, about()));
  ASSERT_EQ(words.size(), 7U);
  EXPECT_EQ(words[0], "bundlesync-signature-v1");
  EXPECT_EQ(words[1], "ed25519");
  EXPECT_EQ(words[2], keys().publisher.public_key().id());
  EXPECT_EQ(words[3], "section7");
  EXPECT_EQ(words[4], "1.0.0");
  EXPECT_EQ(words[5], Digest::of("content").hex());
  EXPECT_EQ(base64_decoded(words[6])->size(), signature_bytes);
  EXPECT_EQ(claimed_key_id(joined(words)), words[2]);
}

TEST(Signature, ByEitherOfTwoTrustedKeysCounts) {
  EXPECT_EQ(code(sign(keys().publisher, about())), "good");
  EXPECT_EQ(code(sign(keys().second, about())), "good");
}

TEST(Signature, EachThatDoesNotCountHasItsReason) {
  const std::string good = sign(keys().publisher, about());
  EXPECT_EQ(code(""), "signature_missing");
  EXPECT_EQ(code(sign(keys().stranger, about())), "signature_unknown_key");
  EXPECT_EQ(code(sign(keys().publisher, about("intake"))), "signature_other_template");
  EXPECT_EQ(code(sign(keys().publisher, about("section7", "1.0.1"))), "signature_other_version");
  EXPECT_EQ(code(sign(keys().publisher, about("section7", "1.0.0", "other"))), "signature_other_content");
  EXPECT_EQ(code(good.substr(0, good.rfind(' '))), "signature_stripped");
  EXPECT_EQ(code(good + " "), "signature_trailing_bytes");
  EXPECT_EQ(code("hello"), "signature_malformed");
  auto words = words_of(good);
  words[6] = words_of(sign(keys().publisher, about("intake")))[6];
  EXPECT_EQ(code(joined(words)), "signature_invalid");
}

TEST(Signature, SaysWhatIsWrongForPeople) {
  const std::string id = "key=" + keys().publisher.public_key().id();
  const auto detail = [](const Signed& what) {
    return signature_problem(sign(keys().publisher, what), about(), keys().trusted)->detail;
  };
  EXPECT_EQ(detail(about("intake")), id + " signed_template=intake");
  EXPECT_EQ(detail(about("section7", "2.0.0")), id + " signed_version=2.0.0");
  EXPECT_EQ(detail(about("section7", "1.0.0", "x")),
            id + " want=" + Digest::of("x").hex() + " got=" + Digest::of("content").hex());
}

/// Somebody who may write to the database and holds no key, at work on a genuine envelope.
std::vector<std::pair<std::string, std::string>> altered_envelopes() {
  const std::string good = sign(keys().publisher, about());
  const auto with = [&good](std::size_t place, const std::string& word) {
    auto words = words_of(good);
    words[place] = word;
    return joined(words);
  };
  const std::string text = words_of(good)[6];
  const std::string raw = *base64_decoded(text);
  const auto of_bytes = [&](std::string bytes) { return with(6, base64(bytes)); };
  std::vector<std::pair<std::string, std::string>> all = {
      {"no signature", with(6, "")},
      {"another domain", with(0, "bundlesync-signature-v2")},
      {"no domain", with(0, "")},
      {"domain in capitals", with(0, "BUNDLESYNC-SIGNATURE-V1")},
      {"algorithm none", with(1, "none")},
      {"algorithm hmac", with(1, "hmac-sha256")},
      {"algorithm rsa", with(1, "rsa-sha256")},
      {"algorithm in capitals", with(1, "Ed25519")},
      {"prehashed", with(1, "ed25519ph")},
      {"no algorithm", with(1, "")},
      {"key of the second", with(2, keys().second.public_key().id())},
      {"key of the stranger", with(2, keys().stranger.public_key().id())},
      {"key id in capitals", with(2, "ABCDEFABCDEFABCD")},
      {"key id short", with(2, "0123456789abcde")},
      {"key id long", with(2, "0123456789abcdef0")},
      {"key id of zeros", with(2, "0000000000000000")},
      {"no key id", with(2, "")},
      {"key itself", with(2, keys().publisher.public_key().text())},
      {"other template", with(3, "intake")},
      {"template longer", with(3, "section77")},
      {"template and version run together", with(3, "section7 1.0.0")},
      {"no template", with(3, "")},
      {"template with a line end", with(3, "section7\n")},
      {"template with a tab", with(3, "section7\t")},
      {"other version", with(4, "1.0.1")},
      {"no version", with(4, "")},
      {"version with a zero byte", with(4, std::string("1.0.0\0", 6))},
      {"other content", with(5, Digest::of("other").hex())},
      {"content in capitals", with(5, std::string(64, 'A'))},
      {"content short", with(5, Digest::of("content").short_hex())},
      {"no content", with(5, "")},
      {"signature of zeros", of_bytes(std::string(64, '\0'))},
      {"signature of ones", of_bytes(std::string(64, '\xff'))},
      {"signature cut", of_bytes(raw.substr(0, 63))},
      {"signature cut in half", of_bytes(raw.substr(0, 32))},
      {"halves swapped", of_bytes(raw.substr(32) + raw.substr(0, 32))},
      {"one byte more", of_bytes(raw + "x")},
      {"twice", of_bytes(raw + raw)},
      {"without padding", with(6, text.substr(0, 86))},
      {"base64url", with(6,
                         [&] {
                           std::string url = text;
                           std::ranges::replace(url, '+', '-');
                           std::ranges::replace(url, '/', '_');
                           if (url == text) url[0] = '_';
                           return url;
                         }())},
      {"hex", with(6, std::string(128, 'a'))},
      {"trailing space", good + " "},
      {"trailing line end", good + "\n"},
      {"trailing carriage return", good + "\r\n"},
      {"trailing zero byte", good + std::string(1, '\0')},
      {"trailing word", good + " x"},
      {"trailing second envelope", good + "\n" + good},
      {"trailing padding", good + "="},
      {"leading space", " " + good},
      {"leading line end", "\n" + good},
      {"leading byte order mark", "\xef\xbb\xbf" + good},
      {"two spaces",
       [&] {
         std::string two = good;
         two.insert(two.find(' '), " ");
         return two;
       }()},
      {"tabs for spaces",
       [&] {
         std::string tabs = good;
         std::ranges::replace(tabs, ' ', '\t');
         return tabs;
       }()},
      {"commas for spaces",
       [&] {
         std::string commas = good;
         std::ranges::replace(commas, ' ', ',');
         return commas;
       }()},
      {"words in another order",
       [&] {
         auto words = words_of(good);
         std::swap(words[3], words[4]);
         return joined(words);
       }()},
      {"the head alone", good.substr(0, good.rfind(' '))},
      {"the head and a space", good.substr(0, good.rfind(' ') + 1)},
      {"the signature alone", text},
      {"JSON", R"({"signature": ")" + text + R"("})"},
      {"a JWT", "eyJhbGciOiJub25lIn0.e30."},
      {"PEM", "-----BEGIN SIGNATURE-----\n" + text + "\n-----END SIGNATURE-----\n"},
      {"very long", good + std::string(100'000, 'A')},
      {"spaces only", std::string(20, ' ')},
      {"zero bytes", std::string(20, '\0')},
      {"null", "null"},
  };
  for (std::size_t i = 0; i < raw.size(); i += 4) {
    std::string flipped = raw;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x80);
    all.emplace_back("bit " + std::to_string(8 * i) + " flipped", of_bytes(flipped));
  }
  return all;
}

TEST(Signature, NoneOfTheseAlteredEnvelopesCounts) {
  const auto all = altered_envelopes();
  EXPECT_GE(all.size(), 60U);
  std::map<std::string, int> reasons;
  for (const auto& [what, envelope] : all) {
    const std::string reason = code(envelope);
    EXPECT_NE(reason, "good") << what;
    ++reasons[reason];
  }
  // Nobody without a key gets as far as being believed about what was signed.
  for (const auto* never : {"signature_other_template", "signature_other_version", "signature_other_content"}) {
    EXPECT_EQ(reasons.count(never), 0U) << never;
  }
  for (const auto* each : {"signature_malformed", "signature_stripped", "signature_trailing_bytes",
                           "signature_unknown_key", "signature_invalid"}) {
    EXPECT_GT(reasons[each], 0) << each;
  }
}

TEST(Signature, OneThatIsReplayedElsewhereDoesNotCount) {
  const std::string good = sign(keys().publisher, about());
  EXPECT_EQ(code(good, about("intake")), "signature_other_template");
  EXPECT_EQ(code(good, about("section7", "0.9.0")), "signature_other_version");
  EXPECT_EQ(code(good, about("section7", "1.0.0", "other files")), "signature_other_content");
}

TEST(Trust, GivesTheSameAnswerHoweverOftenItIsAsked) {
  const Trust trust({keys().publisher.public_key()});
  const std::string good = sign(keys().publisher, about());
  const std::string second = sign(keys().second, about());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(trust.problem(good, about()), std::nullopt);
    EXPECT_EQ(trust.problem(good, about("intake"))->reason, "signature_other_template");
    EXPECT_EQ(trust.problem(good, about("section7", "1.0.1"))->reason, "signature_other_version");
    EXPECT_EQ(trust.problem(second, about())->reason, "signature_unknown_key");
    EXPECT_EQ(trust.problem("", about())->reason, "signature_missing");
    EXPECT_EQ(trust.problem(std::string(1'000'000, 'x'), about())->reason, "signature_malformed");
  }
}

TEST(Trust, KeepsQuestionsApartWhoseTextsRunTogether) {
  const Trust trust({keys().publisher.public_key()});
  const std::string good = sign(keys().publisher, about("section7", "1.0.0"));
  EXPECT_EQ(trust.problem(good, about("section7", "1.0.0")), std::nullopt);
  EXPECT_EQ(trust.problem(good, about("section71", ".0.0"))->reason, "signature_other_template");
  EXPECT_EQ(trust.problem(good + "s", about("ection7", "1.0.0"))->reason, "signature_trailing_bytes");
}

}  // namespace
}  // namespace bundlesync::bundle
