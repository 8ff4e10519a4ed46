#include "cli/database.hpp"

#include "catalog/postgres/catalog.hpp"
#include "catalog/postgres/conninfo.hpp"
#include "cli/output.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace bundlesync::cli {
namespace {

namespace postgres = catalog::postgres;

std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

/// A value of libpq's key=value form.
std::string in_quotes(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

/// What was configured, as a connection string. Of PG* only the server is named here: libpq takes the rest itself.
Result<Secret> configured(const settings::Settings& settings, const Environment& environment) {
  if (settings.database.url.is_set()) return settings.database.url.value;
  if (!settings.database.from_pg_environment) {
    return fail(settings::missing("database.url").with_hint("DATABASE_URL and PGHOST are looked at, too"));
  }
  std::string text;
  for (const auto& [key, name] :
       {std::pair("host", "PGHOST"), std::pair("hostaddr", "PGHOSTADDR"), std::pair("port", "PGPORT"),
        std::pair("sslmode", "PGSSLMODE"), std::pair("sslrootcert", "PGSSLROOTCERT")}) {
    const std::string value = variable(environment, name);
    if (!value.empty()) text += fmt::format("{}={} ", key, in_quotes(value));
  }
  return Secret(std::move(text));
}

/// The connection string again, with what read_conninfo() added.
Secret to_text(const postgres::Conninfo& conninfo) {
  std::string hosts, addresses, ports;
  bool any_name = false;
  bool any_address = false;
  for (std::size_t i = 0; i < conninfo.hosts.size(); ++i) {
    const auto& host = conninfo.hosts[i];
    const std::string_view comma = i == 0 ? "" : ",";
    hosts += fmt::format("{}{}", comma, host.name);
    addresses += fmt::format("{}{}", comma, host.address);
    ports += fmt::format("{}{}", comma, host.port);
    any_name = any_name || !host.name.empty();
    any_address = any_address || !host.address.empty();
  }
  std::string text;
  if (any_name) text += "host=" + in_quotes(hosts) + " ";
  if (any_address) text += "hostaddr=" + in_quotes(addresses) + " ";
  if (!conninfo.hosts.empty()) text += "port=" + in_quotes(ports) + " ";
  for (const auto& [key, value] : conninfo.parameters) text += key + "=" + in_quotes(value.reveal()) + " ";
  return Secret(std::move(text));
}

class OpenDatabase final : public Database {
 public:
  OpenDatabase(catalog::Session session, std::string actor)
      : session_(std::move(session)), catalog_(session_, std::move(actor)) {}
  catalog::Catalog& catalog() override { return catalog_; }
  catalog::Session& session() override { return session_; }

 private:
  catalog::Session session_;
  catalog::PostgresCatalog catalog_;
};

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const Context& context, const settings::Settings& settings) {
  auto text = configured(settings, context.environment);
  if (!text) return fail(text.error());
  auto conninfo = postgres::read_conninfo(*text, settings.database.ca, postgres::system_ca_bundle());
  if (!conninfo) return fail(conninfo.error());
  for (const auto& warning : conninfo->warnings) print_note(context.streams, warning);
  auto session = catalog::Session::connect(to_text(*conninfo).reveal());
  if (!session) return fail(conninfo->scrub(session.error()));
  return std::make_unique<OpenDatabase>(std::move(*session), variable(context.environment, "BUNDLESYNC_ACTOR"));
}

Result<std::unique_ptr<Database>> open_database(const Context& context) {
  auto settings = context.settings(settings::Purpose::people);
  if (!settings) return fail(settings.error());
  return Database::open(context, *settings);
}

}  // namespace bundlesync::cli
