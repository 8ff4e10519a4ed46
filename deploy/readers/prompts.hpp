// Reads files that bundlesync shows, all of one moment. Copy this file into your app: C++17, POSIX, nothing else.
//
//   prompts::Prompts prompts("/prompts", {"section7/section7_master.md", "section7/config.json"});
//   const std::string text = prompts.files()->at("section7/section7_master.md");  // as often as you like
#pragma once

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace prompts {

using Files = std::map<std::string, std::string>;  // "template/path" to bytes

// Changes with everything that is shown, and never comes back: a rollback is a new view, too.
inline std::string current_view(const std::string& target) {
  return std::filesystem::read_symlink(target + "/..data").string();
}

inline std::string read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  std::string bytes;
  char piece[16384];
  while (file && !std::feof(file.get()) && !std::ferror(file.get())) {
    bytes.append(piece, std::fread(piece, 1, sizeof piece, file.get()));
  }
  if (!file || std::ferror(file.get())) throw std::system_error(errno, std::generic_category(), path);
  return bytes;
}

// The view and its files: files of one template are of one version, and several templates are of one moment. Throws
// std::system_error when a file is not there.
inline std::pair<std::string, Files> read(const std::string& target, const std::vector<std::string>& names) {
  for (int attempt = 1;; ++attempt) {
    try {
      std::pair<std::string, Files> seen(current_view(target), {});  // once: a second look could give the next version
      for (const auto& name : names) seen.second[name] = read_file(target + "/" + seen.first + "/" + name);
      return seen;
    } catch (const std::system_error& error) {
      // Old views stay for a while. Whoever slept longer finds nothing, and looks for the new one.
      if (attempt == 5 || (error.code().value() != ENOENT && error.code().value() != ESTALE)) throw;
    }
  }
}

// Reads again when something has changed. Threads may share it.
class Prompts {
 public:
  Prompts(std::string target, std::vector<std::string> names) : target_(std::move(target)), names_(std::move(names)) {}

  std::shared_ptr<const Files> files() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (current_view(target_) != view_) {  // about a microsecond
      auto [view, files] = read(target_, names_);
      files_ = std::make_shared<const Files>(std::move(files));
      view_ = view;
    }
    return files_;
  }

 private:
  const std::string target_;
  const std::vector<std::string> names_;
  std::mutex mutex_;
  std::string view_;
  std::shared_ptr<const Files> files_;
};

}  // namespace prompts
