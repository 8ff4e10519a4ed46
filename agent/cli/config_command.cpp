#include "catalog/postgres/conninfo.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "settings/documents.hpp"
#include "settings/option.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace bundlesync::cli {
namespace {

/// What the agent would see: it never looks at the conventional names. Nothing is demanded, so that settings can be
/// printed before they are complete.
Environment as_the_agent_sees(const Environment& environment) {
  Environment seen = environment;
  std::erase_if(seen, [](const auto& variable) {
    const std::string& name = variable.first;
    return name == "DATABASE_URL" || name.starts_with("PG") || name.starts_with("SUPABASE_");
  });
  return seen;
}

}  // namespace

Result<ExitCode> config_check(const Context& context) {
  auto settings = context.settings(settings::Purpose::agent);
  if (!settings) return fail(settings.error());
  if (settings::remote_off_but_configured(*settings)) {
    return fail(ErrorKind::usage, "remote is off while a database or a storage is configured",
                "set FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE=true to follow them, or unset them");
  }
  if (settings->remote) {
    auto conninfo = catalog::postgres::read_conninfo(settings->database.url.value, settings->database.ca,
                                                     catalog::postgres::system_ca_bundle());
    if (!conninfo) return fail(std::move(conninfo).error());
  }
  if (context.json) {
    boost::json::object object = document();
    object["good"] = true;
    object["config"] = "sha256:" + settings::fingerprint(*settings).hex();
    object["warnings"] = texts(settings->warnings);
    print_json(context.out(), object);
    return ExitCode::done;
  }
  for (const auto& warning : settings->warnings) print_note(context.streams, warning);
  context.out() << "the settings are good (sha256:" << settings::fingerprint(*settings).hex() << ")\n";
  return ExitCode::done;
}

Result<ExitCode> config_print(const Context& context, bool origin) {
  const Environment seen = as_the_agent_sees(context.environment);
  const Context agents{context.streams, seen, context.config, context.flags, context.json};
  auto settings = agents.settings(settings::Purpose::people);
  if (!settings) return fail(settings.error());
  if (context.json) {
    boost::json::object object = document();
    boost::json::array& rows = object["settings"].emplace_array();
    for (const auto& row : settings->rows) {
      rows.push_back({{"key", row.key}, {"value", text_or_null(row.value)}, {"origin", row.origin}});
    }
    print_json(context.out(), object);
    return ExitCode::done;
  }
  Table table(origin ? std::vector<std::string>{"KEY", "VALUE", "ORIGIN"} : std::vector<std::string>{"KEY", "VALUE"});
  for (const auto& row : settings->rows) {
    std::vector<std::string> cells{row.key, row.value};
    if (origin) cells.push_back(row.origin);
    table.add(std::move(cells));
  }
  table.print(context.out());
  return ExitCode::done;
}

Result<ExitCode> config_reference(const Context& context) {
  if (!context.json) {
    context.out() << settings::reference();
    return ExitCode::done;
  }
  boost::json::object object = document();
  boost::json::array& rows = object["settings"].emplace_array();
  for (const auto& option : settings::options()) {
    rows.push_back({{"key", option.key},
                    {"variable", settings::environment_name(option)},
                    {"flag", text_or_null(option.flag)},
                    {"default", text_or_null(option.standard)},
                    {"allowed", text_or_null(settings::allowed(option))},
                    {"secret", option.type == settings::Type::secret},
                    {"meaning", option.meaning},
                    {"conventional_variable", text_or_null(option.conventional)}});
  }
  print_json(context.out(), object);
  return ExitCode::done;
}

}  // namespace bundlesync::cli
