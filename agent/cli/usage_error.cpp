#include "cli/usage_error.hpp"

#include "base/nearest.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>
#include <string_view>
#include <utility>

namespace bundlesync::cli {
namespace {

/// The word that stands where a command of `app` belongs; empty where there is none.
std::string word_for(const CLI::App& app, const std::vector<std::string>& arguments) {
  std::size_t depth = 0;
  for (const CLI::App* above = app.get_parent(); above != nullptr; above = above->get_parent()) ++depth;
  for (const auto& argument : arguments) {
    if (argument.starts_with('-')) continue;
    if (depth-- == 0) return argument;
  }
  return "";
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

Error no_such_command(const CLI::App& app, const std::string& word) {
  const std::vector<std::string> names = commands_of(app);
  if (word.empty()) {
    return Error(ErrorKind::usage, full_name(app) + " needs a command: " + fmt::format("{}", fmt::join(names, ", ")));
  }
  Error error(ErrorKind::usage, fmt::format("there is no command '{} {}'", full_name(app), word));
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const auto meant = nearest(word, candidates);
  return meant ? std::move(error).with_hint(fmt::format("did you mean {} {}?", full_name(app), *meant)) : error;
}

/// Only the first word too many is named, and of a flag only its name: what follows may be a secret that somebody tried
/// to pass.
Error unexpected(const CLI::App& app, const CLI::App& at) {
  const std::vector<std::string> rest = app.remaining(true);
  const std::string word = rest.empty() ? "" : rest.front().substr(0, rest.front().find('='));
  if (!word.starts_with("--")) return Error(ErrorKind::usage, fmt::format("{} takes no '{}'", full_name(at), word));
  Error error(ErrorKind::usage, fmt::format("{} has no flag {}", full_name(at), word));
  std::vector<std::string> names;
  for (const CLI::Option* option : at.get_options()) {
    if (!option->get_lnames().empty()) names.push_back("--" + option->get_lnames().front());
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const auto meant = nearest(word, candidates);
  if (meant == word)
    return std::move(error).with_hint(fmt::format("flags stand behind the command: write {} last", word));
  return meant ? std::move(error).with_hint(fmt::format("did you mean {}?", *meant)) : error;
}

/// CLI11's words in our manner: lower case, no full stop.
std::string fact_of(const CLI::ParseError& thrown) {
  std::string fact = thrown.what();
  const auto is = [&](std::size_t i, int (*test)(int)) {
    return i < fact.size() && test(static_cast<unsigned char>(fact[i])) != 0;
  };
  if (is(0, std::isupper) && is(1, std::islower)) fact[0] = static_cast<char>(fact[0] - 'A' + 'a');
  while (fact.ends_with('.') || fact.ends_with('\n')) fact.pop_back();
  return fact;
}

}  // namespace

const CLI::App& innermost(const CLI::App& app) {
  const CLI::App* found = &app;
  while (!found->get_subcommands().empty()) found = found->get_subcommands().front();
  return *found;
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

Error usage_error(const CLI::App& app, const CLI::ParseError& thrown, const std::vector<std::string>& arguments) {
  const CLI::App& at = innermost(app);
  const bool wants_command = at.get_require_subcommand_min() > 0;
  const bool too_many = dynamic_cast<const CLI::ExtrasError*>(&thrown) != nullptr;
  Error error = wants_command ? no_such_command(at, word_for(at, arguments))
                : too_many    ? unexpected(app, at)
                              : Error(ErrorKind::usage, fact_of(thrown));
  return std::move(error).with_hint("see " + full_name(at) + " --help");
}

}  // namespace bundlesync::cli
