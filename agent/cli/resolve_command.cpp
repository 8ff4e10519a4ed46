#include "cli/choose.hpp"
#include "cli/output.hpp"
#include "cli/reading.hpp"
#include "cli/verbs.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <set>

namespace bundlesync::cli {
namespace {

struct Resolved {
  plan::Shown shown;
  bundle::Bundle bundle;
  std::filesystem::path tree;
};

Result<Resolved> find(const ReadTarget& from, const std::string& name) {
  auto shown = find_shown(from.view, name);
  if (!shown) return fail(shown.error());
  auto bundle = find_bundle(from, *shown);
  if (!bundle) return fail(bundle.error());
  if (!*bundle) {
    return fail(ErrorKind::damaged, fmt::format("what {} shows cannot be read: tree {}", name, shown->tree.name),
                "bundlesync verify says what is wrong with it");
  }
  return Resolved{*shown, std::move(**bundle), from.tree_path(shown->tree)};
}

/// Nothing matches: say what there is.
Error nothing_matches(const Resolved& resolved, const ResolveArguments& arguments) {
  std::string wanted;
  for (const auto& [key, value] : {std::pair("kind", &arguments.kind), std::pair("role", &arguments.role),
                                   std::pair("locale", &arguments.locale)}) {
    if (!value->empty()) wanted += fmt::format(" {} '{}'", key, *value);
  }
  std::set<std::string> kinds;
  for (const auto& file : resolved.bundle.files) {
    kinds.insert(file.role.empty() ? "kind " + file.kind : "role " + file.role);
  }
  std::string there;
  for (const auto& kind : kinds) there += (there.empty() ? "" : ", ") + kind;
  return Error(ErrorKind::not_found,
               fmt::format("{} {} has no file of{}", arguments.template_name, resolved.shown.version, wanted),
               "there is " + there);
}

void print_rows(const Context& context, const Resolved& resolved, const std::vector<Choice>& choices) {
  Table table({"KIND", "ROLE", "LOCALE", "VERSION", "SOURCE", "SHA256", "PATH"});
  for (const auto& [file, locale] : choices) {
    table.add({file->kind, file->role, file->locale, resolved.shown.version, plan::to_string(resolved.shown.source),
               file->sha256.hex(), (resolved.tree / file->path).string()});
  }
  table.print(context.out());
}

void print_document(const Context& context, const Resolved& resolved, const std::vector<Choice>& choices,
                    const ResolveArguments& arguments) {
  boost::json::object object = document();
  object["template"] = arguments.template_name;
  object["version"] = resolved.shown.version;
  object["source"] = plan::to_string(resolved.shown.source);
  object["manifest_sha256"] = resolved.shown.manifest.hex();
  object["default_locale"] = text_or_null(resolved.bundle.default_locale);
  object["directory"] = resolved.tree.string();
  boost::json::array& rows = object["artifacts"].emplace_array();
  for (const auto& [file, locale] : choices) {
    boost::json::object row;
    row["kind"] = text_or_null(file->kind);
    row["role"] = text_or_null(file->role);
    row["locale"] = text_or_null(file->locale);
    row["locale_wanted"] = text_or_null(arguments.locale);
    row["locale_match"] = to_string(locale);
    row["sha256"] = file->sha256.hex();
    row["bytes"] = file->size ? boost::json::value(*file->size) : boost::json::value(nullptr);
    row["content_type"] = text_or_null(file->content_type);
    row["path"] = (resolved.tree / file->path).string();
    rows.push_back(std::move(row));
  }
  print_json(context.out(), object);
}

/// The locale that was asked for is not there: say so once for each that takes its place.
void say_fallbacks(const Context& context, const std::vector<Choice>& choices, const std::string& wanted) {
  std::set<std::string> said;
  for (const auto& [file, match] : choices) {
    if (match == LocaleMatch::any || match == LocaleMatch::exact) continue;
    const std::string instead = file->locale.empty() ? "the file without a locale" : "'" + file->locale + "'";
    const std::string of = file->role.empty() ? "kind " + file->kind : "role " + file->role;
    const std::string text =
        fmt::format("{} has no locale '{}': {} is shown instead ({})", of, wanted, instead, to_string(match));
    if (said.insert(text).second) print_note(context.streams, text);
  }
}

}  // namespace

Result<ExitCode> resolve(const Context& context, const ResolveArguments& arguments) {
  auto settings = context.settings_with_target();
  if (!settings) return fail(settings.error());
  auto target = read_target(settings->target);
  if (!target) return fail(target.error());
  auto resolved = find(**target, arguments.template_name);
  if (!resolved) return fail(resolved.error());
  const auto choices = choose(resolved->bundle, arguments.kind, arguments.role, arguments.locale);
  if (choices.empty()) return fail(nothing_matches(*resolved, arguments));
  if (context.json) {
    print_document(context, *resolved, choices, arguments);
  } else {
    say_fallbacks(context, choices, arguments.locale);
    print_rows(context, *resolved, choices);
  }
  return ExitCode::done;
}

}  // namespace bundlesync::cli
