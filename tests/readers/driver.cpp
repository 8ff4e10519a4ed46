#include "readers/driver.hpp"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace bundlesync::tests {
namespace fs = std::filesystem;
namespace {

const std::string recipes = BUNDLESYNC_RECIPES;
const std::string drivers = BUNDLESYNC_READER_DRIVERS;

Command command_of(const std::string& language) {
  static const std::map<std::string, std::vector<std::string>> words = {
      {"bash", {BUNDLESYNC_BASH, drivers + "/drive.sh", recipes + "/prompts.sh"}},
      {"python", {BUNDLESYNC_PYTHON3, "-B", drivers + "/drive.py", recipes + "/prompts.py"}},
      {"node", {BUNDLESYNC_NODE, drivers + "/drive.mjs", recipes + "/prompts.mjs"}},
      {"go", {BUNDLESYNC_GO_DRIVER}},
      {"cpp", {BUNDLESYNC_CPP_DRIVER}}};
  Command command;
  command.words = words.at(language);
  command.environment = {{"PATH", "/usr/bin:/bin"}};
  return command;
}

Command command_of(const std::string& language, const fs::path& target, const fs::path& out,
                   const std::vector<std::string>& names) {
  Command command = command_of(language);
  command.words.push_back(target.string());
  command.words.push_back(out.string());
  command.words.insert(command.words.end(), names.begin(), names.end());
  return command;
}

std::map<std::string, std::string> files_in(const fs::path& directory) {
  std::map<std::string, std::string> result;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    result[entry.path().lexically_relative(directory).string()].assign(std::istreambuf_iterator<char>(file), {});
  }
  return result;
}

}  // namespace

const std::vector<std::string>& languages() {
  static const std::vector<std::string> all = {"bash", "python", "node", "go", "cpp"};
  return all;
}

Driver::Driver(const std::string& language, const fs::path& target, fs::path out, const std::vector<std::string>& names)
    : out_(std::move(out)), process_(command_of(language, target, out_, names)) {}

DriverReport Driver::stop() {
  std::ofstream(out_ / "stop").flush();
  const auto code = process_.wait(std::chrono::seconds(30));
  if (!code) throw std::runtime_error("the driver does not end:\n" + process_.err());
  DriverReport report;
  report.code = *code;
  report.err = process_.err();
  const std::string out = process_.out();
  if (std::sscanf(out.c_str(), "reads=%lu errors=%lu changes=%lu", &report.reads, &report.errors, &report.changes) !=
      3) {
    throw std::runtime_error("the driver said '" + out + "' and\n" + report.err);
  }
  for (const auto& entry : fs::directory_iterator(out_)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("seen-")) report.seen.push_back(files_in(entry.path()));
    if (name == "last") report.last = files_in(entry.path());
  }
  return report;
}

Files files_below(const std::map<std::string, std::string>& by_name, const std::string& template_name) {
  Files files;
  const std::string prefix = template_name + "/";
  for (const auto& [name, bytes] : by_name) {
    if (name.starts_with(prefix)) files[name.substr(prefix.size())] = bytes;
  }
  return files;
}

}  // namespace bundlesync::tests
