#include "crash/world.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sys/stat.h>

namespace bundlesync::live {
namespace {

namespace fs = std::filesystem;
using namespace bundlesync::testing;

class LiveViewTest : public ::testing::Test {
 protected:
  LiveViewTest() { restart(); }
  void restart() {
    machine_.reset();
    auto machine = Machine::start(files_, dir_.path());
    ASSERT_TRUE(machine) << machine.error().text();
    machine_ = std::move(*machine);
  }
  void show(const Wanted& wanted) {
    auto shown = machine_->converge(wanted);
    ASSERT_TRUE(shown) << shown.error().text();
  }
  std::uint64_t number() { return machine_->live().read()->number; }
  fs::path own(const std::string& name) const { return dir_.path() / "..bundlesync" / name; }
  std::set<std::string> names(const fs::path& dir) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(dir)) names.insert(entry.path().filename().string());
    return names;
  }

  TempDir dir_;
  disk::RealFiles files_;
  std::unique_ptr<Machine> machine_;
  Goods intake_ = make_goods("intake", "1.0.0");
  Goods one_ = make_goods("section7", "1.0.0");
  Goods two_ = make_goods("section7", "1.1.0");
};

TEST_F(LiveViewTest, ShowsNothingAtFirst) {
  EXPECT_EQ(machine_->live().read().value(), plan::View());
  EXPECT_EQ(names(dir_.path()), std::set<std::string>{"..bundlesync"});
}

TEST_F(LiveViewTest, LooksAsTheContractSays) {
  const mode_t before = ::umask(0077);
  show(want({one_, intake_}));
  ::umask(before);
  EXPECT_EQ(names(dir_.path()), (std::set<std::string>{"..bundlesync", "..data", "intake", "section7"}));
  EXPECT_EQ(fs::read_symlink(dir_.path() / "..data"), "..bundlesync/views/00000001");
  EXPECT_EQ(fs::read_symlink(dir_.path() / "section7"), "..data/section7");
  EXPECT_EQ(fs::read_symlink(dir_.path() / "..data/section7"),
            "../../trees/section7/1.0.0-" + one_.manifest().short_hex());
  EXPECT_EQ(names(dir_.path() / "..data"), (std::set<std::string>{".view.json", "intake", "section7"}));
  EXPECT_EQ(read_text(dir_.path() / "section7/master.md"), one_.bytes.at("master.md"));
  struct stat info{};
  ASSERT_EQ(::stat((dir_.path() / "..data/.view.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0444U);
  ASSERT_EQ(::stat((dir_.path() / "..data").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0555U);
}

TEST_F(LiveViewTest, GivesEveryViewANumberOfItsOwn) {
  show(want({one_}));
  show(want({two_}));
  show(want({one_}));
  EXPECT_EQ(number(), 3U);
  // Whoever loses the state does not reuse a number that is there.
  fs::remove(own("state/state.json"));
  restart();
  show(want({two_}));
  EXPECT_EQ(number(), 4U);
  // Nor does who loses the views.
  machine_->state().last_view = 99;
  show(want({one_}));
  EXPECT_EQ(number(), 100U);
  restart();
  EXPECT_EQ(machine_->state().last_view, 100U);
}

TEST_F(LiveViewTest, DropsTheLinkOfATemplateThatLeft) {
  show(want({one_, intake_}));
  fs::create_symlink("..data/nothing-of-ours", dir_.path() / "notes");
  show(want({one_}));
  EXPECT_EQ(names(dir_.path()), (std::set<std::string>{"..bundlesync", "..data", "notes", "section7"}));
  show(want({one_, intake_}));
  EXPECT_EQ(read_text(dir_.path() / "intake/master.md"), intake_.bytes.at("master.md"));
}

TEST_F(LiveViewTest, NeverRemovesADirectoryInPlaceOfTheData) {
  write_text(dir_.path() / "..data/by-a-human", "x");
  const auto before = names(dir_.path());
  auto shown = machine_->converge(want({one_}));
  ASSERT_FALSE(shown);
  EXPECT_EQ(shown.error().kind(), ErrorKind::damaged);
  EXPECT_EQ(shown.error().reason(), "name_taken");
  EXPECT_EQ(shown.error().text(), (dir_.path() / "..data").string() +
                                      " is a directory, not a link of the agent's\nhint: move it away, the agent then "
                                      "makes its link; the agent removes nothing that it did not make");
  EXPECT_EQ(names(dir_.path()), before);
  EXPECT_EQ(read_text(dir_.path() / "..data/by-a-human"), "x");
  fs::remove_all(dir_.path() / "..data");
  show(want({one_}));
}

TEST_F(LiveViewTest, ReportsADirectoryInPlaceOfATemplateAndShowsTheOthers) {
  write_text(dir_.path() / "intake/by-a-human", "x");
  auto shown = machine_->converge(want({one_, intake_}));
  ASSERT_FALSE(shown);
  EXPECT_EQ(shown.error().reason(), "name_taken");
  EXPECT_EQ(shown.error().fact(), (dir_.path() / "intake").string() + " is a directory, not a link of the agent's");
  EXPECT_EQ(read_text(dir_.path() / "intake/by-a-human"), "x");
  EXPECT_EQ(read_text(dir_.path() / "section7/master.md"), one_.bytes.at("master.md"));
  EXPECT_EQ(read_text(dir_.path() / "..data/intake/master.md"), intake_.bytes.at("master.md"));
}

TEST_F(LiveViewTest, ShowsNoTreeThatIsNotThere) {
  show(want({one_}));
  auto templates = machine_->live().read()->templates;
  templates.at("section7").tree.name = "9.9.9-9f2c4be07a11";
  auto shown = machine_->live().show(templates, machine_->state());
  ASSERT_FALSE(shown);
  EXPECT_EQ(shown.error().reason(), "tree_missing");
  EXPECT_EQ(number(), 1U);
  templates.at("section7").tree.template_name = "..";
  EXPECT_FALSE(machine_->live().show(templates, machine_->state()));
}

/// What a neighbour writes into .view.json changes nothing but what is told about a template.
TEST_F(LiveViewTest, BelievesTheLinksAndNotTheText) {
  show(want({one_}));
  const fs::path dir = fs::canonical(dir_.path() / "..data");
  fs::permissions(dir, fs::perms::owner_all);
  fs::permissions(dir / ".view.json", fs::perms::owner_all);
  const auto shown = machine_->live().read().value();
  write_text(dir / ".view.json", "garbled");
  auto read = machine_->live().read();
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->templates.at("section7").tree, shown.templates.at("section7").tree);
  EXPECT_EQ(read->templates.at("section7").version, "1.0.0");
  EXPECT_TRUE(read->templates.at("section7").manifest.is_zero());
  auto other = shown;
  other.templates.at("section7").tree.name = "9.9.9-9f2c4be07a11";
  write_text(dir / ".view.json", view_to_json(other));
  EXPECT_EQ(machine_->live().read()->templates.at("section7").tree, shown.templates.at("section7").tree);
}

TEST_F(LiveViewTest, TidiesAllButTheLastViews) {
  for (int i = 0; i < 3; ++i) {
    show(want({one_}));
    show(want({two_}));
  }
  ASSERT_TRUE(machine_->live().tidy(2));
  EXPECT_EQ(names(own("views")), (std::set<std::string>{"00000004", "00000005", "00000006"}));
  ASSERT_TRUE(machine_->live().tidy(0));
  EXPECT_EQ(names(own("views")), std::set<std::string>{"00000006"});
  EXPECT_EQ(torn(dir_.path(), {want({two_})}, false), "");
}

}  // namespace
}  // namespace bundlesync::live
