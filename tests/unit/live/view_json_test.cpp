#include "live/live_view.hpp"

#include <gtest/gtest.h>

namespace bundlesync::live {
namespace {

plan::View view() {
  plan::View view;
  view.number = 42;
  plan::Shown shown;
  shown.tree = {"section7", "1.0.1-9f2c4be07a11"};
  shown.version = "1.0.1";
  shown.manifest = Digest::of("m");
  shown.source = plan::Source::remote;
  shown.epoch = "e";
  shown.template_id = "t-1";
  shown.generation = 17;
  shown.change = 812'233;
  shown.activated_at = "2026-03-01T09:30:00.000Z";
  view.templates["section7"] = shown;
  plan::Shown bare;
  bare.tree = {"intake", "filesystem-9f2c4be07a11"};
  bare.version = "filesystem";
  bare.source = plan::Source::filesystem;
  view.templates["intake"] = bare;
  return view;
}

TEST(ViewJson, ComesBackAsItWas) {
  EXPECT_EQ(view_from_json(view_to_json(view())).value(), view());
}

TEST(ViewJson, IsDamagedWhereverItIsGarbled) {
  const std::string text = view_to_json(view());
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string garbled = text;
    garbled[at] = '\x01';
    EXPECT_EQ(view_from_json(garbled).error().kind(), ErrorKind::damaged) << at;
    auto cut = view_from_json(std::string_view(text).substr(0, at));
    EXPECT_TRUE(!cut || *cut == view());
  }
}

TEST(ViewJson, BelievesNoNameThatLeadsElsewhere) {
  std::string text = view_to_json(view());
  text.replace(text.find("1.0.1-9f2c4be07a11"), 18, "../../../etc");
  auto read = view_from_json(text);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().reason(), "name_invalid");
}

}  // namespace
}  // namespace bundlesync::live
