#include "cli/publish_json.hpp"

#include "cli/output.hpp"

#include <boost/json.hpp>

namespace bundlesync::cli {

boost::json::object to_json(const publish::FileLine& file) {
  return {{"path", file.path},
          {"sha256", file.sha256},
          {"bytes", file.bytes},
          {"kind", text_or_null(file.kind)},
          {"locale", text_or_null(file.locale)},
          {"role", text_or_null(file.role)}};
}

boost::json::array to_json(std::span<const publish::FileLine> files) {
  boost::json::array rows;
  for (const auto& file : files) rows.push_back(to_json(file));
  return rows;
}

boost::json::array to_json(std::span<const publish::Problem> problems) {
  boost::json::array rows;
  for (const auto& problem : problems) {
    const bool error = problem.severity == publish::Problem::Severity::error;
    rows.push_back({{"severity", error ? "error" : "warning"},
                    {"reason", problem.reason},
                    {"path", text_or_null(problem.path)},
                    {"text", problem.text},
                    {"hint", text_or_null(problem.hint)}});
  }
  return rows;
}

}  // namespace bundlesync::cli
