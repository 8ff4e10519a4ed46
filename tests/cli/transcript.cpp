#include "transcript.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace bundlesync::cli {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string prefixed(char prefix, const std::string& text) {
  std::string result;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) result += fmt::format("{} {}\n", prefix, line);
  if (!text.empty() && text.back() != '\n') result += fmt::format("{} (no newline at the end)\n", prefix);
  return result;
}

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

std::vector<Step> read_transcript(const fs::path& file) {
  std::vector<Step> steps;
  std::vector<std::string> before;
  std::istringstream in(slurp(file));
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("$ ")) {
      steps.push_back(Step{std::exchange(before, {}), line.substr(2), ""});
    } else if (line.empty() || line.starts_with('#')) {
      before.push_back(line);
    } else if (!steps.empty() && before.empty() && line.find_first_of("|!=") == 0) {
      steps.back().output += line + '\n';
    } else {
      throw std::runtime_error(file.string() + ": not a line of a transcript: " + line);
    }
  }
  return steps;
}

std::string write_transcript(const std::vector<Step>& steps) {
  std::string text;
  for (const auto& step : steps) {
    for (const auto& line : step.before) text += line + '\n';
    text += "$ " + step.command + '\n' + step.output;
  }
  return text;
}

Session::Session(fs::path binary, std::string environment)
    : binary_(std::move(binary)), environment_(std::move(environment)) {
  std::string pattern = (fs::temp_directory_path() / "bundlesync-cli-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  directory_ = fs::canonical(pattern);
  fs::create_directory(directory_ / "work");
}

Session::~Session() {
  // Trees are read-only; somebody who is not root must give himself the right to remove them.
  std::error_code ignored;
  for (fs::recursive_directory_iterator entry(directory_, ignored), end; entry != end; entry.increment(ignored)) {
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) {
      fs::permissions(entry->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
    }
  }
  fs::remove_all(directory_, ignored);
}

std::string Session::run(const std::string& command) {
  std::ofstream(directory_ / "command") << command << '\n';
  const std::string line = fmt::format(
      "cd '{0}/work' && env -i PATH='{1}:/usr/bin:/bin' DIR='{0}/work' {2} timeout -k 1 30 sh '{0}/command' "
      ">'{0}/out' 2>'{0}/err' </dev/null",
      directory_.string(), binary_.parent_path().string(), environment_);
  const int status = std::system(line.c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::string output = prefixed('|', slurp(directory_ / "out")) + prefixed('!', slurp(directory_ / "err"));
  if (code != 0) output += fmt::format("= {}\n", code);
  return normalised(std::move(output));
}

std::string Session::normalised(std::string text) const {
  const auto replace = [&](const std::string& pattern, const char* with) {
    text = std::regex_replace(text, std::regex(pattern), with);
  };
  const std::string work = (directory_ / "work").string();
  for (auto at = text.find(work); at != std::string::npos; at = text.find(work)) text.replace(at, work.size(), "$DIR");
  replace(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z)", "<time>");
  replace(R"(\([0-9.]+s ago\))", "(<age> ago)");
  replace(R"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", "<uuid>");
  replace(R"re(("changed_xid": )"\d+")re", "$1\"<change>\"");
  replace(R"(pid \d+)", "pid <pid>");
  replace("writer    " + host_name() + " ", "writer    <host> ");
  return text;
}

}  // namespace bundlesync::cli
