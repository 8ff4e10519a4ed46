#pragma once

#include "base/error.hpp"
#include "cli/verbs.hpp"

#include <functional>
#include <string>
#include <vector>

namespace bundlesync::cli {

/// What a command line asks for: a verb with its arguments, or a help text to print.
struct Chosen {
  std::function<Result<ExitCode>(const Context&)> verb;
  std::string help;
};

/// Reads a command line (without the program's name). `context` gets what every verb shares: --config, --json and the
/// flags of settings. Errors are usage, with the nearest known word where one was meant.
Result<Chosen> parse_command_line(const std::vector<std::string>& arguments, Context& context);

}  // namespace bundlesync::cli
