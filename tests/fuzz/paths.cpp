// Names, versions and paths: whatever is let through is harmless.
#include "bundle/path_rules.hpp"
#include "fuzz/fuzz.hpp"

#include <algorithm>
#include <vector>

using namespace bundlesync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  if (!bundle::path_problem(text)) {
    fuzz::must(!text.empty() && text.size() <= bundle::path_bytes_max, "a path has 1 to 200 bytes");
    fuzz::must(text.front() != '/' && text.back() != '/', "a path is relative");
    fuzz::must(("/" + std::string(text) + "/").find("/.") == std::string::npos, "no segment begins with a dot");
    fuzz::must(std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f && c != '\\' && c != '%'; }),
               "a path is printable ASCII without escapes");
  }
  if (!bundle::name_problem(text)) {
    // It may end with '.', which a path of a bundle may not.
    fuzz::must(!bundle::path_problem(std::string(text.substr(0, 99)) + "_"), "a name is a segment of a path");
    fuzz::must(text.find('/') == std::string_view::npos, "a name is one segment");
  }
  if (!bundle::semver_problem(text)) fuzz::must(!bundle::version_problem(text), "a semver is a version");
  if (!bundle::version_problem(text)) fuzz::must(text.find('/') == std::string_view::npos, "a version is one segment");

  std::vector<bundle::File> files;
  for (std::size_t begin = 0; begin <= text.size() && files.size() < 50;) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    files.emplace_back().path = text.substr(begin, end - begin);
    begin = end + 1;
  }
  if (const auto problem = bundle::bundle_problem(files)) {
    fuzz::must(!bundle::describe_problem(problem->reason).empty(), "every reason has words");
  } else {
    for (const auto& one : files) {
      for (const auto& other : files) {
        fuzz::must(&one == &other || one.path != other.path, "no path twice");
        fuzz::must(!other.path.starts_with(one.path + "/"), "no file below a file");
      }
    }
  }
  return 0;
}
