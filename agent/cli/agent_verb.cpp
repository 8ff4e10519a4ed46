#include "base/units.hpp"
#include "cli/agent_command.hpp"
#include "cli/verbs.hpp"

namespace bundlesync::cli {

Result<ExitCode> agent(const Context& context, const AgentArguments& arguments) {
  AgentOptions options;
  options.once = arguments.once;
  options.strict = arguments.strict;
  auto timeout = parse_duration(arguments.timeout);
  if (!timeout) return fail(std::move(timeout.error()).within("--timeout"));
  options.timeout = *timeout;
  auto settings = context.settings(settings::Purpose::agent);
  if (!settings) return fail(settings.error());
  return run_agent(*settings, options);
}

}  // namespace bundlesync::cli
