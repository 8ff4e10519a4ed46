#include "cli/command_tree.hpp"

#include <CLI/CLI.hpp>

namespace bundlesync::cli {

CommandTree tree_of(const CLI::App& app) {
  CommandTree tree;
  tree.name = app.get_name();
  tree.about = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) {
      tree.arguments.push_back(option->get_name(true));
      continue;
    }
    const bool takes_value = option->get_items_expected_max() > 0;
    tree.flags.push_back(CommandTree::Flag{"--" + option->get_lnames().front(),
                                           takes_value ? option->get_type_name() : "", option->get_description()});
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    tree.commands.push_back(tree_of(*command));
  }
  return tree;
}

}  // namespace bundlesync::cli
