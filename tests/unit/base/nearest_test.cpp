#include "base/nearest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace bundlesync {
namespace {

constexpr std::array<std::string_view, 5> keys = {"target", "templates", "storage.url", "storage.key", "poll_interval"};

TEST(Nearest, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("targe", keys), "target");
  EXPECT_EQ(nearest("template", keys), "templates");
  EXPECT_EQ(nearest("tepmlates", keys), "templates");
  EXPECT_EQ(nearest("poll-interval", keys), "poll_interval");
  EXPECT_EQ(nearest("storage.uri", keys), "storage.url");
}

TEST(Nearest, KeepsQuietWhenNothingIsNear) {
  EXPECT_EQ(nearest("completely_else", keys), std::nullopt);
  EXPECT_EQ(nearest("", keys), std::nullopt);
  EXPECT_EQ(nearest("xy", keys), std::nullopt);
  EXPECT_EQ(nearest(std::string(10'000, 't'), keys), std::nullopt);
}

}  // namespace
}  // namespace bundlesync
