#pragma once

#include "cli/command_tree.hpp"
#include "cli/verbs.hpp"

#include <string>
#include <string_view>

namespace bundlesync::cli {

/// A script that makes a shell ("bash", else zsh) complete command lines of this tree: commands, flags and their
/// values, and, where a template belongs, the names that the target shows. Nothing of ours runs while it completes.
std::string completion_script(std::string_view shell, const CommandTree& tree);

Result<ExitCode> print_completion(const Context& context, const std::string& shell, const CommandTree& tree);

}  // namespace bundlesync::cli
