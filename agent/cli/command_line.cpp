#include "cli/command_line.hpp"

#include "cli/command_tree.hpp"
#include "cli/completion.hpp"
#include "cli/man_page.hpp"
#include "cli/usage_error.hpp"
#include "cli/version.hpp"
#include "settings/option.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>

// Of all files only this, command_tree.cpp and usage_error.cpp include CLI11: it takes long to compile.
namespace bundlesync::cli {
namespace {

/// What a help text shows behind a flag.
std::string type_name(const settings::Option& option) {
  switch (option.type) {
    case settings::Type::path:
      return "DIR";
    case settings::Type::names:
      return "NAMES";
    case settings::Type::keys:
      return "KEYS";
    case settings::Type::words:
      return "WORDS";
    case settings::Type::local_url:
    case settings::Type::web_url:
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
    add_publish();
    add_key();
    add_check();
    add_moves();
    add_reading();
    add_database();
    add_bucket();
    add_target();
    add_looking();
    add_config();
    add_about();
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
        // --flag, and --flag=false over a file that says true
        flag = command.add_flag_function(std::string(option.flag),
                                         [keep](std::int64_t given) { keep(given > 0 ? "true" : "false"); });
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

  void add_publish() {
    CLI::App& made = command(*app_, "publish", "Publish a directory as a version of a template");
    const auto given = std::make_shared<PublishArguments>();
    made.add_option("DIR", given->directory, "Directory with the files and, if any, manifest.json")->type_name("");
    made.add_option("--template", given->template_name, "Template; else the manifest's")->type_name("T");
    made.add_option("--version", given->version, "Version; else the manifest's")->type_name("V");
    made.add_option("--changelog", given->changelog, "What is new")->type_name("TEXT");
    made.add_flag("--set-default", given->set_default, "Make it the default, in the same transaction");
    auto* dry = made.add_flag("--dry-run", given->dry_run, "Change nothing, say what would change (3 if anything)");
    auto* sign = made.add_option("--sign", given->sign, "Sign with this private key; - reads it from standard input")
                     ->type_name("FILE");
    made.add_flag("--abandon", given->abandon, "Remove what a publisher that died left of this version")
        ->excludes(dry)
        ->excludes(sign)
        ->excludes("--set-default");
    settings_flags(made, {"storage.url"});
    json(made);
    on(made, [given](const Context& context) { return publish(context, *given); });
  }

  void add_key() {
    CLI::App& key = *app_->add_subcommand("key", "Make and look at keys that versions are signed with");
    key.require_subcommand(1);
    CLI::App& generate = *key.add_subcommand("generate", "Make a private key, and print its public key");
    CLI::App& show = *key.add_subcommand("show", "Print the public key of a private key");
    const auto file = std::make_shared<std::string>();
    generate.add_option("FILE", *file, "File to make; never one that is there already")->required()->type_name("");
    show.add_option("FILE", *file, "The private key; - reads it from standard input")->required()->type_name("");
    json(generate);
    json(show);
    on(generate, [file](const Context& context) { return key_generate(context, *file); });
    on(show, [file](const Context& context) { return key_show(context, *file); });
  }

  void add_check() {
    CLI::App& made = command(*app_, "check", "Lint a bundle's directory without publishing (100 on errors)");
    const auto given = std::make_shared<CheckArguments>();
    made.add_option("DIR", given->directory, "Directory with the files and, if any, manifest.json")
        ->required()
        ->type_name("");
    made.add_option("--template", given->template_name, "Template; else the manifest's")->type_name("T");
    made.add_option("--version", given->version, "Version; else the manifest's")->type_name("V");
    made.add_option("--against", given->against, "Compare with this version, or with the default (asks the database)")
        ->type_name("V|default");
    made.add_flag("--breaking", given->breaking, "What readers would miss is an error (compares with the default)");
    json(made);
    on(made, [given](const Context& context) { return check(context, *given); });
  }

  void add_moves() {
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

    CLI::App& compare = command(*app_, "diff", "Compare two published versions (3 when they differ)");
    const auto two = std::make_shared<DiffArguments>();
    compare.add_option("T", two->template_name, "Template")->required()->type_name("");
    compare.add_option("V1", two->before, "Version")->required()->type_name("");
    compare.add_option("V2", two->after, "Version")->required()->type_name("");
    auto* stat = compare.add_flag("--stat", two->stat, "Count lines, show none");
    compare.add_flag("--name-only", two->name_only, "Only the paths of files that differ; downloads nothing")
        ->excludes(stat);
    settings_flags(compare, {"storage.url"});
    json(compare);
    on(compare, [two](const Context& context) { return diff(context, *two); });
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

  void add_bucket() {
    CLI::App& bucket = *app_->add_subcommand("bucket", "Look after the place where the files of versions are");
    bucket.require_subcommand(1);
    CLI::App& setup = command(bucket, "setup", "Make the bucket and who may read it as they should be, and prove it");
    CLI::App& look = command(bucket, "check", "Say how the bucket differs from that, and prove it (3 on drift)");
    const auto given = std::make_shared<BucketArguments>();
    for (CLI::App* made : {&setup, &look}) {
      made->add_option("--readers", given->readers, "Role that agents read as (bundlesync_reader)")->type_name("ROLE");
      made->add_option("--agent-key-file", given->agent_key_file,
                       "File with the agent's key, to prove what it may do; else BUNDLESYNC_AGENT_STORAGE_KEY")
          ->type_name("FILE");
    }
    look.add_flag("--no-probe", given->no_probe, "Write nothing at all, not even an object to prove it with");
    look.add_flag("--as-agent", given->as_agent, "A file:// store: this user is the agent's, who must not write");
    for (CLI::App* made : {&setup, &look}) {
      settings_flags(*made, {"storage.url"});
      json(*made);
    }
    on(setup, [given](const Context& context) {
      given->setup = true;
      return cli::bucket(context, *given);
    });
    on(look, [given](const Context& context) { return cli::bucket(context, *given); });
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
    settings_flags(probe, {"http.listen", "target"});
    json(probe);
    on(probe, [ready](const Context& context) { return health(context, *ready); });
  }

  void add_looking() {
    CLI::App& made = command(*app_, "explain", "Say why a template shows what it shows, and who moved it");
    const auto of = std::make_shared<std::string>();
    made.add_option("T", *of, "Template")->required()->type_name("");
    settings_flags(made, {"target"});
    json(made);
    on(made, [of](const Context& context) { return explain(context, *of); });

    CLI::App& until = command(*app_, "wait", "Wait until the target shows a version (6 when it does not)");
    const auto given = std::make_shared<WaitArguments>();
    until.add_option("T[@V]", given->wanted, "Templates, with the version to wait for; else all of the settings")
        ->type_name("");
    until.add_option("--timeout", given->timeout, "How long to wait (30s)")->type_name("D");
    settings_flags(until, {"target", "templates"});
    json(until);
    on(until, [given](const Context& context) { return wait(context, *given); });
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
    json(reference);
    on(reference, [](const Context& context) { return config_reference(context); });
  }

  void add_about() {
    CLI::App& completion = *app_->add_subcommand("completion", "Print a script that completes command lines");
    const auto shell = std::make_shared<std::string>();
    completion.add_option("SHELL", *shell, "bash or zsh")
        ->required()
        ->type_name("")
        ->check(CLI::IsMember({"bash", "zsh"}));
    completion.callback([this, shell] {
      chosen_.verb = [shell, tree = tree_of(*app_)](const Context& context) {
        return print_completion(context, *shell, tree);
      };
    });

    CLI::App& man = *app_->add_subcommand("man", "Print the manual page (for man -l -)");
    man.callback([this] {
      chosen_.verb = [tree = tree_of(*app_)](const Context& context) { return print_man_page(context, tree); };
    });

    CLI::App& version = *app_->add_subcommand("version", "Print the version");
    json(version);
    on(version, [](const Context& context) { return show_version(context); });
  }

  Context& context_;
  std::unique_ptr<CLI::App> app_;
  Chosen chosen_;
};

std::string help_of(const CLI::App& app) {
  const std::string parent = app.get_parent() == nullptr ? "" : full_name(*app.get_parent());
  return app.help(parent);
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
