#include "bundle/path_rules.hpp"

#include "bundle/semver.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

namespace bundlesync::bundle {
namespace {

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_letter_or_digit(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

bool is_segment_byte(char c) {
  return is_letter_or_digit(c) || std::string_view("._-+@=,() ").contains(c);
}
bool is_name_byte(char c) {
  return is_lower_or_digit(c) || std::string_view("._-").contains(c);
}

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

std::string folded(std::string_view path) {
  std::string lower(path);
  for (auto& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// The sentences double as the list of all codes.
constexpr std::array<std::pair<std::string_view, std::string_view>, 20> sentences = {{
    {"path_empty", "a path must not be empty"},
    {"path_too_long", "a path has at most 200 bytes"},
    {"path_absolute", "a path must not begin with '/'"},
    {"path_empty_segment", "a path must not contain '//' or end with '/'"},
    {"path_dotdot", "a path must not contain '.' or '..' as a segment"},
    {"path_hidden", "no segment of a path may begin with '.'"},
    {"path_segment_too_long", "a segment of a path has at most 100 bytes"},
    {"path_character", "a path is made of A-Z a-z 0-9 . _ - + @ = , ( ) inner spaces and '/'"},
    {"path_edge", "no segment of a path may begin or end with a space or end with '.'"},
    {"path_too_deep", "a path has at most 8 segments"},
    {"path_twice", "two files must not have the same path"},
    {"path_case_twin", "two paths must not differ only in upper and lower case"},
    {"path_under_file", "a file must not have the path of another file's directory"},
    {"name_empty", "a template's name must not be empty"},
    {"name_too_long", "a template's name has at most 100 bytes"},
    {"name_hidden", "a template's name must not begin with '.'"},
    {"name_character", "a template's name is made of a-z 0-9 . _ -"},
    {"name_start", "a template's name begins with a-z or 0-9"},
    {"version_invalid", "a version is 1 to 64 of A-Z a-z 0-9 . + - and begins with a letter or digit"},
    {"semver_invalid", "a version is written as semver.org 2.0.0 says, as in 1.4.0 or 2.0.0-rc.1, in at most 64 bytes"},
}};

}  // namespace

std::optional<std::string_view> path_problem(std::string_view path) {
  if (path.empty()) return "path_empty";
  if (path.size() > path_bytes_max) return "path_too_long";
  if (path.front() == '/') return "path_absolute";
  const auto parts = segments(path);
  const auto any = [&parts](auto rule) { return std::ranges::any_of(parts, rule); };
  if (any([](std::string_view part) { return part.empty(); })) return "path_empty_segment";
  if (any([](std::string_view part) { return part == "." || part == ".."; })) return "path_dotdot";
  if (any([](std::string_view part) { return part.front() == '.'; })) return "path_hidden";
  if (any([](std::string_view part) { return part.size() > segment_bytes_max; })) return "path_segment_too_long";
  if (any([](std::string_view part) { return !std::ranges::all_of(part, is_segment_byte); })) return "path_character";
  const auto bad_edge = [](std::string_view part) {
    return part.front() == ' ' || part.back() == ' ' || part.back() == '.';
  };
  if (any(bad_edge)) return "path_edge";
  if (parts.size() > path_segments_max) return "path_too_deep";
  return std::nullopt;
}

std::optional<std::string_view> name_problem(std::string_view name) {
  if (name.empty()) return "name_empty";
  if (name.size() > name_bytes_max) return "name_too_long";
  if (name.front() == '.') return "name_hidden";
  if (!std::ranges::all_of(name, is_name_byte)) return "name_character";
  if (!is_lower_or_digit(name.front())) return "name_start";
  return std::nullopt;
}

std::optional<std::string_view> semver_problem(std::string_view version) {
  if (version.size() > semver_bytes_max || !parse_semver(version)) return "semver_invalid";
  return std::nullopt;
}

std::optional<std::string_view> version_problem(std::string_view version) {
  const auto is_label_byte = [](char c) { return is_letter_or_digit(c) || c == '.' || c == '+' || c == '-'; };
  if (version.empty() || version.size() > semver_bytes_max) return "version_invalid";
  if (version.front() == '.' || version.front() == '-') return "version_invalid";  // it begins a directory's name
  if (!std::ranges::all_of(version, is_label_byte)) return "version_invalid";
  return std::nullopt;
}

std::optional<BundleProblem> bundle_problem(std::span<const File> files) {
  std::vector<std::string_view> paths;
  for (const auto& file : files) {
    if (const auto problem = path_problem(file.path)) return BundleProblem{std::string(*problem), file.path};
    paths.push_back(file.path);
  }
  std::ranges::sort(paths);  // the verdict does not depend on the order of the files
  if (const auto twin = std::ranges::adjacent_find(paths); twin != paths.end()) {
    return BundleProblem{"path_twice", std::string(*twin)};
  }
  std::map<std::string, std::string_view> by_folded;
  for (const auto path : paths) {
    if (!by_folded.emplace(folded(path), path).second) return BundleProblem{"path_case_twin", std::string(path)};
  }
  for (const auto path : paths) {
    const auto lower = folded(path);
    for (auto slash = lower.find('/'); slash != std::string::npos; slash = lower.find('/', slash + 1)) {
      if (by_folded.contains(lower.substr(0, slash))) return BundleProblem{"path_under_file", std::string(path)};
    }
  }
  return std::nullopt;
}

std::string_view describe_problem(std::string_view reason) {
  const auto found = std::ranges::find(sentences, reason, &std::pair<std::string_view, std::string_view>::first);
  return found == sentences.end() ? std::string_view() : found->second;
}

}  // namespace bundlesync::bundle
