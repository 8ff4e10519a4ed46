#include "database.hpp"

#include <fmt/format.h>

namespace bundlesync::tests {
namespace {

using namespace std::chrono_literals;

struct History : ::testing::Test {
  History() { database.add_bundle(1, "section7"); }
  std::string last(const std::string& columns) {
    return database.all("select " + columns + " from bundlesync.default_history order by id desc limit 1");
  }
  Database database;
};

TEST_F(History, EveryMoveIsWrittenDown) {
  database.set_default(1, 12);
  database.set_default(1, 12);  // no move
  database.set_default(1, 11);
  EXPECT_EQ(database.all("select template, from_semver, to_semver, generation, changed_by, reason "
                         "from bundlesync.default_history order by id"),
            "section7|null|1.0.0|2|postgres|null\nsection7|1.0.0|1.1.0|3|postgres|null\n"
            "section7|1.1.0|1.0.0|4|postgres|null");
  EXPECT_EQ(last("changed_xid"), database.one("select changed_xid from bundlesync.template_state"));
  database.run("update public.templates set default_version_id = null");
  EXPECT_EQ(last("from_semver, to_semver, to_version_id"), "1.0.0|null|null");
}

TEST_F(History, ItSaysWhoAndWhy) {
  auto& session = database.session();
  const auto move = [&](const std::string& settings, int version) {
    ASSERT_TRUE(session.exec("begin; " + settings));
    database.set_default(1, version);
    ASSERT_TRUE(session.exec("commit"));
  };
  move(
      "select pg_catalog.set_config('bundlesync.actor', 'ada', true), "
      "pg_catalog.set_config('bundlesync.reason', 'patients first', true)",
      12);
  EXPECT_EQ(last("changed_by, reason"), "ada|patients first");
  // The settings ended with their transaction.
  move("select 1", 11);
  EXPECT_EQ(last("changed_by, reason"), "postgres|null");
  database.run(
      "create role service_of_app nologin bypassrls; grant update, select on public.templates to service_of_app; "
      "grant usage on schema public to service_of_app");
  move(
      "set local role service_of_app; select pg_catalog.set_config('request.jwt.claims', '{\"sub\": \"user-7\"}', "
      "true)",
      12);
  EXPECT_EQ(last("changed_by"), "service_of_app sub=user-7");
  move("select pg_catalog.set_config('request.jwt.claims', 'no json', true)", 11);
  EXPECT_EQ(last("changed_by"), "postgres");
}

TEST_F(History, ItIsOnlyAddedTo) {
  EXPECT_EQ(database.refusal("update bundlesync.default_history set reason = 'nicer'"),
            "default_history is only ever added to: history_append_only");
  EXPECT_EQ(database.refusal("delete from bundlesync.default_history"),
            "default_history is only ever added to: history_append_only");
}

TEST_F(History, OutlivesTheTemplateAndItsVersions) {
  database.run("update public.templates set default_version_id = null");
  database.run(fmt::format("select bundlesync.prune('{}'), bundlesync.prune('{}')", uuid(11), uuid(12)));
  database.run("delete from public.templates");
  EXPECT_EQ(database.all("select template, from_semver, to_semver from bundlesync.default_history order by id"),
            "section7|null|1.0.0\nsection7|1.0.0|null");
}

struct Generations : History {
  std::string generation() {
    return database.one("select generation from bundlesync.template_state where name = 'section7'");
  }
};

TEST_F(Generations, RiseWithWhatAgentsShouldShowAndWithNothingElse) {
  EXPECT_EQ(generation(), "2");
  database.run("update public.templates set updated_at = now(), default_version_id = default_version_id");
  EXPECT_EQ(generation(), "2");
  database.set_default(1, 12);
  EXPECT_EQ(generation(), "3");
  database.run("update public.templates set enabled = null");
  EXPECT_EQ(generation(), "4");
  database.run("update public.templates set name = 'other'; update public.templates set name = 'section7'");
  EXPECT_EQ(generation(), "6");
  // Whatever the statement says: a trigger of the app moves the default under an update of another column.
  database.run(
      fmt::format("create function public.swap() returns trigger language plpgsql as "
                  "$$ begin new.default_version_id := '{}'; return new; end $$; "
                  "create trigger swap before update on public.templates for each row execute function public.swap(); "
                  "update public.templates set updated_at = now()",
                  uuid(11)));
  EXPECT_EQ(generation(), "7");
  EXPECT_EQ(last("to_semver"), "1.0.0");
}

TEST_F(Generations, WhatMovesInOneTransactionCarriesItsId) {
  database.add_bundle(2, "intake");
  auto& session = database.session();
  ASSERT_TRUE(session.exec("begin"));
  database.set_default(1, 12);
  ASSERT_TRUE(session.exec("savepoint inner_one"));
  database.set_default(2, 22);
  ASSERT_TRUE(session.exec("release inner_one"));
  const auto xid = database.one("select pg_catalog.pg_current_xact_id()");
  ASSERT_TRUE(session.exec("commit"));
  EXPECT_EQ(database.desired("section7", "{changed_xid}"), xid);
  EXPECT_EQ(database.desired("intake", "{changed_xid}"), xid);
  database.set_default(2, 21);
  EXPECT_NE(database.desired("intake", "{changed_xid}"), xid);
}

TEST_F(Generations, ATemplateMadeAgainUnderItsNameIsAnother) {
  database.run("update public.templates set default_version_id = null");
  database.run(fmt::format("select bundlesync.prune('{}'), bundlesync.prune('{}'); delete from public.templates",
                           uuid(11), uuid(12)));
  database.add_template(2, "section7");
  EXPECT_EQ(database.all("select template, document ->> 'id', document ->> 'deleted', document ->> 'generation' "
                         "from bundlesync.desired('{section7}') where template is not null"),
            fmt::format("section7|{}|true|4\nsection7|{}|false|1", uuid(1), uuid(2)));
  // The same id once more goes on where it was: agents accept rising generations only.
  database.run("delete from public.templates");
  database.add_template(1, "section7");
  EXPECT_EQ(
      database.one(fmt::format("select generation from bundlesync.template_state where template_id = '{}'", uuid(1))),
      "5");
}

struct Notifications : History {
  Notifications() : listener(database.connect()) { (void)value_of(listener.exec("listen bundlesync")); }
  std::vector<std::string> heard() {
    // A mark on the same channel ends the wait: what came before it is all there is.
    (void)value_of(database.session().exec("notify bundlesync, '(end)'"));
    std::vector<std::string> payloads;
    while (payloads.empty() || payloads.back() != "(end)") {
      const auto more = value_of(listener.notifications(10s));
      if (more.empty()) break;
      payloads.insert(payloads.end(), more.begin(), more.end());
    }
    return payloads;
  }
  catalog::Session listener;
};

TEST_F(Notifications, OneATransactionAndTemplate) {
  database.add_bundle(2, "intake");
  (void)heard();
  auto& session = database.session();
  ASSERT_TRUE(session.exec("begin"));
  for (int i = 0; i < 3; ++i) {
    database.set_default(1, 12);
    database.set_default(1, 11);
    database.set_default(2, 22);
  }
  ASSERT_TRUE(session.exec("commit"));
  EXPECT_EQ(heard(), (std::vector<std::string>{"section7", "intake", "(end)"}));
}

TEST_F(Notifications, NoneForARollbackOrForWhatAgentsDoNotShow) {
  auto& session = database.session();
  ASSERT_TRUE(session.exec("begin"));
  database.set_default(1, 12);
  ASSERT_TRUE(session.exec("rollback"));
  database.add_version(13, 1, "2.0.0", "draft");
  database.add_artifact(13, "section7/v2.0.0/text.md");
  database.run("update public.templates set updated_at = now()");
  EXPECT_EQ(heard(), std::vector<std::string>{"(end)"});
}

}  // namespace
}  // namespace bundlesync::tests
