#include "base/secret.hpp"

#include <gtest/gtest.h>

#include <ostream>

namespace bundlesync {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };
template <class T>
concept Concatenable = requires(std::string text, const T& value) { text + value; };

static_assert(!Streamable<Secret>);
static_assert(!Concatenable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<std::string, Secret>);

TEST(Secret, IsSeenOnlyWhenRevealed) {
  const Secret secret{std::string("hunter2")};
  EXPECT_EQ(secret.reveal(), "hunter2");
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(Secret().empty());
  EXPECT_TRUE(secret == Secret(std::string("hunter2")));
  EXPECT_FALSE(secret == Secret(std::string("hunter3")));
}

TEST(Secret, CopiesAndMovesKeepTheText) {
  Secret first{std::string("a longer secret than fits in place")};
  Secret copy = first;
  Secret moved = std::move(first);
  EXPECT_EQ(copy.reveal(), "a longer secret than fits in place");
  EXPECT_EQ(moved.reveal(), "a longer secret than fits in place");
  EXPECT_TRUE(first.empty());
  copy = Secret(std::string("other"));
  EXPECT_EQ(copy.reveal(), "other");
}

}  // namespace
}  // namespace bundlesync
