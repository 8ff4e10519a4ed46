#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

// What the README says of the recipes is what the files say.
namespace bundlesync::tests {
namespace fs = std::filesystem;
namespace {

const fs::path source = BUNDLESYNC_SOURCE;

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Code of the README that a comment on the line above says to be a file's: `<!-- from deploy/readers/prompts.sh -->`.
struct Shown {
  std::string file;
  std::string code;
};

std::vector<Shown> shown_in(const std::string& readme) {
  std::vector<Shown> result;
  std::istringstream lines(readme);
  std::string line;
  const std::string before = "<!-- from ";
  const std::string after = " -->";
  while (std::getline(lines, line)) {
    if (!line.starts_with(before) || !line.ends_with(after)) continue;
    Shown shown;
    shown.file = line.substr(before.size(), line.size() - before.size() - after.size());
    EXPECT_TRUE(std::getline(lines, line) && line.starts_with("```")) << "no code after " << shown.file;
    while (std::getline(lines, line) && line != "```") shown.code += line + "\n";
    result.push_back(shown);
  }
  return result;
}

TEST(Readme, ShowsTheShellRecipeAsItIs) {
  const auto shown = shown_in(text_of(source / "README.md"));
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].file, "deploy/readers/prompts.sh");
  EXPECT_NE(shown[0].code, "");
  const std::string file = "\n" + text_of(source / shown[0].file);
  EXPECT_NE(file.find("\n" + shown[0].code), std::string::npos) << "README.md shows other code than the file has";
}

TEST(Readme, ListsEveryRecipe) {
  const std::string readme = text_of(source / "README.md");
  std::size_t recipes = 0;
  for (const auto& entry : fs::directory_iterator(source / "deploy/readers")) {
    const std::string path = "deploy/readers/" + entry.path().filename().string();
    EXPECT_NE(readme.find("[" + path + "](" + path + ")"), std::string::npos) << path;
    ++recipes;
  }
  EXPECT_EQ(recipes, 5U);
}

}  // namespace
}  // namespace bundlesync::tests
