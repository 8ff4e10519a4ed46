#include "base/nearest.hpp"
#include "cli/database.hpp"
#include "cli/output.hpp"
#include "cli/reading.hpp"
#include "cli/verbs.hpp"
#include "cli/why.hpp"
#include "publish/commands.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace bundlesync::cli {
namespace {

constexpr std::size_t moves_max = 5;

struct Explained {
  report::Status status;
  report::TemplateLine line;
  std::optional<plan::Shown> shown;
  std::optional<bundle::Bundle> bundle;  ///< of what is shown, where its tree can be read
  std::filesystem::path tree;
  std::optional<std::uint64_t> accepted;   ///< the highest generation of it that was shown
  std::vector<catalog::HistoryRow> moves;  ///< newest first, down to the one that led to what is shown
  std::string moves_unknown;               ///< why they are not known; empty when they are
};

Error no_such_template(const report::Status& status, const std::string& name) {
  std::vector<std::string_view> names;
  for (const auto& line : status.templates) names.push_back(line.name);
  Error error(ErrorKind::not_found, fmt::format("the agent neither shows nor wants a template '{}'", name));
  const auto meant = nearest(name, names);
  return std::move(error)
      .with_hint(meant ? fmt::format("did you mean {}?", *meant) : "bundlesync status lists what it does")
      .with_reason("template_unknown");
}

/// The moves that led to what is shown and those after it.
void find_moves(const Context& context, const settings::Settings& settings, Explained& of) {
  if (!settings.database.url.is_set() && !settings.database.from_pg_environment) {
    of.moves_unknown = "this command has no database.url";
    return;
  }
  auto database = Database::open(context, settings);
  if (!database) {
    of.moves_unknown = database.error().fact();
    return;
  }
  auto history = publish::history((*database)->catalog(), of.line.name);
  if (!history) {
    of.moves_unknown = history.error().fact();
    return;
  }
  for (auto& row : history->moves) {
    const bool led_here = of.shown && row.generation <= of.shown->generation;
    of.moves.push_back(std::move(row));
    if (led_here || of.moves.size() == moves_max) break;
  }
}

/// Of the highest generation accepted in the shown epoch; nothing where this user may not read the state.
std::optional<std::uint64_t> accepted_generation(const ReadTarget& target, const plan::Shown& shown) {
  const auto state = target.state->load();
  if (!state) return std::nullopt;
  const auto found = state->accepted.find(plan::AcceptedKey{shown.epoch, shown.template_id});
  if (found == state->accepted.end()) return std::nullopt;
  return found->second.generation;
}

Result<Explained> look(const Context& context, const ReadTarget& target, const std::string& name) {
  Explained of;
  auto status = read_status(target, context.streams);
  if (!status) return fail(status.error());
  of.status = std::move(*status);
  const auto line = std::ranges::find(of.status.templates, name, &report::TemplateLine::name);
  if (line == of.status.templates.end()) return fail(no_such_template(of.status, name));
  of.line = *line;
  const auto shown = target.view.templates.find(name);
  if (shown == target.view.templates.end()) return of;
  of.shown = shown->second;
  auto bundle = find_bundle(target, *of.shown);
  if (!bundle) return fail(bundle.error());
  of.bundle = std::move(*bundle);
  of.tree = target.tree_path(of.shown->tree);
  of.accepted = accepted_generation(target, *of.shown);
  return of;
}

void print_line(const Context& context, std::string_view key, std::string_view value) {
  context.out() << fmt::format("{:<11} ", key) << value << '\n';
}

void print_moves(const Context& context, const Explained& of) {
  if (!of.moves_unknown.empty()) print_line(context, "moved", "by whom is not known: " + shown(of.moves_unknown));
  if (of.moves_unknown.empty() && of.moves.empty()) print_line(context, "moved", "its default was never moved");
  for (const auto& row : of.moves) {
    print_line(context, "moved",
               fmt::format("{} → {} by {} at {} (generation {}, history {}): {}",
                           row.from_version.empty() ? "none" : shown(row.from_version),
                           row.to_version.empty() ? "none" : shown(row.to_version), shown(row.changed_by),
                           shown(row.changed_at), row.generation, row.id, shown(row.reason)));
  }
}

void print_files(const Context& context, const Explained& of) {
  if (!of.bundle) return;
  Table table({"KIND", "ROLE", "LOCALE", "SOURCE", "BYTES", "SHA256", "PATH"});
  for (const auto& file : of.bundle->files) {
    table.add({file.kind, file.role, file.locale, plan::to_string(of.shown->source),
               file.size ? std::to_string(*file.size) : "", file.sha256.hex().substr(0, 12), file.path});
  }
  context.out() << '\n';
  table.print(context.out());
}

/// The agent's last error may be about something else: what is wrong with this template stands in why().
void print_trouble(const Context& context, const Explained& of) {
  if (!of.status.last_error.empty()) {
    print_line(context, "last error", shown(of.status.last_error_at) + " " + shown(of.status.last_error));
  }
  std::string next = of.line.next_try;
  std::ranges::replace(next, '_', ' ');
  if (!next.empty()) print_line(context, "next try", shown(next));
}

void print_text(const Context& context, const Explained& of) {
  const auto& line = of.line;
  print_line(context, "template", shown(line.name));
  if (of.shown) {
    print_line(context, "shows",
               fmt::format("{} from {} since {}, view {}", shown(of.shown->version), plan::to_string(of.shown->source),
                           shown(of.shown->activated_at), of.status.view));
  } else {
    print_line(context, "shows", "nothing");
  }
  print_line(context, "why", shown(why(line)));
  if (const auto hint = remedy(line); !hint.empty()) print_line(context, "hint", shown(hint));
  if (of.shown && !of.shown->epoch.empty()) {
    std::string generation = fmt::format("{} of epoch {}", of.shown->generation, shown(of.shown->epoch));
    if (of.shown->change) generation += fmt::format(", change {}", *of.shown->change);
    if (of.accepted && *of.accepted != of.shown->generation) generation += fmt::format(", accepted {}", *of.accepted);
    print_line(context, "generation", generation);
  }
  if (!line.desired_version.empty()) {
    print_line(context, "desired",
               fmt::format("{}, generation {}", shown(line.desired_version), line.desired_generation));
  }
  if (!line.out_of_date_since.empty()) print_line(context, "late since", shown(line.out_of_date_since));
  print_moves(context, of);
  print_trouble(context, of);
  if (of.shown) print_line(context, "directory", shown(of.tree.string()));
  if (!of.status.written_at.empty()) print_line(context, "as of", shown(of.status.written_at));
  print_files(context, of);
}

boost::json::array to_json(const std::vector<catalog::HistoryRow>& moves) {
  boost::json::array rows;
  for (const auto& row : moves) {
    rows.push_back({{"id", row.id},
                    {"from_version", text_or_null(row.from_version)},
                    {"to_version", text_or_null(row.to_version)},
                    {"generation", row.generation},
                    {"changed_xid", text_or_null(row.changed_xid)},
                    {"changed_by", text_or_null(row.changed_by)},
                    {"reason", text_or_null(row.reason)},
                    {"changed_at", text_or_null(row.changed_at)}});
  }
  return rows;
}

boost::json::object shown_to_json(const Explained& of) {
  boost::json::object object;
  object["version"] = of.shown->version;
  object["manifest_sha256"] = of.shown->manifest.hex();
  object["source"] = plan::to_string(of.shown->source);
  object["since"] = text_or_null(of.shown->activated_at);
  object["view"] = of.status.view;
  object["epoch"] = text_or_null(of.shown->epoch);
  object["generation"] = of.shown->generation;
  object["accepted_generation"] = of.accepted ? boost::json::value(*of.accepted) : boost::json::value(nullptr);
  object["change"] = of.shown->change ? boost::json::value(*of.shown->change) : boost::json::value(nullptr);
  object["directory"] = of.tree.string();
  boost::json::array& files = object["files"].emplace_array();
  for (const auto& file : of.bundle ? of.bundle->files : std::vector<bundle::File>()) {
    files.push_back({{"path", file.path},
                     {"kind", text_or_null(file.kind)},
                     {"role", text_or_null(file.role)},
                     {"locale", text_or_null(file.locale)},
                     {"source", plan::to_string(of.shown->source)},
                     {"bytes", file.size ? boost::json::value(*file.size) : boost::json::value(nullptr)},
                     {"sha256", file.sha256.hex()}});
  }
  return object;
}

void print_document(const Context& context, const Explained& of) {
  boost::json::object object = document();
  object["template"] = of.line.name;
  object["state"] = of.line.state;
  object["why"] = why(of.line);
  object["hint"] = text_or_null(remedy(of.line));
  object["reason"] = text_or_null(of.line.reason);
  object["detail"] = text_or_null(of.line.detail);
  object["shown"] = of.shown ? boost::json::value(shown_to_json(of)) : boost::json::value(nullptr);
  object["desired_version"] = text_or_null(of.line.desired_version);
  object["desired_generation"] = of.line.desired_generation;
  object["out_of_date_since"] = text_or_null(of.line.out_of_date_since);
  object["moves"] = of.moves_unknown.empty() ? boost::json::value(to_json(of.moves)) : boost::json::value(nullptr);
  object["moves_unknown"] = text_or_null(of.moves_unknown);
  object["last_error"] = text_or_null(of.status.last_error);
  object["last_error_at"] = text_or_null(of.status.last_error_at);
  object["next_try"] = text_or_null(of.line.next_try);
  object["as_of"] = text_or_null(of.status.written_at);
  print_json(context.out(), object);
}

}  // namespace

Result<ExitCode> explain(const Context& context, const std::string& template_name) {
  auto settings = context.settings_with_target();
  if (!settings) return fail(settings.error());
  auto target = read_target(settings->target);
  if (!target) return fail(target.error());
  auto of = look(context, **target, template_name);
  if (!of) return fail(of.error());
  find_moves(context, *settings, *of);
  context.json ? print_document(context, *of) : print_text(context, *of);
  return ExitCode::done;
}

}  // namespace bundlesync::cli
