#include "cli/version.hpp"

#include "cli/verbs.hpp"

#include <boost/json.hpp>
#include <boost/version.hpp>
#include <fmt/format.h>

#include <ostream>

namespace bundlesync::cli {

std::string_view version() {
  return BUNDLESYNC_VERSION;
}

Result<ExitCode> show_version(const Context& context) {
  if (!context.json) {
    context.out() << "bundlesync " << version() << '\n';
    return ExitCode::done;
  }
  boost::json::object object = document();
  object["version"] = version();
  object["compiler"] = fmt::format("{} {}", BUNDLESYNC_COMPILER, __VERSION__);
  object["build_type"] = BUNDLESYNC_BUILD_TYPE;
  object["boost"] = BOOST_LIB_VERSION;
  print_json(context.out(), object);
  return ExitCode::done;
}

}  // namespace bundlesync::cli
