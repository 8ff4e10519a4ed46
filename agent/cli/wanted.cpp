#include "cli/wanted.hpp"

#include "bundle/path_rules.hpp"

#include <fmt/format.h>

namespace bundlesync::cli {

Result<Wanted> parse_wanted(std::string_view text) {
  const auto at = text.find('@');
  Wanted wanted;
  wanted.template_name = text.substr(0, at);
  if (const auto problem = bundle::name_problem(wanted.template_name)) {
    return fail(ErrorKind::usage, fmt::format("'{}' is no template name", wanted.template_name),
                std::string(bundle::describe_problem(*problem)));
  }
  if (at == std::string_view::npos) return wanted;
  wanted.version = text.substr(at + 1);
  if (const auto problem = bundle::version_problem(wanted.version)) {
    return fail(ErrorKind::usage, fmt::format("'{}' in '{}' is no version", wanted.version, text),
                std::string(bundle::describe_problem(*problem)));
  }
  return wanted;
}

bool is_shown(const Wanted& wanted, const plan::View& view) {
  const auto shown = view.templates.find(wanted.template_name);
  return shown != view.templates.end() && (wanted.version.empty() || shown->second.version == wanted.version);
}

std::string to_string(const Wanted& wanted) {
  return wanted.version.empty() ? wanted.template_name : wanted.template_name + " " + wanted.version;
}

}  // namespace bundlesync::cli
