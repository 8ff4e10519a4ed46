#include "cli/completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <ostream>
#include <set>

namespace bundlesync::cli {
namespace {

/// The choices of "auto|text|json"; a word in capitals ("V") is a name for what goes there, no choice.
std::string choices_of(std::string_view value) {
  std::string choices;
  while (!value.empty()) {
    const auto bar = std::min(value.find('|'), value.size());
    const auto choice = value.substr(0, bar);
    if (std::ranges::any_of(choice, [](unsigned char c) { return std::islower(c) != 0; })) {
      choices += (choices.empty() ? "" : " ") + std::string(choice);
    }
    value.remove_prefix(std::min(bar + 1, value.size()));
  }
  return choices;
}

/// What goes behind a flag or in the place of an argument, as a statement of the script.
std::string statement_of(std::string_view what) {
  if (what == "FILE") return "kind=files";
  if (what == "DIR") return "kind=directories";
  if (what == "T" || what == "T[@V]") return "kind=templates";
  if (what == "SHELL") return "kind=choices choices='bash zsh'";
  if (what.find('|') != std::string_view::npos) return fmt::format("kind=choices choices='{}'", choices_of(what));
  return "kind=nothing";
}

void add_names(const CommandTree& tree, const std::string& above, std::string& names) {
  for (const auto& command : tree.commands) {
    const std::string name = above + " " + command.name;
    names += (names.empty() ? "'" : " | '") + name + "'";
    add_names(command, name, names);
  }
}

void add_value_flags(const CommandTree& tree, std::set<std::string>& flags) {
  for (const auto& command : tree.commands) {
    for (const auto& flag : command.flags) {
      if (!flag.value.empty()) flags.insert(flag.name);
    }
    add_value_flags(command, flags);
  }
}

std::string joined(const std::set<std::string>& words, std::string_view between) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

/// One branch a command: its flags, its commands, what goes behind each flag, and what its arguments are.
void add_branches(const CommandTree& tree, const std::string& name, std::string& out) {
  std::string flags;
  std::string values;
  for (const auto& flag : tree.flags) {
    flags += (flags.empty() ? "" : " ") + flag.name;
    if (!flag.value.empty()) values += fmt::format("        {}) {} ;;\n", flag.name, statement_of(flag.value));
  }
  std::string commands;
  for (const auto& command : tree.commands) commands += (commands.empty() ? "" : " ") + command.name;
  out += fmt::format("    '{}')\n      flags='{}'\n", name, flags);
  if (!commands.empty()) out += fmt::format("      kind=choices choices='{}'\n", commands);
  for (std::size_t i = 0; i < tree.arguments.size(); ++i) {
    const bool again = tree.arguments[i].ends_with("[@V]");
    out += fmt::format("      [[ $given -{} {} ]] && {}\n", again ? "ge" : "eq", i, statement_of(tree.arguments[i]));
  }
  if (!values.empty()) out += "      case $previous in\n" + values + "      esac\n";
  out += "      ;;\n";
  for (const auto& command : tree.commands) add_branches(command, name + " " + command.name, out);
}

constexpr std::string_view bash_head =
    R"sh(# Completion of bundlesync for bash. To load it: source <(bundlesync completion bash)
_bundlesync_templates() {
  local target=${BUNDLESYNC_TARGET-} i entry
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ ${COMP_WORDS[i]} == --target ]] || continue
    target=${COMP_WORDS[i + 1]}
    [[ $target == = ]] && target=${COMP_WORDS[i + 2]}
  done
  [[ -n $target ]] || return 0
  for entry in "$target"/*; do
    [[ -d $entry ]] && printf '%s\n' "${entry##*/}"
  done
}
_bundlesync() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command=bundlesync flags='' choices='' kind='' given=0 i
  [[ $current == = ]] && current=''
  [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
  for ((i = 1; i < COMP_CWORD; ++i)); do
)sh";

constexpr std::string_view bash_tail = R"sh(  COMPREPLY=()
  if [[ $current == -* ]]; then
    kind=choices choices=$flags
  fi
  case $kind in
    choices) mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current") ;;
    templates) [[ $previous == @ ]] || mapfile -t COMPREPLY < <(compgen -W "$(_bundlesync_templates)" -- "$current") ;;
    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    directories) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
  esac
}
complete -F _bundlesync bundlesync
)sh";

constexpr std::string_view zsh_head = R"sh(#compdef bundlesync
# Completion of bundlesync for zsh. To load it: source <(bundlesync completion zsh)
_bundlesync_templates() {
  local target=${BUNDLESYNC_TARGET-} i entry
  for ((i = 2; i < CURRENT; ++i)); do
    [[ ${words[i]} == --target ]] && target=${words[i + 1]}
    [[ ${words[i]} == --target=* ]] && target=${words[i]#--target=}
  done
  [[ -n $target ]] || return 0
  for entry in $target/*(N-/); do
    print -r -- ${entry:t}
  done
}
_bundlesync() {
  local current=${words[CURRENT]} previous=${words[CURRENT - 1]}
  local command=bundlesync flags='' choices='' kind='' given=0 i
  if [[ $current == --*=* ]]; then
    previous=${current%%=*} current=${current#*=}
    compset -P '*='
  fi
  for ((i = 2; i < CURRENT; ++i)); do
)sh";

constexpr std::string_view zsh_tail = R"sh(  if [[ $current == -* ]]; then
    kind=choices choices=$flags
  fi
  case $kind in
    choices) compadd -- ${=choices} ;;
    templates) compadd -- ${(f)"$(_bundlesync_templates)"} ;;
    files) _files ;;
    directories) _files -/ ;;
  esac
}
if [[ $funcstack[1] == _bundlesync ]]; then
  _bundlesync "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _bundlesync bundlesync
fi
)sh";

}  // namespace

std::string completion_script(std::string_view shell, const CommandTree& tree) {
  const bool bash = shell == "bash";
  const std::string word = bash ? "${COMP_WORDS[i]}" : "${words[i]}";
  std::string names;
  add_names(tree, tree.name, names);
  std::set<std::string> value_flags;
  add_value_flags(tree, value_flags);
  std::string branches;
  add_branches(tree, tree.name, branches);

  std::string out(bash ? bash_head : zsh_head);
  out += fmt::format("    case \"$command {}\" in\n      {})\n", word, names);
  out += fmt::format("        command=\"$command {}\" given=0\n        continue\n        ;;\n    esac\n", word);
  out += fmt::format("    case {} in\n      {}) ", word, joined(value_flags, " | "));
  // bash takes "--target=DIR" apart at the "=".
  out += bash ? "((i += 1)); [[ ${COMP_WORDS[i]-} == = ]] && ((i += 1)) ;;\n" : "((i += 1)) ;;\n";
  out += "      -*) ;;\n      *) given=$((given + 1)) ;;\n    esac\n  done\n";
  out += "  case \"$command\" in\n" + branches + "  esac\n";
  return out + std::string(bash ? bash_tail : zsh_tail);
}

Result<ExitCode> print_completion(const Context& context, const std::string& shell, const CommandTree& tree) {
  context.out() << completion_script(shell, tree);
  return ExitCode::done;
}

}  // namespace bundlesync::cli
