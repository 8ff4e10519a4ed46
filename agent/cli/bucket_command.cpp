#include "async/loop.hpp"
#include "base/random.hpp"
#include "catalog/postgres/read_access.hpp"
#include "cli/database.hpp"
#include "cli/output.hpp"
#include "cli/small_file.hpp"
#include "cli/verbs.hpp"
#include "cli/wiring.hpp"
#include "publish/bucket_findings.hpp"
#include "publish/bucket_proof.hpp"
#include "storage/file/directory.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <ostream>
#include <variant>

namespace bundlesync::cli {
namespace {

using publish::Finding;
using publish::Standing;

/// What is said at the end.
struct Report {
  std::vector<Finding> findings;
  std::vector<std::string> notes;
  std::string sql;  ///< to be run by somebody who may, somewhere else; empty: nothing
  void add(std::vector<Finding> more) { std::ranges::move(more, std::back_inserter(findings)); }
};

std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

/// Not set where nobody gave one.
Result<settings::SecretSetting> agent_key(const Context& context, const std::string& file) {
  settings::SecretSetting key;
  key.file = file;
  const std::string text = variable(context.environment, "BUNDLESYNC_AGENT_STORAGE_KEY");
  if (file.empty() && !text.empty()) {
    key.value = Secret(text);
    return key;
  }
  if (key.file.empty()) key.file = variable(context.environment, "BUNDLESYNC_AGENT_STORAGE_KEY_FILE");
  if (key.file.empty()) return key;
  auto read = settings::read_again(key, read_small_file);
  if (!read) return fail(Error(ErrorKind::usage, read.error().fact()).within("the agent's key"));
  key.value = std::move(*read);
  return key;
}

/// The same storage, with another key.
settings::Settings with_key(settings::Settings settings, Secret key) {
  settings.storage.key.value = std::move(key);
  settings.storage.key.file.clear();
  return settings;
}

std::string nonce() {
  return fmt::format("{:016x}", Random(system_seed()).next());
}

// ---- Supabase
// --------------------------------------------------------------------------------------------------------

Result<std::vector<Finding>> settle_bucket(async::Loop& loop, storage::Buckets& buckets,
                                           const settings::Settings& settings, bool setup) {
  const std::string& name = settings.storage.bucket;
  const storage::Bucket wanted = publish::wanted_bucket(settings.limits);
  auto found = loop.run(buckets.find(name));
  if (!found) return fail(std::move(found.error()));
  auto before = publish::compare(name, wanted, *found);
  if (!setup || publish::exit_code(before) == ExitCode::done) return before;
  auto done = loop.run(*found ? buckets.update(name, publish::mended(wanted, **found)) : buckets.create(name, wanted));
  if (!done) return fail(std::move(done.error()));
  found = loop.run(buckets.find(name));
  if (!found) return fail(std::move(found.error()));
  return publish::settled(before, publish::compare(name, wanted, *found));
}

Standing standing_of(const std::vector<Finding>& findings, std::string_view what) {
  const auto found = std::ranges::find(findings, what, &Finding::what);
  return found == findings.end() ? Standing::ok : found->standing;
}

/// What setup should have mended and did not: a login may lack the right to grant, and is only warned by the server.
void name_what_stays(std::vector<Finding>& findings, const catalog::ReadRule& rule, Report& report) {
  for (auto& finding : findings) {
    const bool ours = finding.what == "role" || finding.what == "grants" || finding.what == "policy";
    if (!ours || finding.standing != Standing::drift) continue;
    finding.standing = Standing::denied;
    finding.hint = "have the owner of storage.objects (supabase_storage_admin, or supabase_admin) run the SQL below";
    report.sql = catalog::read_access_script(rule);
  }
}

/// Who may read. Where the project's database is not at hand, the statements are for somebody who has it.
Result<void> settle_readers(catalog::Session* session, const catalog::ReadRule& rule, bool setup, Report& report) {
  const auto elsewhere = [&](std::string why) {
    report.findings.emplace_back(Standing::not_proven, "policy", std::move(why),
                                 setup
                                     ? "run the SQL below in the project's database, as postgres"
                                     : "give database.url of the project, or run bundlesync bucket setup for the SQL");
    if (setup) report.sql = catalog::read_access_script(rule);
  };
  if (session == nullptr) {
    elsewhere("policies were not looked at: no database.url");
    return {};
  }
  auto found = catalog::find_read_access(*session, rule);
  if (!found) return fail(std::move(found.error()));
  if (!*found) {
    elsewhere("policies were not looked at: this database has no schema storage");
    return {};
  }
  auto before = publish::compare(rule, **found);
  if (!setup || publish::exit_code(before) == ExitCode::done) {
    report.add(std::move(before));
    return {};
  }
  if ((*found)->role_passes_policies) {  // nothing is granted to it, nor is it to anybody
    report.add(std::move(before));
    return {};
  }
  const bool policy_too = standing_of(before, "policy") != Standing::ok;
  auto done = catalog::grant_read_access(*session, rule, policy_too);
  if (!done) {
    const bool denied = done.error().kind() == ErrorKind::unauthorised;
    report.add(std::move(before));
    report.findings.emplace_back(denied ? Standing::denied : Standing::failed, "policy_change", done.error().fact(),
                                 denied ? "have the owner of storage.objects run the SQL below"
                                        : "try again, or run the SQL below when less goes on there");
    report.sql = catalog::read_access_script(rule);
    return {};
  }
  found = catalog::find_read_access(*session, rule);
  if (!found) return fail(std::move(found.error()));
  auto after = publish::settled(before, publish::compare(rule, **found));
  name_what_stays(after, rule, report);
  report.add(std::move(after));
  return {};
}

Result<std::vector<Finding>> prove_keys(async::Loop& loop, const settings::Settings& settings,
                                        const settings::SecretSetting& agents) {
  const auto open = [&loop](const settings::Settings& as) {
    return open_storage_with_retries(as, loop.executor(), loop.pool(), loop.clock());
  };
  const auto now = std::chrono::system_clock::now();
  auto publishers_key = settings::read_again(settings.storage.key, read_small_file);
  if (!publishers_key) return fail(std::move(publishers_key.error()));
  auto publisher = open(settings);
  if (!publisher) return fail(std::move(publisher.error()));
  const Secret& good = agents.is_set() ? agents.value : *publishers_key;
  auto stranger = open(with_key(settings, storage::supabase::spoiled(good)));
  if (!stranger) return fail(std::move(stranger.error()));
  publish::ProofNames names;
  names.nonce = nonce();
  names.publisher_as = storage::supabase::facts_of(*publishers_key).whom(now);
  names.no_agent = "give its key by --agent-key-file or BUNDLESYNC_AGENT_STORAGE_KEY_FILE";
  std::unique_ptr<storage::Storage> agent;
  if (agents.is_set()) {
    auto opened = open(with_key(settings, agents.value));
    if (!opened) return fail(std::move(opened.error()));
    agent = std::move(*opened);
    names.agent_as = storage::supabase::facts_of(agents.value).whom(now);
  }
  const publish::ProofStorages storages(**publisher, agent.get(), stranger->get());
  return loop.run(publish::prove(storages, std::move(names)));
}

Result<Report> settle_supabase(const Context& context, const BucketArguments& arguments,
                               const settings::Settings& settings) {
  const std::string role = arguments.readers.empty() ? catalog::reader_role : arguments.readers;
  auto rule = catalog::read_rule(settings.storage.bucket, role);
  if (!rule) return fail(std::move(rule.error()));
  auto agents = agent_key(context, arguments.agent_key_file);
  if (!agents) return fail(std::move(agents.error()));
  async::Loop loop;
  auto buckets = open_buckets(settings, loop.executor());
  if (!buckets) return fail(std::move(buckets.error()));
  std::unique_ptr<Database> database;
  if (settings.database.url.is_set() || settings.database.from_pg_environment) {
    auto opened = Database::open(context, settings);
    if (!opened) return fail(std::move(opened.error()));
    database = std::move(*opened);
  }

  Report report;
  auto settled = settle_bucket(loop, **buckets, settings, arguments.setup);
  if (!settled) return fail(std::move(settled.error()));
  const bool there = settled->front().standing != Standing::drift;
  report.add(std::move(*settled));
  auto readers = settle_readers(database ? &database->session() : nullptr, *rule, arguments.setup, report);
  if (!readers) return fail(std::move(readers.error()));
  if (arguments.no_probe || !there) {
    report.findings.emplace_back(Standing::not_proven, "probe",
                                 there ? "nothing was tried: --no-probe" : "nothing was tried: there is no bucket");
  } else {
    auto proven = prove_keys(loop, settings, *agents);
    if (!proven) return fail(std::move(proven.error()));
    report.add(std::move(*proven));
  }
  if (!rule->own_role) {
    report.notes.push_back("readers authenticated: every logged-in user of the project may download every bundle");
  }
  report.notes.push_back(
      "not in this API: the region, which is the project's (look at its settings), and lifecycle rules (nothing "
      "deletes "
      "an object by itself)");
  return report;
}

// ---- A directory
// -----------------------------------------------------------------------------------------------------

/// As the user that runs the agent: it must read and not write. Nothing is written to find out.
Result<Report> look_as_agent(const std::filesystem::path& directory) {
  Report report;
  auto found = storage::file::look_at_directory(directory);
  if (!found) return fail(std::move(found.error()));
  report.add(publish::compare(directory.string(), *found));
  if (!*found) return report;
  report.findings.push_back(publish::agent_may_not_write((*found)->writable));
  auto first = storage::file::read_any_object(directory);
  report.findings.push_back(publish::agent_may_read(first));
  return report;
}

Result<Report> settle_directory(const BucketArguments& arguments, const settings::Settings& settings,
                                const std::filesystem::path& directory) {
  if (arguments.as_agent) return look_as_agent(directory);
  Report report;
  auto found = storage::file::look_at_directory(directory);
  if (!found) return fail(std::move(found.error()));
  auto findings = publish::compare(directory.string(), *found);
  if (arguments.setup && publish::exit_code(findings) != ExitCode::done) {
    auto done = *found ? storage::file::close_directory(directory) : storage::file::make_directory(directory);
    if (!done) return fail(std::move(done.error()));
    found = storage::file::look_at_directory(directory);
    if (!found) return fail(std::move(found.error()));
    findings = publish::settled(findings, publish::compare(directory.string(), *found));
  }
  report.add(std::move(findings));
  if (arguments.no_probe || !*found) {
    report.findings.emplace_back(Standing::not_proven, "probe",
                                 *found ? "nothing was tried: --no-probe" : "nothing was tried: there is no directory");
    return report;
  }
  async::Loop loop;
  auto storage = open_storage_with_retries(settings, loop.executor(), loop.pool(), loop.clock());
  if (!storage) return fail(std::move(storage.error()));
  publish::ProofNames names;
  names.nonce = nonce();
  names.publisher_as = "as this user";
  names.no_agent = "run bundlesync bucket check --as-agent as the user that runs the agent";
  const publish::ProofStorages storages(**storage, nullptr, nullptr);
  auto proven = loop.run(publish::prove(storages, std::move(names)));
  if (!proven) return fail(std::move(proven.error()));
  report.add(std::move(*proven));
  return report;
}

// ---- What is said
// ----------------------------------------------------------------------------------------------------

/// The statements as somebody can run them: all or none.
std::string runnable(const std::string& statements) {
  return statements.empty() ? "" : "begin;\n" + statements + "commit;\n";
}

void print_document(const Context& context, const Report& report, const std::string& storage) {
  boost::json::object object = document();
  object["storage"] = storage;
  object["good"] = publish::exit_code(report.findings) == ExitCode::done;
  boost::json::array& rows = object["findings"].emplace_array();
  for (const auto& finding : report.findings) {
    std::string standing(publish::to_string(finding.standing));
    std::ranges::replace(standing, ' ', '_');
    rows.push_back(
        {{"what", finding.what}, {"standing", standing}, {"text", finding.text}, {"hint", text_or_null(finding.hint)}});
  }
  object["notes"] = texts(report.notes);
  object["sql"] = text_or_null(runnable(report.sql));
  print_json(context.out(), object);
}

void print_text(const Context& context, const Report& report) {
  for (const auto& finding : report.findings) {
    context.out() << fmt::format("{:<11} {}\n", publish::to_string(finding.standing), shown(finding.text));
    if (finding.hint.empty()) continue;
    context.out() << fmt::format("{:<11} hint: {}\n", "", shown(finding.hint));
  }
  for (const auto& note : report.notes) print_note(context.streams, note);
  if (!report.sql.empty()) context.out() << "\n" << runnable(report.sql);
}

}  // namespace

Result<ExitCode> bucket(const Context& context, const BucketArguments& arguments) {
  auto settings = context.settings(settings::Purpose::people);
  if (!settings) return fail(settings.error());
  if (!settings->storage.url) return fail(settings::missing("storage.url").with_hint("SUPABASE_URL is looked at, too"));
  const auto* file = std::get_if<settings::FileStore>(&*settings->storage.url);
  const bool supabase = std::holds_alternative<settings::SupabaseStore>(*settings->storage.url);
  if (file == nullptr && !supabase) {
    return fail(ErrorKind::usage, "bundlesync bucket knows file:// and supabase+https:// only",
                "set up this bucket with the tools of its provider");
  }
  if (supabase && arguments.as_agent) {
    return fail(ErrorKind::usage, "bundlesync bucket check --as-agent is for file://, where the agent is a user",
                "give the agent's key by --agent-key-file");
  }
  auto report = supabase ? settle_supabase(context, arguments, *settings)
                         : settle_directory(arguments, *settings, file->directory);
  if (!report) return fail(std::move(report.error()));
  context.json ? print_document(context, *report, settings::to_string(*settings->storage.url))
               : print_text(context, *report);
  return publish::exit_code(report->findings);
}

}  // namespace bundlesync::cli
