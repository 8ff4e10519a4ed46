#pragma once

#include "base/error.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

/// What CLI11 finds wrong with a command line, in our manner.
namespace bundlesync::cli {

/// The innermost command that was typed.
const CLI::App& innermost(const CLI::App& app);
/// "bundlesync config print"
std::string full_name(const CLI::App& app);

/// With the nearest known word where one was meant, and where the help is.
Error usage_error(const CLI::App& app, const CLI::ParseError& thrown, const std::vector<std::string>& arguments);

}  // namespace bundlesync::cli
