#include "base/digest.hpp"
#include "catalog/postgres/postgres_feed.hpp"
#include "contract/feed/feed_world.hpp"
#include "support/postgres_server.hpp"

namespace bundlesync::tests {
namespace {

class PostgresWorld final : public FeedWorld {
 public:
  PostgresWorld() : database_(server_.create_migrated_database()) {}

  std::unique_ptr<catalog::Feed> feed(LoopRunner& loop) override {
    const auto url = [text = server_.url(database_)] { return Result<Secret>(Secret(text)); };
    return std::make_unique<catalog::postgres::PostgresFeed>(loop.io.get_executor(), loop.clock, loop.pool, url, "");
  }
  std::string add(const std::string& name) override {
    const auto rows =
        server_.exec(database_, "insert into public.templates (name) values ('" + name + "') returning id");
    const std::string id(rows.text(0, 0));
    server_.exec(database_, "begin; " + move_sql(id, name, "1.0.0") + "commit");
    return id;
  }
  void move(const std::vector<std::string>& ids, const std::string& semver) override {
    std::string sql = "begin; ";
    for (const auto& id : ids) sql += move_sql(id, name_of(id), semver);
    server_.exec(database_, sql + "commit");
  }
  void rename(const std::string& id, const std::string& name) override {
    server_.exec(database_, "update public.templates set name = '" + name + "' where id = '" + id + "'");
  }
  void remove(const std::string& id) override {
    // A template goes with its versions, which only prune() may take.
    server_.exec(database_, "update public.templates set default_version_id = null where id = '" + id + "'");
    server_.exec(database_,
                 "select bundlesync.prune(v.id) from public.template_versions v where v.template_id = '" + id + "'");
    server_.exec(database_, "delete from public.templates where id = '" + id + "'");
  }
  void end_sessions() override {
    server_.exec("postgres", "select pg_terminate_backend(pid) from pg_stat_activity where datname = '" + database_ +
                                 "' and pid <> pg_backend_pid()");
  }
  void restart_server() override { server_.restart(); }
  void new_epoch() override { server_.exec(database_, "select bundlesync.new_epoch('test')"); }

 private:
  std::string name_of(const std::string& id) {
    return std::string(server_.exec(database_, "select name from public.templates where id = '" + id + "'").text(0, 0));
  }
  static std::string move_sql(const std::string& id, const std::string& name, const std::string& semver) {
    const auto path = name + "/v" + semver + "/" + name + ".md";
    const auto sha256 = Digest::of(name + semver).hex();
    return "with v as (insert into public.template_versions (template_id, semver, status) values ('" + id + "', '" +
           semver + "', 'stable') returning id) " +
           "insert into public.artifacts (template_version_id, kind, storage_path, sha256, size_bytes, content_type) "
           "select v.id, 'master_prompt', '" +
           path + "', '" + sha256 + "', 7, 'text/markdown' from v; " +
           "update public.templates set default_version_id = (select id from public.template_versions where "
           "template_id = '" +
           id + "' and semver = '" + semver + "') where id = '" + id + "'; ";
  }

  PostgresServer server_;  // its own: a test of this world restarts it
  std::string database_;
};

}  // namespace

std::unique_ptr<FeedWorld> postgres_world() {
  return std::make_unique<PostgresWorld>();
}

}  // namespace bundlesync::tests
