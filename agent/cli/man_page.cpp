#include "cli/man_page.hpp"

#include "cli/version.hpp"
#include "settings/option.hpp"

#include <fmt/format.h>

#include <ostream>
#include <string_view>

namespace bundlesync::cli {
namespace {

/// So that roff prints it as it stands: '-' is not a hyphen, and no line begins with a control character.
std::string roff(std::string_view text) {
  std::string out = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

/// A tagged paragraph: the tag in bold, what goes behind it in italics.
std::string tagged(std::string_view tag, std::string_view behind, std::string_view text) {
  std::string out = ".TP\n\\fB" + roff(tag) + "\\fR";
  if (!behind.empty()) out += " \\fI" + roff(behind) + "\\fR";
  return out + "\n" + roff(text) + "\n";
}

void add_command(const CommandTree& tree, const std::string& above, std::string& out) {
  const std::string name = above + " " + tree.name;
  if (!tree.commands.empty()) {
    for (const auto& command : tree.commands) add_command(command, name, out);
    return;
  }
  std::string arguments;
  for (const auto& argument : tree.arguments) arguments += (arguments.empty() ? "" : " ") + argument;
  out += ".SS \"" + roff(name) + (arguments.empty() ? "" : " " + roff(arguments)) + "\"\n" + roff(tree.about) + ".\n";
  for (const auto& flag : tree.flags) {
    if (flag.name != "--help") out += tagged(flag.name, flag.value, flag.about);
  }
}

std::string meaning_of(const settings::Option& option) {
  std::string text(option.meaning);
  if (const auto range = settings::allowed(option); !range.empty() && option.type != settings::Type::path) {
    text += " Allowed: " + range + ".";
  }
  if (!option.standard.empty()) text += " Default: " + std::string(option.standard) + ".";
  return text;
}

std::string settings_section() {
  std::string out =
      ".SH SETTINGS\nEach by its key in the settings file (YAML) or by its variable; variables win over the file, "
      "flags "
      "over both.\n";
  for (const auto& option : settings::options()) {
    std::string variable = settings::environment_name(option);
    std::string key(option.key);
    if (option.type == settings::Type::secret) {
      variable += ", " + variable + "_FILE";
      key += ", " + key + "_file";
    }
    std::string meaning = meaning_of(option);
    if (!option.conventional.empty())
      meaning += " Commands for people also take " + std::string(option.conventional) + ".";
    out += tagged(key, variable, meaning);
  }
  return out;
}

constexpr std::string_view kFiles =
    R"(.SH ENVIRONMENT
Besides the variables of settings:
.TP
.B BUNDLESYNC_CONFIG
The settings file, where there is no \-\-config.
.TP
.B BUNDLESYNC_ACTOR
Who moves defaults and publishes, as history and explain name it; else the login of the database.
.TP
.B BUNDLESYNC_AGENT_STORAGE_KEY\fR, \fBBUNDLESYNC_AGENT_STORAGE_KEY_FILE
The key that agents are to have, for bucket check.
.TP
.B NO_COLOR
No colours on terminals either.
.SH FILES
.TP
.I /etc/bundlesync/agent.yaml
Settings of bundlesync.service. The service of an instance, bundlesync@NAME, reads NAME.yaml beside it.
.TP
.I /var/lib/bundlesync/prompts
The target of bundlesync.service: what apps read.
.SH EXIT STATUS
.nf
0    done
1    failed
2    usage or settings
3    differences found
4    not authorised
5    conflict: somebody moved first, or the version exists with other content
6    not converged in time
7    another agent holds the target
100  lint failed
.fi
)";

}  // namespace

std::string man_page(const CommandTree& tree) {
  std::string out = fmt::format(".TH BUNDLESYNC 1 \"\" \"bundlesync {}\" \"\"\n", roff(version()));
  out += ".SH NAME\nbundlesync \\- keep a directory of prompt bundles in step with Postgres\n";
  out += ".SH SYNOPSIS\n\\fBbundlesync\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR ...]\n";
  out += ".SH COMMANDS\n";
  for (const auto& command : tree.commands) add_command(command, tree.name, out);
  return out + settings_section() + std::string(kFiles);
}

Result<ExitCode> print_man_page(const Context& context, const CommandTree& tree) {
  context.out() << man_page(tree);
  return ExitCode::done;
}

}  // namespace bundlesync::cli
