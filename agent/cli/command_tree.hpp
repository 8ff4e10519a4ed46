#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace bundlesync::cli {

/// A command as its users know it, without what it does.
struct CommandTree {
  struct Flag {
    std::string name;   ///< "--config"
    std::string value;  ///< "FILE", "auto|text|json"; empty: it takes none
    std::string about;  ///< what its help says
    bool operator==(const Flag&) const = default;
  };
  std::string name;
  std::string about;
  std::vector<Flag> flags;
  std::vector<std::string> arguments;  ///< "T", "DIR", in order; the last may be there several times
  std::vector<CommandTree> commands;
  bool operator==(const CommandTree&) const = default;
};

CommandTree tree_of(const CLI::App& app);

}  // namespace bundlesync::cli
