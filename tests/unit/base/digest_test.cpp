#include "base/digest.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace bundlesync {
namespace {

// FIPS 180-4 examples.
constexpr auto hex_of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr auto hex_of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr auto hex_of_million_a = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Digest, GivesTheStandardsVectors) {
  EXPECT_EQ(Digest::of("").hex(), hex_of_nothing);
  EXPECT_EQ(Digest::of("abc").hex(), hex_of_abc);
  EXPECT_EQ(Digest::of("abc").short_hex(), "ba7816bf8f01");
  EXPECT_EQ(Digest::of(std::string(1'000'000, 'a')).hex(), hex_of_million_a);
}

TEST(Digest, PiecesGiveTheSameAsTheWhole) {
  Sha256 sha;
  for (int i = 0; i < 1000; ++i) sha.update(std::string(1000, 'a'));
  sha.update("");
  EXPECT_EQ(sha.finish().hex(), hex_of_million_a);
}

TEST(Digest, IsMovedWhileItRuns) {
  Sha256 first;
  first.update("a");
  Sha256 second = std::move(first);
  second.update("bc");
  EXPECT_EQ(second.finish().hex(), hex_of_abc);
}

TEST(Digest, IsFinishedOnce) {
  Sha256 sha;
  static_cast<void>(sha.finish());
  EXPECT_THROW(sha.update("x"), std::logic_error);
  EXPECT_THROW(sha.finish(), std::logic_error);
}

TEST(Digest, ParsesExactlyLowerHex) {
  const std::string hex = hex_of_abc;
  ASSERT_TRUE(Digest::parse(hex).has_value());
  EXPECT_EQ(*Digest::parse(hex), Digest::of("abc"));
  std::string upper = hex;
  upper[0] = 'B';
  EXPECT_FALSE(Digest::parse(upper));
  EXPECT_FALSE(Digest::parse(""));
  EXPECT_FALSE(Digest::parse(hex.substr(1)));
  EXPECT_FALSE(Digest::parse(hex + "0"));
  EXPECT_FALSE(Digest::parse(hex.substr(1) + "g"));
  EXPECT_FALSE(Digest::parse(" " + hex.substr(1)));
}

TEST(Digest, ZeroIsItsOwnState) {
  EXPECT_TRUE(Digest().is_zero());
  EXPECT_FALSE(Digest::of("").is_zero());
  EXPECT_EQ(Digest().hex(), std::string(64, '0'));
}

}  // namespace
}  // namespace bundlesync
