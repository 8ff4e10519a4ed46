#include "bundle/ed25519.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace bundlesync::bundle {
namespace {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

std::array<std::uint8_t, 32> key_bytes(std::string_view hex) {
  std::array<std::uint8_t, 32> bytes{};
  std::ranges::transform(from_hex(hex), bytes.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  return bytes;
}

/// RFC 8032 section 7.1: TEST 1, TEST 2, TEST 3 and TEST SHA(abc).
struct Vector {
  const char* secret;
  const char* public_key;
  const char* message;
  const char* signature;
};
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
     "655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
     "b00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
     "c027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
     "2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17a"
     "d9bef1177331a704"},
};

TEST(Ed25519, GivesTheSignaturesOfRfc8032) {
  for (const auto& vector : kVectors) {
    const auto key = SigningKey::of(key_bytes(vector.secret)).value();
    EXPECT_EQ(key.public_key(), PublicKey::of(key_bytes(vector.public_key))) << vector.public_key;
    const std::string message = from_hex(vector.message);
    EXPECT_EQ(key.sign(message), from_hex(vector.signature)) << vector.signature;
    EXPECT_TRUE(key.public_key().verifies(message, from_hex(vector.signature)));
  }
}

/// L, the order of the base point, little-endian (RFC 8032 section 5.1).
std::string plus_order(std::string signature) {
  const std::string order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const unsigned sum = static_cast<std::uint8_t>(signature[32 + i]) + static_cast<std::uint8_t>(order[i]) + carry;
    signature[32 + i] = static_cast<char>(sum & 0xff);
    carry = sum >> 8;
  }
  return signature;
}

TEST(Ed25519, TakesASignatureInItsOneFormOnly) {
  for (const auto& vector : kVectors) {
    const auto key = PublicKey::of(key_bytes(vector.public_key));
    const std::string message = from_hex(vector.message);
    const std::string good = from_hex(vector.signature);
    EXPECT_FALSE(key.verifies(message, plus_order(good))) << "S plus the order: the same point, another text";
    EXPECT_FALSE(key.verifies(message, good.substr(0, 63)));
    EXPECT_FALSE(key.verifies(message, good + '\0'));
    EXPECT_FALSE(key.verifies(message, ""));
    EXPECT_FALSE(key.verifies(message, std::string(64, '\0')));
    EXPECT_FALSE(key.verifies(message, std::string(64, '\xff')));
    EXPECT_FALSE(key.verifies(message + "x", good));
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string altered = good;
      altered[i] = static_cast<char>(altered[i] ^ 0x01);
      EXPECT_FALSE(key.verifies(message, altered)) << "byte " << i;
    }
  }
}

TEST(Ed25519, AKeyHasOneSpelling) {
  const auto key = PublicKey::of(key_bytes(kVectors[0].public_key));
  EXPECT_EQ(key.text(), "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  EXPECT_EQ(key.id(), "21fe31dfa154a261");
  EXPECT_EQ(PublicKey::parse(key.text()), key);
  for (const std::string text : {
           "", "ed25519:", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
           "Ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
           "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo",
           "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=",   // bits that stand for nothing
           "ed25519: 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",  // white space
           "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n",
           "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",  // base64url
           "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==",  // 31 bytes
           "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoA",  // 33 bytes
       }) {
    EXPECT_FALSE(PublicKey::parse(text)) << text;
  }
}

TEST(Ed25519, NoKeyIsAPointOfSmallOrder) {
  const char* points[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000080",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
  for (const auto* point : points) {
    EXPECT_FALSE(PublicKey::parse(PublicKey::of(key_bytes(point)).text())) << point;
  }
}

TEST(SigningKeys, AreReadAsTheyWereWritten) {
  const auto key = SigningKey::generate().value();
  const auto other = SigningKey::generate().value();
  EXPECT_NE(key.public_key(), other.public_key());
  const Secret pem = key.pem();
  EXPECT_TRUE(pem.reveal().starts_with("-----BEGIN PRIVATE KEY-----\n")) << "PKCS #8";
  const auto read = SigningKey::parse(pem, "key.pem");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->public_key(), key.public_key());
  EXPECT_TRUE(key.public_key().verifies("text", read->sign("text")));
}

TEST(SigningKeys, RefuseWhatIsNoKeyAndNeverQuoteIt) {
  const std::string ec =
      "-----BEGIN PRIVATE KEY-----\n"
      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
      "OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
      "1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
      "-----END PRIVATE KEY-----\n";
  const auto said = [](const std::string& text) { return SigningKey::parse(Secret(text), "k").error().text(); };
  const std::string hint = "\nhint: bundlesync key generate FILE makes one";
  EXPECT_EQ(said(""), "'k' is no private key in PEM" + hint);
  EXPECT_EQ(said("sentinel"), "'k' is no private key in PEM" + hint);
  EXPECT_EQ(said(ec), "'k' is a private key of type EC, not Ed25519" + hint);
  EXPECT_EQ(said(std::string(9000, 'x')), "'k' has 9000 bytes: that is no private key" + hint);
  EXPECT_EQ(
      said("-----BEGIN ENCRYPTED PRIVATE KEY-----\nsentinel\n-----END ENCRYPTED PRIVATE KEY-----\n"),
      "the private key 'k' is encrypted\nhint: hand it over decrypted and not through a file: openssl pkey -in FILE | "
      "bundlesync publish --sign - …");
}

TEST(Base64, IsDecodedFromItsOneSpellingOnly) {
  for (const std::string bytes : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {  // RFC 4648 section 10
    EXPECT_EQ(base64_decoded(base64(bytes)), bytes);
  }
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  for (const std::string text :
       {"Zm9vYg", "Zm9vYh==", "Zm9v Yg==", "Zm9vYg==\n", "Zm9vYg===", "====", "Zm9v====", "Z", "\n"}) {
    EXPECT_FALSE(base64_decoded(text)) << text;
  }
}

}  // namespace
}  // namespace bundlesync::bundle
