#include "cli/cli.hpp"

#include "cli/command_line.hpp"
#include "cli/verbs.hpp"

#include <ostream>

namespace bundlesync::cli {

int run(const std::vector<std::string>& arguments, const Streams& streams, const Environment& environment) {
  Context context{streams, environment, {}, {}, false};
  auto chosen = parse_command_line(arguments, context);
  Result<ExitCode> ended = ExitCode::done;
  if (!chosen) {
    ended = fail(chosen.error());
  } else if (!chosen->help.empty()) {
    streams.out << chosen->help;
  } else {
    ended = chosen->verb(context);
  }
  streams.out.flush();
  if (ended && !streams.out) ended = fail(ErrorKind::failed, "cannot write to the standard output");
  if (!ended) print_error(streams, environment, ended.error());
  return static_cast<int>(ended ? *ended : ended.error().exit_code());
}

}  // namespace bundlesync::cli
