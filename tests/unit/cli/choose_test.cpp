#include "cli/choose.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bundlesync::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

bundle::File file(std::string path, std::string kind, std::string role, std::string locale) {
  bundle::File made;
  made.path = std::move(path);
  made.kind = std::move(kind);
  made.role = std::move(role);
  made.locale = std::move(locale);
  return made;
}

bundle::Bundle section7() {
  bundle::Bundle bundle;
  bundle.default_locale = "fr";
  bundle.files = {file("config.json", "json_config", "", ""),
                  file("golden/1.en.md", "golden_example", "", "en"),
                  file("golden/2.en.md", "golden_example", "", "en"),
                  file("golden/3.fr.md", "golden_example", "", "fr"),
                  file("system.en.md", "prompt_system", "system", "en"),
                  file("system.fr.md", "prompt_system", "system", "fr"),
                  file("user.fr-CA.md", "prompt_user", "user", "fr-CA"),
                  file("user.md", "prompt_user", "user", "")};
  return bundle;
}

std::vector<std::string> chosen(std::string_view kind, std::string_view role, std::string_view locale) {
  static const bundle::Bundle bundle = section7();
  std::vector<std::string> lines;
  for (const auto& choice : choose(bundle, kind, role, locale)) {
    lines.push_back(choice.file->path + " " + std::string(to_string(choice.locale)));
  }
  return lines;
}

TEST(Choose, GivesAllWhenNothingIsAsked) {
  EXPECT_EQ(chosen("", "", "").size(), 8U);
}

TEST(Choose, GivesEveryFileOfTheLocaleThatWasAsked) {
  EXPECT_THAT(chosen("golden_example", "", "en"), ElementsAre("golden/1.en.md exact", "golden/2.en.md exact"));
  EXPECT_THAT(chosen("", "system", "fr"), ElementsAre("system.fr.md exact"));
}

TEST(Choose, FallsBackToTheLanguageThenTheDefaultThenNone) {
  EXPECT_THAT(chosen("", "system", "en-GB"), ElementsAre("system.en.md language"));
  EXPECT_THAT(chosen("", "system", "en_GB"), ElementsAre("system.en.md language"));
  EXPECT_THAT(chosen("", "system", "de"), ElementsAre("system.fr.md default_locale"));
  EXPECT_THAT(chosen("json_config", "", "de"), ElementsAre("config.json none"));
  EXPECT_THAT(chosen("", "user", "fr-CA"), ElementsAre("user.fr-CA.md exact"));
}

TEST(Choose, DoesNotWidenALocaleToARegionThatNobodyAskedFor) {
  EXPECT_THAT(chosen("", "user", "fr"), ElementsAre("user.md none"));
}

TEST(Choose, LooksAtEachKindForItself) {
  EXPECT_THAT(chosen("", "", "en"), ElementsAre("config.json none", "golden/1.en.md exact", "golden/2.en.md exact",
                                                "system.en.md exact", "user.md none"));
}

TEST(Choose, GivesNothingForAKindThatIsNotThere) {
  EXPECT_THAT(chosen("letter", "", ""), IsEmpty());
  EXPECT_THAT(chosen("golden_example", "system", ""), IsEmpty());
}

}  // namespace
}  // namespace bundlesync::cli
