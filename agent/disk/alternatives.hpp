#pragma once

#include "base/error.hpp"
#include "bundle/limits.hpp"
#include "disk/files.hpp"
#include "plan/observed.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace bundlesync::disk {

/// What the local and the fallback directory offer, read only: nothing in them is ever opened for writing.
struct Alternatives {
  std::map<std::string, plan::Alternative> by_template;
  std::vector<std::string> warnings;  ///< one line a file or template that was left out, with the reason
};

using Limits = bundle::Limits;

/// `<dir>/<template>/manifest.json` and the files it names. A template whose manifest cannot be used is left out with a
/// warning. No directory is no alternatives.
Result<Alternatives> scan_local(Files& files, const std::filesystem::path& dir, const Limits& limits);
/// The bare files of `<dir>/<template>/…`, version "filesystem". Links that stay inside the directory are followed (a
/// ConfigMap mount is made of them: names that begin with ".." are its own and skipped), dot files are skipped, a name
/// outside the path rules drops that file with a warning.
Result<Alternatives> scan_filesystem(Files& files, const std::filesystem::path& dir, const Limits& limits);
/// Where the bytes of an alternative's file are, for Stage::take_from.
std::filesystem::path alternative_path(const std::filesystem::path& dir, const std::string& template_name,
                                       const std::string& file_path);

}  // namespace bundlesync::disk
