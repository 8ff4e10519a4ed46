#include "catalog/postgres/postgres_feed.hpp"

#include "async/timeout.hpp"
#include "catalog/postgres/answer_json.hpp"
#include "catalog/postgres/resolve.hpp"
#include "catalog/postgres/sqlstate.hpp"

#include <boost/json.hpp>

#include <array>
#include <cstdio>
#include <utility>

namespace bundlesync::catalog::postgres {
namespace {

constexpr const char* changes = "bundlesync";  ///< the channel of the triggers on templates

/// $4 bounds what one document may take here, where it costs nothing yet.
constexpr const char* ask_sql = R"(
select answer.template, case when pg_catalog.octet_length(answer.document) <= $4::pg_catalog.int8 then answer.document end
  from (select d.template, d.document::pg_catalog.text as document
          from bundlesync.desired($1::pg_catalog.text[], $2::pg_catalog.pg_snapshot, $3::pg_catalog.jsonb) d) answer)";

/// Why the role could write: each reason alone is enough.
constexpr const char* privilege_sql = R"(
select case when r.rolsuper then 'is a superuser'
            when r.rolbypassrls then 'passes every row-level policy'
            when exists (select from pg_catalog.pg_roles p where p.rolname = 'bundlesync_publisher'
                          and pg_catalog.pg_has_role(r.oid, p.oid, 'member')) then 'is a member of bundlesync_publisher'
       end
  from pg_catalog.pg_roles r where r.rolname = current_user)";

/// {"a","b \"c\""}: an array literal, every element quoted.
std::string array_literal(const std::vector<std::string>& texts) {
  std::string literal = "{";
  for (const auto& text : texts) {
    if (literal.size() > 1) literal += ',';
    literal += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') literal += '\\';
      literal += c;
    }
    literal += '"';
  }
  return literal + "}";
}

std::string agent_json(const std::vector<std::string>& ids) {
  boost::json::array list;
  for (const auto& id : ids) list.emplace_back(boost::json::string(id));
  boost::json::object agent;
  agent.emplace("ids", std::move(list));
  return boost::json::serialize(agent);
}

/// A channel that nobody else has; lower case, so that LISTEN needs no quotes.
std::string canary_channel(Random& random) {
  std::array<char, 64> text{};
  const auto high = static_cast<unsigned long long>(random.next());
  const auto low = static_cast<unsigned long long>(random.next());
  std::snprintf(text.data(), text.size(), "bundlesync_probe_%016llx%016llx", high, low);
  return text.data();
}

std::vector<AnswerRow> answer_rows(std::vector<Row> rows) {
  std::vector<AnswerRow> answer;
  for (auto& row : rows) {
    if (row.size() == 2) answer.push_back(AnswerRow{std::move(row[0]), std::move(row[1])});
  }
  return answer;
}

/// No host answered. One host: its error. Several: all of them, and the kind of the last.
Error none_answered(std::vector<Error> errors) {
  if (errors.size() == 1) return std::move(errors.front());
  std::string facts;
  for (const auto& error : errors) facts += (facts.empty() ? "" : "; ") + error.fact();
  Error all(errors.back().kind(), "none of " + std::to_string(errors.size()) + " addresses answered: " + facts);
  for (const auto& hint : errors.back().hints()) all = std::move(all).with_hint(hint);
  return std::move(all).with_reason(errors.back().reason());
}

/// Another host may do better: this one is away, full, or not the one that writes.
bool another_may_do(const Error& error) {
  return error.may_pass();
}

}  // namespace

PostgresFeed::PostgresFeed(asio::any_io_executor executor, async::Clock& clock, async::Pool& pool,
                           std::function<Result<Secret>()> url, std::string ca, FeedOptions options)
    : executor_(executor),
      clock_(clock),
      pool_(pool),
      url_(std::move(url)),
      ca_(std::move(ca)),
      options_(options),
      random_(system_seed()),
      connection_(std::move(executor), clock) {}

void PostgresFeed::close() {
  connection_.close();
}

SessionInfo PostgresFeed::session_info() const {
  SessionInfo info;
  info.host = host_.text();
  info.database = connection_.database();
  info.role = connection_.role();
  info.tls = connection_.tls();
  info.warnings = conninfo_.warnings;
  return info;
}

Task<Result<SessionInfo>> PostgresFeed::connect() {
  close();
  const auto url = url_();
  if (!url) co_return fail(url.error());
  auto conninfo = read_conninfo(*url, ca_, system_ca_bundle());
  if (!conninfo) co_return fail(std::move(conninfo).error());
  conninfo_ = *std::move(conninfo);

  auto hosts = co_await find_addresses();
  if (!hosts) co_return fail(std::move(hosts).error());
  auto connected = co_await connect_to_first(*std::move(hosts));
  if (!connected) co_return fail(std::move(connected).error());
  auto info = session_info();
  info.privilege = co_await find_privilege();
  co_return info;
}

/// For a warning only: a server that cannot say is none the worse for it, and a session that broke shows at the next
/// step.
Task<std::string> PostgresFeed::find_privilege() {
  auto none = std::vector<Field>();
  auto sql = std::string(privilege_sql);
  auto rows = co_await connection_.query(std::move(sql), std::move(none), options_.heartbeat_limit,
                                         "asking for the rights of the role");
  if (!rows || rows->empty() || rows->front().empty()) co_return std::string();
  co_return rows->front().front().value_or("");
}

Task<Result<std::vector<Host>>> PostgresFeed::find_addresses() {
  const auto limit = options_.resolve_limit;
  if (!lookup_.expired()) {
    // A resolver that hangs keeps its thread of the pool: one, not one for every try.
    co_return fail(ErrorKind::timed_out, "the resolver has not answered yet for the host of the database",
                   "check the DNS of this machine");
  }
  auto token = std::make_shared<int>(0);
  lookup_ = token;
  // libpq would ask the resolver on this thread, and wait.
  auto lookup = [hosts = conninfo_.hosts, token = std::move(token)]() mutable {
    auto found = resolve(std::move(hosts));
    token.reset();
    return found;
  };
  auto looking = async::offload_abandonable(pool_, std::move(lookup));
  co_return co_await async::with_timeout(std::move(looking), clock_, limit, "finding the address of the database");
}

Task<Result<void>> PostgresFeed::connect_to_first(std::vector<Host> hosts) {
  std::vector<Error> errors;
  for (auto& host : hosts) {
    // One at a time, not libpq's list: it would spend the whole time on the first address that swallows packets.
    auto opened = co_await connection_.open(conninfo_, host, options_.connect_limit);
    if (opened) {
      host_ = std::move(host);
      co_return Result<void>();
    }
    const bool go_on = another_may_do(opened.error());
    errors.push_back(std::move(opened).error());
    if (!go_on) break;
  }
  co_return fail(none_answered(std::move(errors)));
}

Task<Result<void>> PostgresFeed::listen() {
  auto sql = std::string("listen ") + changes;
  auto none = std::vector<Field>();
  auto done = co_await connection_.query(std::move(sql), std::move(none), options_.heartbeat_limit, "listening");
  if (!done && done.error().reason() == "sqlstate_0A000") {
    co_return fail(std::move(done).error().with_reason("listen_refused"));
  }
  if (!done) co_return fail(std::move(done).error());
  co_return Result<void>();
}

Task<Result<plan::Answer>> PostgresFeed::ask(Question question) {
  // What was notified until now is in the answer; what is notified while it is made may not be.
  if (auto forgotten = connection_.forget_notifications(changes); !forgotten) {
    co_return fail(std::move(forgotten).error());
  }
  std::vector<Field> parameters(4);
  if (question.names) parameters[0] = array_literal(*question.names);
  if (!question.since.empty()) parameters[1] = question.since;
  parameters[2] = agent_json(question.ids);
  parameters[3] = std::to_string(options_.document_bytes_max);
  auto sql = std::string(ask_sql);
  auto rows = co_await connection_.query(std::move(sql), std::move(parameters), options_.ask_limit,
                                         "asking for the desired versions", options_.answer_bytes_max);
  if (!rows) co_return fail(std::move(rows).error());

  const bool full = question.since.empty();
  auto decode = [rows = answer_rows(*std::move(rows)), full] { return read_answer(rows, full); };
  co_return co_await async::offload(pool_, std::move(decode));
}

Task<Result<Waited>> PostgresFeed::wait(async::Steady deadline) {
  auto notified = co_await connection_.wait_notified(changes, deadline);
  if (!notified) co_return fail(std::move(notified).error());
  co_return *notified ? Waited::notified : Waited::deadline;
}

Task<Result<void>> PostgresFeed::heartbeat() {
  auto none = std::vector<Field>();
  auto beat = co_await connection_.query("select 1", std::move(none), options_.heartbeat_limit, "the heartbeat");
  if (!beat) co_return fail(std::move(beat).error());
  co_return Result<void>();
}

Task<Result<bool>> PostgresFeed::probe() {
  const auto channel = canary_channel(random_);
  const auto limit = options_.heartbeat_limit;
  auto none = std::vector<Field>();
  auto listening = co_await connection_.query("listen " + channel, none, limit, "listening for the canary");
  if (!listening) co_return fail(std::move(listening).error());

  auto sent = co_await send_canary(channel);
  if (!sent) {
    auto ended = co_await connection_.query("unlisten " + channel, none, limit, "ending the canary");
    if (!ended) co_return fail(std::move(ended).error());
    co_return sent;
  }
  auto arrived = co_await connection_.wait_notified(channel, clock_.now() + options_.probe_limit);
  if (!arrived) co_return arrived;

  // Where it did not arrive, a pooler has given our LISTEN to a session of others: leave as little as possible there.
  if (!*arrived) {
    auto ended = co_await connection_.query(std::string("unlisten ") + changes, none, limit, "ending the listening");
    if (!ended) co_return fail(std::move(ended).error());
  }
  auto ended = co_await connection_.query("unlisten " + channel, none, limit, "ending the canary");
  if (!ended) co_return fail(std::move(ended).error());
  co_return *arrived;
}

Task<Result<bool>> PostgresFeed::send_canary(std::string channel) {
  Connection second(executor_, clock_);
  auto opened = co_await second.open(conninfo_, host_, options_.connect_limit);
  if (opened) {
    auto parameters = std::vector<Field>(1, channel);
    auto sent = co_await second.query("select pg_catalog.pg_notify($1, '')", std::move(parameters),
                                      options_.heartbeat_limit, "sending the canary");
    if (sent) co_return true;
    opened = fail(std::move(sent).error());
  }
  // The session itself is whole, and its kind of error would say otherwise.
  co_return fail(Error(ErrorKind::failed, opened.error().fact()).within("no second connection for the canary"));
}

}  // namespace bundlesync::catalog::postgres
