#include "publish/differences.hpp"

#include <map>

namespace bundlesync::publish {

FileLine line_of(const bundle::File& file) {
  FileLine line;
  line.path = file.path;
  line.sha256 = file.sha256.hex();
  line.bytes = file.size.value_or(0);
  line.kind = file.kind;
  line.locale = file.locale;
  line.role = file.role;
  return line;
}

std::vector<FileLine> lines_of(std::span<const bundle::File> files) {
  std::vector<FileLine> lines;
  lines.reserve(files.size());
  for (const auto& file : files) lines.push_back(line_of(file));
  return lines;
}

Compared compare(std::span<const bundle::File> before, std::span<const bundle::File> after) {
  std::map<std::string, FileDifference> all;
  for (const auto& file : before) {
    auto& difference = all[file.path];
    difference.what = Difference::removed;
    difference.before = line_of(file);
    difference.before_key = file.storage_path;
  }
  for (const auto& file : after) {
    auto& difference = all[file.path];
    difference.what = difference.before ? Difference::changed : Difference::added;
    difference.after = line_of(file);
    difference.after_key = file.storage_path;
  }

  Compared compared;
  for (auto& [path, difference] : all) {
    if (difference.before == difference.after) {
      ++compared.same;
      continue;
    }
    difference.path = path;
    compared.files.push_back(std::move(difference));
  }
  return compared;
}

std::string_view to_string(Difference difference) {
  switch (difference) {
    case Difference::added:
      return "added";
    case Difference::removed:
      return "removed";
    case Difference::changed:
      return "changed";
  }
  return "";
}

}  // namespace bundlesync::publish
