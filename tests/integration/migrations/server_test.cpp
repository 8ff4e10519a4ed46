#include "database.hpp"
#include "support/pgbouncer.hpp"

#include <chrono>
#include <sys/stat.h>

namespace bundlesync::tests {
namespace {

using namespace std::chrono_literals;

TEST(PostgresServer, StopsAndStartsOnTheSamePortAndKeepsItsRows) {
  PostgresServer server;
  const int port = server.port();
  server.exec("postgres", "create table public.kept (x int); insert into public.kept values (7)");
  server.stop();
  EXPECT_EQ(server.pid(), -1);
  const auto away = catalog::Session::connect(server.conninfo());
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().kind(), ErrorKind::unavailable);
  server.start();
  EXPECT_EQ(server.port(), port);
  EXPECT_EQ(server.exec("postgres", "select x from public.kept").text(0, 0), "7");
  server.restart(StopMode::immediate);
  EXPECT_EQ(server.exec("postgres", "select x from public.kept").text(0, 0), "7");
}

TEST(PostgresServer, FrozenItAnswersNobodyAndThawedItGoesOn) {
  PostgresServer server;
  auto session = server.connect();
  auto notifier = server.connect();
  ASSERT_TRUE(session.exec("listen here"));
  server.freeze();
  const auto silent = catalog::Session::connect(server.url() + "?connect_timeout=2");
  EXPECT_FALSE(silent);
  server.thaw();
  ASSERT_TRUE(notifier.exec("select pg_catalog.pg_notify('here', 'thawed')"));
  EXPECT_EQ(value_of(session.notifications(10s)), std::vector<std::string>{"thawed"});
}

TEST(PostgresServer, EndsWithItsObjectAndLeavesNothing) {
  pid_t pid = 0;
  std::filesystem::path dir;
  {
    PostgresServer server;
    pid = server.pid();
    dir = server.socket_dir();
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_FALSE(std::filesystem::exists(dir));
}

TEST(PgBouncer, InTransactionModeLosesAListen) {
  PostgresServer server;
  const PgBouncer bouncer(server);
  auto listener = value_of(catalog::Session::connect(bouncer.url()));
  auto other = server.connect();
  ASSERT_TRUE(listener.exec("listen here"));
  // Another client's transaction now takes the server connection that listens.
  auto rival = value_of(catalog::Session::connect(bouncer.url()));
  ASSERT_TRUE(rival.exec("begin"));
  ASSERT_TRUE(other.exec("notify here, 'lost'"));
  EXPECT_EQ(value_of(listener.notifications(300ms)), std::vector<std::string>{});
  ASSERT_TRUE(rival.exec("commit"));
}

TEST(Session, SaysWhatSortOfFailureItIs) {
  Database database;
  auto& session = database.session();
  const auto syntax = session.exec("selec 1");
  ASSERT_FALSE(syntax);
  EXPECT_EQ(syntax.error().fact(), "syntax error at or near \"selec\"");
  EXPECT_EQ(syntax.error().kind(), ErrorKind::failed);
  EXPECT_EQ(syntax.error().reason(), "42601");

  const auto unknown_user = catalog::Session::connect(database.server().conninfo(database.name(), "nobody_here"));
  ASSERT_FALSE(unknown_user);
  EXPECT_EQ(unknown_user.error().kind(), ErrorKind::unauthorised);
  const auto unreadable = catalog::Session::connect("postgresql://u:secret%zz@h/d");
  ASSERT_FALSE(unreadable);
  EXPECT_EQ(unreadable.error().kind(), ErrorKind::usage);
  EXPECT_EQ(unreadable.error().text().find("secret"), std::string::npos);

  const auto killed = session.exec("select pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())");
  ASSERT_FALSE(killed);
  EXPECT_EQ(killed.error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(killed.error().reason(), "08006");
}

TEST(Session, BindsParametersAndKeepsNullsApart) {
  Database database;
  auto& session = database.session();
  const auto rows = value_of(session.exec("select $1::text, $2::text", {"'; drop table x; --", std::nullopt}));
  EXPECT_EQ(rows.text(0, 0), "'; drop table x; --");
  EXPECT_TRUE(rows.is_null(0, 1));
  EXPECT_EQ(rows.value(0, 1), std::nullopt);
  EXPECT_THROW((void)rows.text(1, 0), std::out_of_range);
  EXPECT_EQ(database.one("show search_path"), "");
  EXPECT_EQ(database.one("show application_name"), "bundlesync");
}

TEST(Session, ATransactionEndsWhole) {
  Database database;
  auto& session = database.session();
  const auto failed = session.transaction([&]() -> Result<int> {
    (void)value_of(session.exec("insert into public.templates (name) values ('half')"));
    return fail(ErrorKind::refused, "no");
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().fact(), "no");
  EXPECT_EQ(database.one("select count(*) from public.templates"), "0");
  const auto done = session.transaction([&]() -> Result<int> {
    (void)value_of(session.exec("insert into public.templates (name) values ('whole')"));
    return 7;
  });
  EXPECT_EQ(value_of(done), 7);
  EXPECT_EQ(database.one("select name from public.templates"), "whole");
}

TEST(Session, KeepsNoticesAndPrintsNone) {
  Database database;
  auto& session = database.session();
  (void)session.take_notices();
  testing::internal::CaptureStderr();
  ASSERT_TRUE(session.exec("do $$ begin raise warning 'careful' using hint = 'look'; end $$"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  const auto notices = session.take_notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].severity, "WARNING");
  EXPECT_EQ(notices[0].message, "careful");
  EXPECT_EQ(notices[0].hint, "look");
  EXPECT_TRUE(session.take_notices().empty());
}

}  // namespace
}  // namespace bundlesync::tests
