#include "cli/why.hpp"

#include <fmt/format.h>

namespace bundlesync::cli {
namespace {

using report::TemplateLine;

bool shows_alternative(const TemplateLine& line) {
  return line.source == "local" || line.source == "filesystem";
}

std::string wanted(const TemplateLine& line) {
  return line.desired_version.empty() ? "what the catalog names" : line.desired_version;
}

/// "(digest_mismatch: path=a.md …)"; empty where nothing is known.
std::string cause(const TemplateLine& line) {
  if (line.reason.empty() && line.detail.empty()) return "";
  const std::string both = line.reason + (line.reason.empty() || line.detail.empty() ? "" : ": ") + line.detail;
  return " (" + both + ")";
}

/// What is shown while what is wanted is not.
std::string instead(const TemplateLine& line) {
  if (line.version.empty()) return "; nothing is shown";
  if (line.source == "local") return "; the files of local_dir are shown";
  if (line.source == "filesystem") return "; the files of fallback_dir are shown";
  return line.version == line.desired_version ? "" : "; " + line.version + " stays";
}

std::string not_followed(const TemplateLine& line) {
  if (line.reason == "not_enabled") return "the catalog has it with enabled = false";
  if (line.reason == "no_default") return "the catalog names no default version";
  if (line.reason == "deleted") return "it was deleted from the catalog";
  if (line.reason == "not_in_catalog") return "the catalog has no template of this name";
  if (line.reason == "database_not_reached") return "the database was not reached since the agent started";
  if (line.reason == "nothing_anywhere") return "remote is off, and there are no files of it on this disk";
  return "there is nothing good of it" + cause(line);
}

}  // namespace

std::string why(const TemplateLine& line) {
  const std::string& state = line.state;
  if (state == "current") return "it is the default that the catalog names";
  if (state == "moving") return wanted(line) + " is complete on disk and about to be shown" + instead(line);
  if (state == "fetching") return "fetching: " + wanted(line) + " is on its way" + instead(line);
  if (state == "validating")
    return "validating: " + wanted(line) + " is here, and the validator is asked" + instead(line);
  if (state == "retrying") return "retrying: " + wanted(line) + " could not be had" + cause(line) + instead(line);
  if (state == "blocked") {
    return "blocked: another template of the same change cannot be had, and both are shown together or not at all" +
           cause(line) + instead(line);
  }
  if (state == "refused") return "refused: " + wanted(line) + " breaks a rule" + cause(line) + instead(line);
  if (state == "held") {
    return "held: the catalog names an older generation than was shown before" + cause(line) + instead(line);
  }
  if (state == "standalone") {
    return shows_alternative(line) ? "fallback: remote is off" + instead(line)
                                   : "remote is off: what was shown last stays";
  }
  if (state == "unknown") return "only the agent knows, and it cannot be asked here";
  if (state == "absent") return not_followed(line) + instead(line);
  const bool fallback = shows_alternative(line);
  return (fallback ? "fallback: " : "") + not_followed(line) + (fallback ? instead(line) : "; the last good stays");
}

std::string remedy(const TemplateLine& line) {
  if (line.state == "held") return "after a restore from a backup: bundlesync catalog new-epoch --reason TEXT";
  if (line.state == "refused") {
    return fmt::format("publish a good version, or go back: bundlesync rollback {}", line.name);
  }
  if (line.state == "blocked") return "mend or roll back the template that is named";
  if (line.state == "standalone") return "FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE=true follows the catalog";
  if (line.state == "unknown") return "run it as the agent's user, or ask the agent's /status";
  return "";
}

}  // namespace bundlesync::cli
