#include "cli/command_line.hpp"

#include "base/nearest.hpp"
#include "cli/version.hpp"
#include "settings/option.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>

// The only file that includes CLI11: it takes long to compile.
namespace bundlesync::cli {
namespace {

/// What a help text shows behind a flag.
std::string type_name(const settings::Option& option) {
  switch (option.type) {
    case settings::Type::path:
      return "DIR";
    case settings::Type::names:
      return "NAMES";
    case settings::Type::address:
      return "HOST:PORT";
    case settings::Type::storage_url:
      return "URL";
    case settings::Type::duration:
      return "D";
    case settings::Type::choice:
      return fmt::format("{}", fmt::join(option.choices, "|"));
    default:
      return "TEXT";
  }
}

/// Without the full stop; an ellipsis ends no sentence.
std::string first_sentence(std::string_view text) {
  std::size_t end = text.find(". ");
  while (end != std::string_view::npos && end > 0 && text[end - 1] == '.') end = text.find(". ", end + 1);
  text = text.substr(0, end);
  if (text.ends_with('.') && !text.ends_with("..")) text.remove_suffix(1);
  return std::string(text);
}

constexpr const char* kAbout = "Keeps a directory of prompt bundles in step with Postgres.";

/// Builds the tree of commands; what is typed lands in the arguments, which live as long as the tree.
class Builder {
 public:
  explicit Builder(Context& context) : context_(context), app_(std::make_unique<CLI::App>(kAbout, "bundlesync")) {
    app_->require_subcommand(1);
    app_->set_version_flag("--version", "bundlesync " + std::string(version()));
    app_->get_formatter()->column_width(28);
    add_agent();
    add_publishing();
    add_reading();
    add_database();
    add_target();
    add_config();
  }

  CLI::App& app() { return *app_; }
  Chosen& chosen() { return chosen_; }

 private:
  template <class Verb>
  void on(CLI::App& command, Verb verb) {
    command.callback([this, verb] { chosen_.verb = verb; });
  }
  CLI::App& command(CLI::App& parent, const std::string& name, const std::string& about) {
    CLI::App& made = *parent.add_subcommand(name, about);
    made.get_formatter()->column_width(28);
    made.add_option("--config", context_.config, "Settings file (YAML); else BUNDLESYNC_CONFIG")->type_name("FILE");
    return made;
  }
  void json(CLI::App& command) { command.add_flag("--json", context_.json, "Print JSON (with schema_version)"); }

  /// Flags of the option table; all of them where no key is named.
  void settings_flags(CLI::App& command, std::initializer_list<std::string_view> keys = {}) {
    for (const auto& option : settings::options()) {
      if (option.flag.empty()) continue;
      if (keys.size() != 0 && std::ranges::find(keys, option.key) == keys.end()) continue;
      const std::string key(option.key);
      const auto keep = [this, key](const std::string& text) { context_.flags[key] = text; };
      CLI::Option* flag = nullptr;
      if (option.type == settings::Type::boolean) {
        flag = command.add_flag_callback(std::string(option.flag), [keep] { keep("true"); });
      } else {
        flag = command.add_option_function<std::string>(std::string(option.flag), keep);
        flag->type_name(type_name(option));
      }
      flag->description(first_sentence(option.meaning));
    }
  }

  void add_agent() {
    CLI::App& made = command(*app_, "agent", "Follow the catalog: keep the target as it should be");
    const auto given = std::make_shared<AgentArguments>();
    made.add_flag("--once", given->once, "Bring the target up to date and end (for init containers)");
    made.add_flag("--strict", given->strict, "With --once: 0 only if all show the desired version, else 6")
        ->needs("--once");
    made.add_option("--timeout", given->timeout, "With --once: how long to try (10s)")->needs("--once")->type_name("D");
    settings_flags(made);
    on(made, [given](const Context& context) { return agent(context, *given); });
  }

  void add_publishing() {
    CLI::App& made = command(*app_, "publish", "Publish a directory as a version of a template");
    const auto given = std::make_shared<PublishArguments>();
    made.add_option("DIR", given->directory, "Directory with the files and, if any, manifest.json")->type_name("");
    made.add_option("--template", given->template_name, "Template; else the manifest's")->type_name("T");
    made.add_option("--version", given->version, "Version; else the manifest's")->type_name("V");
    made.add_option("--changelog", given->changelog, "What is new")->type_name("TEXT");
    made.add_flag("--set-default", given->set_default, "Make it the default, in the same transaction");
    auto* dry = made.add_flag("--dry-run", given->dry_run, "Change nothing, say what would change (3 if anything)");
    made.add_flag("--abandon", given->abandon, "Remove what a publisher that died left of this version")
        ->excludes(dry)
        ->excludes("--set-default");
    settings_flags(made, {"storage.url"});
    json(made);
    on(made, [given](const Context& context) { return publish(context, *given); });

    CLI::App& set = command(*app_, "set-default", "Make a published version the default");
    const auto move = std::make_shared<MoveArguments>();
    set.add_option("T", move->template_name, "Template")->required()->type_name("");
    set.add_option("V", move->version, "Version")->required()->type_name("");
    set.add_option("--reason", move->reason, "Why, for the history")->type_name("TEXT");
    json(set);
    on(set, [move](const Context& context) { return set_default(context, *move); });

    CLI::App& back = command(*app_, "rollback", "Make the default what it was before");
    back.add_option("T", move->template_name, "Template")->required()->type_name("");
    back.add_option("--to", move->version, "To this version; else the default before the current one")->type_name("V");
    back.add_option("--reason", move->reason, "Why, for the history")->type_name("TEXT");
    json(back);
    on(back, [move](const Context& context) { return rollback(context, *move); });
  }

  void add_reading() {
    CLI::App& made = command(*app_, "list", "List templates, or the versions of one");
    const auto given = std::make_shared<ListArguments>();
    auto* name = made.add_option("T", given->template_name, "Template")->type_name("");
    made.add_flag("--drafts", given->drafts, "List versions that were begun and not finished")->excludes(name);
    json(made);
    on(made, [given](const Context& context) { return list(context, *given); });

    CLI::App& moves = command(*app_, "history", "Show who moved a default, when and why");
    const auto of = std::make_shared<std::string>();
    moves.add_option("T", *of, "Template")->required()->type_name("");
    json(moves);
    on(moves, [of](const Context& context) { return history(context, *of); });
  }

  void add_database() {
    CLI::App& made = command(*app_, "migrate", "Bring the database's schema up to date");
    const auto given = std::make_shared<MigrateArguments>();
    auto* status = made.add_flag("--status", given->status, "Change nothing, say what is pending (3 if anything)");
    made.add_flag("--adopt", given->adopt, "Take the migrations as applied where another tool did it")
        ->excludes(status);
    json(made);
    on(made, [given](const Context& context) { return migrate(context, *given); });

    CLI::App& catalog = *app_->add_subcommand("catalog", "Look after the catalog");
    catalog.require_subcommand(1);
    CLI::App& epoch = command(catalog, "new-epoch", "After restoring a backup: let agents accept it");
    const auto reason = std::make_shared<std::string>();
    epoch.add_option("--reason", *reason, "Why, for the record")->required()->type_name("TEXT");
    json(epoch);
    on(epoch, [reason](const Context& context) { return new_epoch(context, *reason); });
  }

  void add_target() {
    CLI::App& made = command(*app_, "status", "Show what the target shows, and what it should");
    settings_flags(made, {"target"});
    json(made);
    on(made, [](const Context& context) { return status(context); });

    CLI::App& find = command(*app_, "resolve", "Find the files of a template that are shown");
    const auto given = std::make_shared<ResolveArguments>();
    find.add_option("T", given->template_name, "Template")->required()->type_name("");
    find.add_option("--kind", given->kind, "Only of this kind")->type_name("K");
    find.add_option("--role", given->role, "Only prompts of this role")->type_name("R");
    find.add_option("--locale", given->locale, "In this locale, or the nearest there is")->type_name("L");
    settings_flags(find, {"target"});
    json(find);
    on(find, [given](const Context& context) { return resolve(context, *given); });

    CLI::App& check = command(*app_, "verify", "Hash everything under the target anew (3 on damage)");
    settings_flags(check, {"target"});
    json(check);
    on(check, [](const Context& context) { return verify(context); });

    CLI::App& probe = command(*app_, "health", "Ask the running agent whether it is alive: 0 or 1");
    const auto ready = std::make_shared<bool>(false);
    probe.add_flag("--ready", *ready, "Ask whether it is ready");
    settings_flags(probe, {"http.listen"});
    json(probe);
    on(probe, [ready](const Context& context) { return health(context, *ready); });
  }

  void add_config() {
    CLI::App& config = *app_->add_subcommand("config", "Look at the settings");
    config.require_subcommand(1);
    CLI::App& check = command(config, "check", "Check the agent's settings");
    settings_flags(check);
    json(check);
    on(check, [](const Context& context) { return config_check(context); });
    CLI::App& print = command(config, "print", "Print every setting");
    const auto origin = std::make_shared<bool>(false);
    print.add_flag("--origin", *origin, "Say where each comes from");
    settings_flags(print);
    json(print);
    on(print, [origin](const Context& context) { return config_print(context, *origin); });
    CLI::App& reference = *config.add_subcommand("reference", "Print what can be set (Markdown)");
    on(reference, [](const Context& context) { return config_reference(context); });

    CLI::App& version = *app_->add_subcommand("version", "Print the version");
    json(version);
    on(version, [](const Context& context) { return show_version(context); });
  }

  Context& context_;
  std::unique_ptr<CLI::App> app_;
  Chosen chosen_;
};

/// The innermost command that was typed, for its help.
const CLI::App& innermost(const CLI::App& app) {
  const CLI::App* found = &app;
  while (!found->get_subcommands().empty()) found = found->get_subcommands().front();
  return *found;
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

std::string help_of(const CLI::App& app) {
  const std::string parent = app.get_parent() == nullptr ? "" : full_name(*app.get_parent());
  return app.help(parent);
}

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

Error usage_error(const CLI::App& app, const CLI::ParseError& thrown, const std::vector<std::string>& arguments) {
  const CLI::App& at = innermost(app);
  const bool wants_command = at.get_require_subcommand_min() > 0;
  const bool too_many = dynamic_cast<const CLI::ExtrasError*>(&thrown) != nullptr;
  Error error = wants_command ? no_such_command(at, word_for(at, arguments))
                : too_many    ? unexpected(app, at)
                              : Error(ErrorKind::usage, fact_of(thrown));
  return std::move(error).with_hint("see " + full_name(at) + " --help");
}

}  // namespace

Result<Chosen> parse_command_line(const std::vector<std::string>& arguments, Context& context) {
  Builder builder(context);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 wants them
  try {
    builder.app().parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    builder.chosen().help = help_of(innermost(builder.app()));
  } catch (const CLI::CallForVersion& thrown) {
    builder.chosen().help = std::string(thrown.what()) + '\n';
  } catch (const CLI::ParseError& thrown) {
    return fail(usage_error(builder.app(), thrown, arguments));
  }
  return std::move(builder.chosen());
}

}  // namespace bundlesync::cli
