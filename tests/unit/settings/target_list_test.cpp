#include "settings/target_list.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace bundlesync::settings {
namespace {

std::string error_of(std::string_view text) {
  const auto value = parse_targets(text);
  if (value) return "no error";
  EXPECT_EQ(value.error().kind(), ErrorKind::usage);
  return value.error().fact();
}

TEST(TargetList, TakesPathsWithTheirTemplatesAndNamesThemAfterThePath) {
  const auto value = parse_targets(
      R"([{"path": "/prompts/med/", "templates": ["section7*", "intake"]}, {"path": "/srv/ops", "templates": "*", "name": "o"}])");
  ASSERT_TRUE(value) << value.error().text();
  const Target med{"med", "/prompts/med", {"section7*", "intake"}};
  const Target ops{"o", "/srv/ops", {"*"}};
  EXPECT_EQ(value->targets, (std::vector<Target>{med, ops}));
  EXPECT_EQ(value->text, R"([{"name":"med","path":"/prompts/med","templates":["section7*","intake"]},)"
                         R"({"name":"o","path":"/srv/ops","templates":["*"]}])");
  EXPECT_EQ(parse_targets(value->text)->text, value->text) << "what is printed reads back the same";
}

TEST(TargetList, SaysWhichIsWrongAndHow) {
  EXPECT_EQ(error_of("[]"), "0 targets, allowed are 1 to 64");
  EXPECT_EQ(error_of("{}"), "targets is no list");
  EXPECT_EQ(error_of(R"([{"templates": "*"}])"), "targets[0]: path is missing");
  EXPECT_EQ(error_of(R"([{"path": "/a", "templates": "*"}, {"path": "b", "templates": "*"}])"),
            "targets[1]: path: 'b' is not an absolute path");
  EXPECT_EQ(error_of(R"([{"path": "/a", "templates": "../x"}])"),
            "targets[0]: templates: '../x' is no template name or glob");
  EXPECT_EQ(error_of(R"([{"path": "/a", "templates": 3}])"), "targets[0]: templates: expected a list of names");
  EXPECT_EQ(error_of(R"([{"path": "/a", "templates": []}])"), "targets[0]: templates: '' has an empty name");
  EXPECT_EQ(error_of(R"([{"path": "/a", "templates": "*", "template": "b"}])"),
            "targets[0]: template is not a known key");
  EXPECT_EQ(error_of(R"([{"path": "/a b", "templates": "*"}])"), "targets[0]: 'a b' is no name of a target");
}

TEST(TargetList, RefusesTwoThatAreInEachOthersWay) {
  EXPECT_EQ(error_of(R"([{"path": "/a", "templates": "*"}, {"path": "/a/b", "templates": "*"}])"),
            "targets '/a' and '/a/b' are inside each other");
  EXPECT_EQ(error_of(R"([{"path": "/a", "templates": "x"}, {"path": "/a", "templates": "y"}])"),
            "targets '/a' and '/a' are inside each other");
  EXPECT_EQ(error_of(R"([{"path": "/a/p", "templates": "x"}, {"path": "/b/p", "templates": "y"}])"),
            "targets '/a/p' and '/b/p' are both named 'p'");
}

Sources of_yaml(std::string text) {
  Sources sources;
  sources.yaml = YamlText{"agent.yaml", std::move(text)};
  return sources;
}

TEST(TargetList, MayBeWrittenAsYaml) {
  const auto settings =
      load(of_yaml("targets:\n"
                   "  - path: /prompts/med\n"
                   "    templates: [section7*, intake]\n"
                   "  - {path: /prompts/ops, templates: \"*\"}\n"));
  ASSERT_TRUE(settings) << settings.error().text();
  ASSERT_EQ(settings->targets.size(), 2U);
  EXPECT_EQ(settings->targets[0].templates, (std::vector<std::string>{"section7*", "intake"}));
  EXPECT_EQ(settings->targets[1].path, "/prompts/ops");
}

TEST(TargetList, OneTargetAloneIsAListOfOne) {
  const auto settings = load(of_yaml("target: /prompts\ntemplates: a,b\n"));
  ASSERT_TRUE(settings) << settings.error().text();
  const Target only{"", "/prompts", {"a", "b"}};
  EXPECT_EQ(settings->targets, (std::vector<Target>{only}));
}

TEST(TargetList, DoesNotGoWithATargetBesideIt) {
  const auto both = load(of_yaml("target: /prompts\ntargets: [{path: /a, templates: x}]\n"));
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().text(),
            "targets and target are both set\nhint: keep one of the two: each of targets has its "
            "own path and templates");
  const auto inside = load(of_yaml("fallback_dir: /a/x\ntargets: [{path: /a, templates: x}]\n"));
  ASSERT_FALSE(inside);
  EXPECT_EQ(inside.error().fact(), "target '/a' and fallback_dir '/a/x' are inside each other");
}

TEST(TargetList, PeoplePickOneByItsPath) {
  Sources sources = of_yaml("targets: [{path: /a, templates: x}, {path: /b, templates: y}]\n");
  sources.purpose = Purpose::people;
  sources.flags["target"] = "/b";
  const auto settings = load(sources);
  ASSERT_TRUE(settings) << settings.error().text();
  EXPECT_EQ(settings->target, "/b");
  EXPECT_EQ(settings->templates, std::vector<std::string>{"y"});
}

TEST(TargetList, ManyAliasesInYamlEndInAnErrorNotInAllOfTheMemory) {
  std::string text = "targets:\n  - &a [x, x, x, x, x, x, x, x]\n";
  for (char name = 'b'; name < 'k'; ++name) {
    const std::string before = std::string("*") + static_cast<char>(name - 1);
    text += std::string("  - &") + name + " [" + before;
    for (int i = 0; i < 7; ++i) text += ", " + before;
    text += "]\n";
  }
  EXPECT_FALSE(load(of_yaml(text)));
}

}  // namespace
}  // namespace bundlesync::settings
