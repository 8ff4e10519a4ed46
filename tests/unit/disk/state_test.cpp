#include "disk/state.hpp"

#include "crash/world.hpp"
#include "disk/state_json.hpp"

#include <gtest/gtest.h>

namespace bundlesync::disk {
namespace {

namespace fs = std::filesystem;
using testing::make_goods;
using testing::read_text;
using testing::TempDir;
using testing::write_text;

class StateTest : public ::testing::Test {
 protected:
  StateTest() {
    Target::Options options;
    options.path = dir_.path();
    target_ = std::move(*Target::open(files_, options));
    store_ = StateStore::make(*target_);
    state_.last_view = 42;
    state_.epoch = "5f0c6f0e-0000-4000-8000-000000000001";
    plan::Accepted accepted;
    accepted.generation = 17;
    accepted.version = "1.1.0";
    accepted.manifest = Digest::of("m");
    state_.accepted[{state_.epoch, "t-1"}] = accepted;
    state_.trees[{"section7", "1.1.0-9f2c4be07a11"}] = Digest::of("m");
  }
  fs::path file(const std::string& name) const { return dir_.path() / "..bundlesync/state" / name; }
  TempDir dir_;
  RealFiles files_;
  std::unique_ptr<Target> target_;
  std::unique_ptr<StateStore> store_;
  State state_;
};

TEST_F(StateTest, IsEmptyWhereThereIsNone) {
  EXPECT_EQ(store_->load().value(), State());
  EXPECT_EQ(store_->load_desired().value(), plan::Desired());
  EXPECT_EQ(store_->load_status().error().kind(), ErrorKind::not_found);
}

TEST_F(StateTest, ComesBackAsSavedAndOnlyForItsOwner) {
  ASSERT_TRUE(store_->save(state_));
  EXPECT_EQ(store_->load().value(), state_);
  EXPECT_EQ(static_cast<unsigned>(fs::status(file("state.json")).permissions()), 0600U);
  state_.last_view = 43;
  ASSERT_TRUE(store_->save(state_));
  EXPECT_EQ(store_->load().value(), state_);
  EXPECT_EQ(testing::left_overs(dir_.path()), std::vector<std::string>());
}

/// Cut or changed at any place: said to be damaged, or (a blank lost) the same state; never another one, never a crash.
TEST_F(StateTest, IsDamagedWhereverItIsCut) {
  ASSERT_TRUE(store_->save(state_));
  const std::string text = read_text(file("state.json"));
  for (std::size_t size = 0; size < text.size(); ++size) {
    auto cut = state_from_json(std::string_view(text).substr(0, size));
    if (cut) {
      EXPECT_EQ(*cut, state_);
    } else {
      EXPECT_EQ(cut.error().kind(), ErrorKind::damaged);
    }
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string garbled = text;
    garbled[at] = '\x01';
    auto read = state_from_json(garbled);
    ASSERT_FALSE(read) << at;
    EXPECT_EQ(read.error().kind(), ErrorKind::damaged);
  }
}

TEST_F(StateTest, SaysWhichFileIsDamagedAndWhatHappensNext) {
  write_text(file("state.json"), "{}");
  auto state = store_->load();
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().text(), file("").parent_path().string() +
                                      ": state.json: format is missing\nhint: the agent goes on without it and writes "
                                      "it anew; `bundlesync verify` looks at the rest");
  ASSERT_TRUE(store_->save(state_));
  EXPECT_EQ(store_->load().value(), state_);
}

TEST_F(StateTest, BelievesNoNameThatLeadsElsewhere) {
  ASSERT_TRUE(store_->save(state_));
  const std::string text = read_text(file("state.json"));
  for (const auto* name : {"../../etc", "x/../y", ".stage-1"}) {
    std::string edited = text;
    edited.replace(edited.find("1.1.0-9f2c4be07a11"), 18, name);
    EXPECT_EQ(state_from_json(edited).error().reason(), "name_invalid") << name;
  }
}

TEST_F(StateTest, KeepsEveryFieldOfWhatWasDesired) {
  plan::Desired desired;
  desired.epoch = "e";
  plan::WantedTemplate wanted;
  wanted.id = "t-1";
  wanted.name = "section7";
  wanted.enabled = false;
  wanted.deleted = true;
  wanted.generation = 17;
  wanted.change = 812'233;
  wanted.changed_at = "2026-03-01T09:30:00.000Z";
  wanted.history = 5512;
  wanted.problem = "default_of_other_template";
  plan::WantedVersion version;
  version.id = "v-1";
  version.version = "1.0.0";
  version.status = "stable";
  version.signature = "s";
  version.problem = "version_draft";
  version.bundle = make_goods("section7", "1.0.0").bundle;
  version.bundle.files[0].size.reset();
  version.bundle.files[0].path = "../kept as it was, to be refused again";
  version.bundle.files[1].storage_path = "section7/v1.0.0/x";
  version.bundle.files[1].content_type = "text/markdown";
  version.manifest = Digest::of("m");
  version.recorded_manifest = Digest::of("r");
  wanted.current = version;
  version.recorded_manifest.reset();
  wanted.previous = version;
  desired.templates["section7"] = wanted;
  desired.templates["other"] = plan::WantedTemplate();
  desired.templates["other"].name = "other";
  desired.moved_together[812'233] = {"section7", "intake"};
  ASSERT_TRUE(store_->save_desired(desired));
  EXPECT_EQ(store_->load_desired().value(), desired);
  write_text(file("desired.json"), "[");
  EXPECT_EQ(store_->load_desired().error().kind(), ErrorKind::damaged);
}

TEST_F(StateTest, RemembersVetoes) {
  auto store = StateStore::make(*target_);
  EXPECT_TRUE(store->load_vetoes().value().empty());
  Vetoes vetoes;
  const plan::ContentKey content{"section7", "1.1.0", Digest::of("x")};
  vetoes[content].answer = plan::Validation::Answer::vetoed;
  vetoes[content].generation = 17;
  vetoes[content].text = "no {{name}} in \"it\"";
  ASSERT_TRUE(store->save_vetoes(vetoes));
  const auto loaded = store->load_vetoes().value();
  ASSERT_EQ(loaded.size(), 1U);
  EXPECT_EQ(loaded.begin()->first, content);
  EXPECT_EQ(loaded.begin()->second.answer, plan::Validation::Answer::vetoed);
  EXPECT_EQ(loaded.begin()->second.generation, 17U);
  EXPECT_EQ(loaded.begin()->second.text, "no {{name}} in \"it\"");
  EXPECT_EQ(vetoes_from_json("{\"format\": 1, \"vetoes\": [{}]}").error().kind(), ErrorKind::damaged);
}

TEST_F(StateTest, ReplacesTheStatusWhole) {
  ASSERT_TRUE(store_->save_status("{\"a\": 1}"));
  ASSERT_TRUE(store_->save_status("{}"));
  EXPECT_EQ(store_->load_status().value(), "{}");
}

}  // namespace
}  // namespace bundlesync::disk
