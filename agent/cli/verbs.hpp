#pragma once

#include "base/error.hpp"
#include "base/exit_code.hpp"
#include "cli/cli.hpp"
#include "cli/output.hpp"
#include "settings/settings.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

/// One function a verb, one file a function. Each gets what was typed as values and gives its exit code, or an error
/// that run() prints.
namespace bundlesync::cli {

/// What every verb has.
struct Context {
  const Streams& streams;
  const Environment& environment;
  std::string config;                        ///< --config; empty: BUNDLESYNC_CONFIG, else no file
  std::map<std::string, std::string> flags;  ///< option key to text
  bool json = false;

  std::ostream& out() const { return streams.out; }
  std::ostream& err() const { return streams.err; }
  /// Warnings go to err. Errors are usage.
  Result<settings::Settings> settings(settings::Purpose purpose) const;
  /// As `settings(people)`, and usage where no target is set.
  Result<settings::Settings> settings_with_target() const;
};

struct AgentArguments {
  bool once = false;
  bool strict = false;
  std::string timeout = "10s";
};
Result<ExitCode> agent(const Context& context, const AgentArguments& arguments);

struct PublishArguments {
  std::string directory;
  std::string template_name;
  std::string version;
  std::string changelog;
  std::string sign;  ///< file with the private key; "-": standard input; empty: do not sign
  bool set_default = false;
  bool dry_run = false;
  bool abandon = false;
};
Result<ExitCode> publish(const Context& context, const PublishArguments& arguments);

Result<ExitCode> key_generate(const Context& context, const std::string& file);
Result<ExitCode> key_show(const Context& context, const std::string& file);

struct CheckArguments {
  std::string directory;
  std::string template_name;
  std::string version;
  std::string against;    ///< a version or "default"; empty: the database is not asked
  bool breaking = false;  ///< what readers would miss is an error; asks for the default
};
Result<ExitCode> check(const Context& context, const CheckArguments& arguments);

struct MoveArguments {
  std::string template_name;
  std::string version;  ///< of rollback: empty for the default before the current one
  std::string reason;
};
Result<ExitCode> set_default(const Context& context, const MoveArguments& arguments);
Result<ExitCode> rollback(const Context& context, const MoveArguments& arguments);

struct ListArguments {
  std::string template_name;  ///< empty: all templates
  bool drafts = false;
};
Result<ExitCode> list(const Context& context, const ListArguments& arguments);
Result<ExitCode> history(const Context& context, const std::string& template_name);

struct DiffArguments {
  std::string template_name;
  std::string before;
  std::string after;
  bool stat = false;
  bool name_only = false;
};
Result<ExitCode> diff(const Context& context, const DiffArguments& arguments);

struct MigrateArguments {
  bool status = false;
  bool adopt = false;
};
Result<ExitCode> migrate(const Context& context, const MigrateArguments& arguments);
Result<ExitCode> new_epoch(const Context& context, const std::string& reason);

struct BucketArguments {
  bool setup = false;          ///< else only look
  std::string readers;         ///< the role that agents read as; empty: one of its own
  std::string agent_key_file;  ///< empty: BUNDLESYNC_AGENT_STORAGE_KEY, BUNDLESYNC_AGENT_STORAGE_KEY_FILE
  bool no_probe = false;
  bool as_agent = false;  ///< a file store: this user is the agent's
};
Result<ExitCode> bucket(const Context& context, const BucketArguments& arguments);

Result<ExitCode> status(const Context& context);

Result<ExitCode> explain(const Context& context, const std::string& template_name);

struct WaitArguments {
  std::vector<std::string> wanted;  ///< "T" or "T@V"; empty: every wanted template of the settings
  std::string timeout = "30s";
};
Result<ExitCode> wait(const Context& context, const WaitArguments& arguments);

struct ResolveArguments {
  std::string template_name;
  std::string kind;
  std::string role;
  std::string locale;
};
Result<ExitCode> resolve(const Context& context, const ResolveArguments& arguments);
Result<ExitCode> verify(const Context& context);
Result<ExitCode> health(const Context& context, bool ready);

Result<ExitCode> config_check(const Context& context);
Result<ExitCode> config_print(const Context& context, bool origin);
Result<ExitCode> config_reference(const Context& context);
Result<ExitCode> show_version(const Context& context);

}  // namespace bundlesync::cli
