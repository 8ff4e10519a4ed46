#include "verdicts.hpp"

#include "support/process.hpp"
#include "support/temp_dir.hpp"

#include <boost/json.hpp>

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace bundlesync::tests {

std::string text_of_source(const std::string& path) {
  std::ifstream file(std::string(BUNDLESYNC_SOURCE_DIR) + "/" + path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<std::vector<std::string>> verdicts(const std::string& schema, const std::vector<std::string>& texts) {
  const TempDir home;
  boost::json::array list;
  for (const auto& text : texts) list.emplace_back(text);
  std::ofstream(home / "documents.json") << list;
  const std::string path = std::string(BUNDLESYNC_SOURCE_DIR) + "/config/" + schema;
  const auto ended = run(Command{{"/usr/bin/python3", BUNDLESYNC_SCHEMA_JUDGE, path, home / "documents.json"},
                                 {{"PYTHONDONTWRITEBYTECODE", "1"}, {"LC_ALL", "C.UTF-8"}},
                                 std::nullopt,
                                 std::nullopt});
  if (ended.code == 77 || ended.code == 127) return std::nullopt;
  if (ended.code != 0) throw std::runtime_error(ended.out + ended.err);
  std::vector<std::string> lines;
  std::istringstream out(ended.out);
  for (std::string line; std::getline(out, line);) lines.push_back(line);
  if (lines.size() != texts.size()) throw std::runtime_error("judged " + std::to_string(lines.size()) + " documents");
  return lines;
}

}  // namespace bundlesync::tests
