#pragma once

#include "cli/command_tree.hpp"
#include "cli/verbs.hpp"

#include <string>

namespace bundlesync::cli {

/// bundlesync(1), as roff with man's macros: every command and flag of the tree, every setting of the option table.
std::string man_page(const CommandTree& tree);

Result<ExitCode> print_man_page(const Context& context, const CommandTree& tree);

}  // namespace bundlesync::cli
