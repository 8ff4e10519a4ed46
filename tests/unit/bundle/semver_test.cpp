#include "bundle/semver.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bundlesync::bundle {
namespace {

TEST(Semver, ParsesWhatTheSpecificationAllows) {
  for (const auto* text :
       {"0.0.4", "1.2.3", "10.20.30", "1.1.2-prerelease+meta", "1.1.2+meta", "1.0.0-alpha", "1.0.0-alpha.1",
        "1.0.0-alpha0.valid", "1.0.0-alpha-a.b-c-somethinglong+build.1-aef.1-its-okay", "1.0.0-0A.is.legal",
        "99999999999999999999999.999999999999999999.99999999999999999", "1.0.0--", "1.0.0+001"}) {
    EXPECT_TRUE(parse_semver(text)) << text;
  }
}

TEST(Semver, RefusesEverythingElse) {
  for (const auto* text : {"",       "1",       "1.2",    "1.2.3.4",    "v1.2.3",     "01.1.1",    "1.01.1",
                           "1.1.01", "1.2.3-",  "1.2.3+", "1.2.3-0123", "1.2.3-a..b", "1.2.3+a+b", "1.2.3 ",
                           " 1.2.3", "1.2.3-é", "-1.2.3", "1.2.3-a_b",  "1..3",       "a.b.c"}) {
    EXPECT_FALSE(parse_semver(text)) << text;
  }
}

TEST(Semver, TellsItsParts) {
  const auto version = parse_semver("1.20.3-rc.1+build.5").value();
  EXPECT_EQ(version.major, "1");
  EXPECT_EQ(version.minor, "20");
  EXPECT_EQ(version.patch, "3");
  EXPECT_EQ(version.prerelease, (std::vector<std::string>{"rc", "1"}));
  EXPECT_EQ(version.build, "build.5");
}

TEST(Semver, OrdersByPrecedence) {
  // semver.org 2.0.0, section 11, and numbers no integer holds.
  const std::vector<std::string> ascending = {"0.9.10",
                                              "1.0.0-1",
                                              "1.0.0-alpha",
                                              "1.0.0-alpha.1",
                                              "1.0.0-alpha.beta",
                                              "1.0.0-beta",
                                              "1.0.0-beta.2",
                                              "1.0.0-beta.11",
                                              "1.0.0-rc.1",
                                              "1.0.0",
                                              "1.0.1",
                                              "1.2.0",
                                              "1.10.0",
                                              "2.0.0",
                                              "18446744073709551616.0.0",
                                              "18446744073709551617.0.0"};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      const auto order = compare_precedence(*parse_semver(ascending[i]), *parse_semver(ascending[j]));
      EXPECT_EQ(order, i <=> j) << ascending[i] << " and " << ascending[j];
    }
  }
  EXPECT_EQ(compare_precedence(*parse_semver("1.0.0+a"), *parse_semver("1.0.0+b")), std::strong_ordering::equal);
}

TEST(Semver, ListsAreInOneOrderOnly) {
  std::vector<std::string> versions = {"1.10.0",     "nightly", "1.0.0+b",    "1.9.0",
                                       "filesystem", "1.0.0",   "1.0.0-rc.1", "1.0.0+a"};
  const std::vector<std::string> wanted = {"filesystem", "nightly", "1.0.0-rc.1", "1.0.0",
                                           "1.0.0+a",    "1.0.0+b", "1.9.0",      "1.10.0"};
  std::ranges::sort(versions, version_less);
  EXPECT_EQ(versions, wanted);
  std::ranges::reverse(versions);
  std::ranges::sort(versions, version_less);
  EXPECT_EQ(versions, wanted);
  EXPECT_FALSE(version_less("1.0.0", "1.0.0"));
}

}  // namespace
}  // namespace bundlesync::bundle
