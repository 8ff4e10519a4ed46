#include "catalog/postgres/postgres_feed.hpp"

#include "catalog/watch_plan.hpp"
#include "contract/feed/loop_runner.hpp"
#include "support/pgbouncer.hpp"
#include "support/postgres_server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <set>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace bundlesync::tests {
namespace {

using namespace std::chrono_literals;
using catalog::Waited;
using catalog::postgres::FeedOptions;
using catalog::postgres::PostgresFeed;

std::size_t open_descriptors() {
  std::size_t count = 0;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc/self/fd"), &::closedir);
  while (::readdir(dir.get()) != nullptr) ++count;
  return count;
}

FeedOptions quick() {
  FeedOptions options;
  options.heartbeat_limit = 1s;
  options.ask_limit = 1s;
  options.connect_limit = 1s;
  options.probe_limit = 500ms;
  return options;
}

class PostgresFeedTest : public testing::Test {
 protected:
  std::unique_ptr<PostgresFeed> feed_to(std::string url, FeedOptions options = quick()) {
    const auto text = [url = std::move(url)] { return Result<Secret>(Secret(url)); };
    return std::make_unique<PostgresFeed>(loop.io.get_executor(), loop.clock, loop.pool, text, "", options);
  }
  std::unique_ptr<PostgresFeed> connected(FeedOptions options = quick()) {
    auto feed = feed_to(server.url(database), options);
    value_of(loop.run(feed->connect()));
    value_of(loop.run(feed->listen()));
    return feed;
  }
  Error refusal_of(const std::string& url) {
    auto feed = feed_to(url);
    auto info = loop.run(feed->connect());
    return info ? Error(ErrorKind::failed, "it connected") : info.error();
  }
  std::string host_and_port() { return "connection to server at \"127.0.0.1\", port " + std::to_string(server.port()); }

  PostgresServer server;
  std::string database = server.create_migrated_database();
  LoopRunner loop;
};

TEST_F(PostgresFeedTest, SaysWhereItIs) {
  auto feed = feed_to(server.url(database));
  const auto info = value_of(loop.run(feed->connect()));
  EXPECT_EQ(info.host, "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(info.database, database);
  EXPECT_EQ(info.role, "postgres");
  EXPECT_FALSE(info.tls);
  EXPECT_TRUE(info.warnings.empty());
  EXPECT_EQ(server.exec("postgres", "select application_name from pg_stat_activity where datname = '" + database + "'")
                .text(0, 0),
            "bundlesync");
}

TEST_F(PostgresFeedTest, WorksOverAUnixSocket) {
  auto feed = feed_to(server.conninfo(database));
  const auto info = value_of(loop.run(feed->connect()));
  EXPECT_EQ(info.host, server.socket_dir().string() + ":" + std::to_string(server.port()));
  EXPECT_TRUE(value_of(loop.run(feed->ask({}))).full);
}

TEST_F(PostgresFeedTest, SaysWhyTheServerEndedTheSession) {
  auto feed = connected();
  server.exec("postgres", "select pg_terminate_backend(pid) from pg_stat_activity where datname = '" + database + "'");
  const auto waited = loop.run(feed->wait(loop.clock.now() + 10s));
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().text(), "reading: terminating connection due to administrator command");
  EXPECT_EQ(waited.error().kind(), ErrorKind::unavailable);
}

TEST_F(PostgresFeedTest, FindsACrashOfTheServerAndConnectsAgain) {
  auto feed = connected();
  server.stop(StopMode::immediate);
  const auto waited = loop.run(feed->wait(loop.clock.now() + 10s));
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().kind(), ErrorKind::unavailable);
  feed->close();

  const auto away = loop.run(feed->connect());
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(away.error().text(), host_and_port() +
                                     " failed: Connection refused Is the server running on that host and "
                                     "accepting TCP/IP connections?");
  server.start();
  value_of(loop.run(feed->connect()));
  value_of(loop.run(feed->listen()));
  EXPECT_TRUE(value_of(loop.run(feed->probe())));
}

TEST_F(PostgresFeedTest, FindsAFrozenServerWithinTheDeadlineOfEachCall) {
  auto feed = connected();
  auto asking = connected();
  server.freeze();
  const auto start = loop.clock.now();
  const auto beat = loop.run(feed->heartbeat());
  ASSERT_FALSE(beat);
  EXPECT_EQ(beat.error().text(), "the heartbeat did not end within 1s");
  EXPECT_EQ(beat.error().kind(), ErrorKind::timed_out);
  const auto asked = loop.run(asking->ask({}));
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().text(), "asking for the desired versions did not end within 1s");
  const auto connected_again = loop.run(feed->connect());
  ASSERT_FALSE(connected_again);
  EXPECT_EQ(connected_again.error().text(),
            "connecting to 127.0.0.1:" + std::to_string(server.port()) + " did not end within 1s");
  EXPECT_LT(loop.clock.now() - start, 8s);

  server.thaw();
  // The session of before is never used again.
  const auto late = loop.run(asking->heartbeat());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().text(), "the heartbeat: there is no session");
  value_of(loop.run(asking->connect()));
  EXPECT_TRUE(loop.run(asking->heartbeat()));
}

TEST_F(PostgresFeedTest, FindsAFreezeWithinThirtySecondsByTheDefaults) {
  // The wait until the heartbeat and its limit, not the twenty-five seconds themselves.
  const catalog::WatchOptions watch;
  const FeedOptions feed;
  EXPECT_LE(watch.heartbeat + feed.heartbeat_limit, 30s);
  EXPECT_LE(feed.ask_limit, 30s);
}

TEST_F(PostgresFeedTest, ProvesNothingThroughATransactionPooler) {
  const PgBouncer pooler(server, "transaction");
  auto feed = feed_to(pooler.url(database));
  value_of(loop.run(feed->connect()));
  value_of(loop.run(feed->listen()));
  EXPECT_TRUE(value_of(loop.run(feed->ask({}))).full);
  EXPECT_FALSE(value_of(loop.run(feed->probe())));
  EXPECT_TRUE(loop.run(feed->heartbeat()));
}

TEST_F(PostgresFeedTest, ProvesThatASessionPoolerPassesNotifications) {
  const PgBouncer pooler(server, "session");
  auto feed = feed_to(pooler.url(database));
  value_of(loop.run(feed->connect()));
  value_of(loop.run(feed->listen()));
  EXPECT_TRUE(value_of(loop.run(feed->probe())));
}

TEST_F(PostgresFeedTest, LeavesNoListenerOfTheProbeBehind) {
  auto feed = connected();
  EXPECT_TRUE(value_of(loop.run(feed->probe())));
  EXPECT_TRUE(value_of(loop.run(feed->probe())));
  EXPECT_EQ(
      server.exec("postgres", "select count(*) from pg_stat_activity where datname = '" + database + "'").text(0, 0),
      "1");
}

TEST_F(PostgresFeedTest, SaysWhatTheServerHasNoneOf) {
  const auto no_role = refusal_of(server.url(database, "nobody_here"));
  EXPECT_EQ(
      no_role.text(),
      "role \"nobody_here\" does not exist\nhint: check user and password in database.url, and pg_hba.conf of the "
      "server");
  EXPECT_EQ(no_role.kind(), ErrorKind::unauthorised);

  const auto no_database = refusal_of(server.url("nothing_here"));
  EXPECT_EQ(no_database.text(),
            "database \"nothing_here\" does not exist\nhint: check the name after the last '/' of database.url");
  EXPECT_EQ(no_database.kind(), ErrorKind::usage);

  const auto no_tls = refusal_of(server.url(database) + "?sslmode=verify-full");
  EXPECT_EQ(no_tls.kind(), ErrorKind::usage);
  EXPECT_EQ(no_tls.reason(), "tls_not_offered");

  const auto bad_mode = refusal_of(server.url(database) + "?sslmode=maybe");
  EXPECT_EQ(bad_mode.text(),
            "database.url: invalid sslmode value: \"maybe\"\nhint: check its parameters, after the '?'");
  EXPECT_EQ(bad_mode.kind(), ErrorKind::usage);

  const auto no_name = refusal_of("postgresql://postgres@no-such-host.invalid/db?sslmode=disable");
  EXPECT_EQ(no_name.kind(), ErrorKind::unavailable);
  EXPECT_TRUE(no_name.fact().starts_with("the host name 'no-such-host.invalid' has no address: ")) << no_name.fact();
}

TEST_F(PostgresFeedTest, SaysThatTheSchemaIsMissing) {
  auto feed = feed_to(server.url(server.create_database()));
  value_of(loop.run(feed->connect()));
  const auto asked = loop.run(feed->ask({}));
  ASSERT_FALSE(asked);
  EXPECT_EQ(
      asked.error().text(),
      "the database has no schema bundlesync: schema \"bundlesync\" does not exist\nhint: run bundlesync migrate");
  EXPECT_EQ(asked.error().kind(), ErrorKind::usage);
  EXPECT_TRUE(loop.run(feed->heartbeat()));
}

TEST_F(PostgresFeedTest, ASchemaTooNewIsRefusedWithBothNumbers) {
  server.exec(database, "update bundlesync.meta set schema_version = 3");
  auto feed = connected();
  const auto asked = loop.run(feed->ask({}));
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().text(),
            "the database has schema version 3, this build works with 0 to 2; what is shown stays\nhint: update "
            "bundlesync here");
  EXPECT_EQ(asked.error().kind(), ErrorKind::usage);
}

TEST_F(PostgresFeedTest, ARoleWithoutTheGrantIsUnauthorised) {
  server.exec(database, "create role stranger login");
  auto feed = feed_to(server.url(database, "stranger"));
  value_of(loop.run(feed->connect()));
  const auto asked = loop.run(feed->ask({}));
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().text(), "permission denied for schema bundlesync\nhint: grant bundlesync_agent to this role");
  EXPECT_EQ(asked.error().kind(), ErrorKind::unauthorised);
}

TEST_F(PostgresFeedTest, AMemberOfBundlesyncAgentMayListenAskAndProbe) {
  server.exec(database, "create role pod login in role bundlesync_agent");
  auto feed = feed_to(server.url(database, "pod"));
  value_of(loop.run(feed->connect()));
  value_of(loop.run(feed->listen()));
  EXPECT_TRUE(value_of(loop.run(feed->ask({}))).full);
  EXPECT_TRUE(value_of(loop.run(feed->probe())));
}

TEST_F(PostgresFeedTest, NoConnectionLeftHasAReasonOfItsOwn) {
  server.exec(database, "create role pod login connection limit 1 in role bundlesync_agent");
  auto first = feed_to(server.url(database, "pod"));
  value_of(loop.run(first->connect()));
  value_of(loop.run(first->listen()));
  const auto second = refusal_of(server.url(database, "pod"));
  EXPECT_EQ(second.kind(), ErrorKind::no_space);
  EXPECT_EQ(second.reason(), "too_many_connections");
  EXPECT_EQ(second.text(),
            "too many connections for role \"pod\"\nhint: raise max_connections or the role's connection limit");

  // The canary's connection is refused, the session stays whole.
  const auto probed = loop.run(first->probe());
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().text(), "no second connection for the canary: too many connections for role \"pod\"");
  EXPECT_EQ(probed.error().kind(), ErrorKind::failed);
  EXPECT_TRUE(loop.run(first->heartbeat()));
}

TEST_F(PostgresFeedTest, GoesOnToTheNextHost) {
  const auto port = std::to_string(server.port());
  const auto dead = std::to_string(free_port());
  auto feed = feed_to("postgresql://postgres@127.0.0.1:" + dead + ",localhost:" + port + "/" + database);
  const auto info = value_of(loop.run(feed->connect()));
  EXPECT_EQ(info.host, "localhost:" + port);

  const auto none = refusal_of("postgresql://postgres@127.0.0.1:" + dead + ",127.0.0.1:" + dead + "/" + database);
  EXPECT_EQ(none.kind(), ErrorKind::unavailable);
  EXPECT_TRUE(none.fact().starts_with("none of 2 addresses answered: connection to server at \"127.0.0.1\", port "))
      << none.fact();
}

TEST_F(PostgresFeedTest, AStandbyCannotListenAndAnswers) {
  const std::string data(server.exec("postgres", "show data_directory").text(0, 0));
  server.stop();
  std::ofstream(data + "/standby.signal").close();
  server.start();
  auto feed = feed_to(server.url(database));
  value_of(loop.run(feed->connect()));
  const auto listened = loop.run(feed->listen());
  ASSERT_FALSE(listened);
  EXPECT_EQ(listened.error().reason(), "listen_refused");
  EXPECT_EQ(listened.error().text(), "cannot execute LISTEN during recovery");
  EXPECT_EQ(listened.error().kind(), ErrorKind::failed);
  EXPECT_TRUE(value_of(loop.run(feed->ask({}))).full);

  const auto writing = refusal_of(server.url(database) + "?target_session_attrs=read-write");
  EXPECT_EQ(writing.kind(), ErrorKind::unavailable);
  EXPECT_EQ(writing.text(), host_and_port() + " failed: session is read-only");
}

TEST_F(PostgresFeedTest, AnAnswerThatIsTooLargeIsStoppedAndTheSessionClosed) {
  server.exec(database, "insert into public.templates (name) select 'template' || i from generate_series(1, 500) i");
  auto options = quick();
  options.answer_bytes_max = 10'000;
  auto feed = connected(options);
  const auto asked = loop.run(feed->ask({}));
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().text(), "the answer is larger than 10000 bytes");
  EXPECT_EQ(asked.error().reason(), "answer_too_large");
  EXPECT_EQ(loop.run(feed->heartbeat()).error().text(), "the heartbeat: there is no session");
}

TEST_F(PostgresFeedTest, ADocumentThatIsTooLargeFailsItsTemplateOnly) {
  server.exec(database, "insert into public.templates (name) values ('a'), ('b')");
  auto options = quick();
  options.document_bytes_max = 20;  // the first row is larger too, so only a document is tried below
  auto feed = connected(options);
  const auto none = loop.run(feed->ask({}));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().text(), "bundlesync.desired(): no document");

  options.document_bytes_max = 330;
  server.exec(database, "update public.templates set name = 'b' || repeat('b', 90) where name = 'b'");
  auto measured = server.exec(database, "select octet_length(document::text) from bundlesync.desired() order by 1");
  options.document_bytes_max = std::stoul(std::string(measured.text(2, 0))) - 1;
  ASSERT_GT(measured.text(2, 0), measured.text(1, 0));
  auto cut = connected(options);
  const auto answer = value_of(loop.run(cut->ask({})));
  ASSERT_EQ(answer.templates.size(), 2u);
  EXPECT_EQ(answer.templates[0].problem, "");
  EXPECT_EQ(answer.templates[1].problem, "document_invalid");
}

TEST_F(PostgresFeedTest, ACancelledQuestionClosesTheSession) {
  auto feed = connected();
  server.freeze();
  fakes::Spawned asking(loop.io, feed->ask({}));
  loop.io.restart();
  loop.io.run_for(50ms);
  asking.cancel();
  for (int i = 0; i < 100 && !asking.ended(); ++i) loop.io.run_one_for(10ms);
  EXPECT_TRUE(asking.cancelled());
  server.thaw();
  EXPECT_EQ(loop.run(feed->heartbeat()).error().text(), "the heartbeat: there is no session");
}

TEST_F(PostgresFeedTest, KeepsItsDescriptorsThroughManySessionsHoweverTheyEnd) {
  auto feed = connected();
  value_of(loop.run(feed->ask({})));
  const auto before = open_descriptors();
  for (int i = 0; i < 60; ++i) {
    value_of(loop.run(feed->connect()));
    value_of(loop.run(feed->listen()));
    if (i % 3 == 0) {
      server.exec("postgres",
                  "select pg_terminate_backend(pid) from pg_stat_activity where datname = '" + database + "'");
      EXPECT_FALSE(loop.run(feed->wait(loop.clock.now() + 10s)));
    } else if (i % 3 == 1) {
      EXPECT_TRUE(value_of(loop.run(feed->probe())));
    } else {
      fakes::Spawned waiting(loop.io, feed->wait(loop.clock.now() + 10s));
      loop.io.restart();
      loop.io.poll();
      feed->close();  // under a waiter, too
      for (int k = 0; k < 100 && !waiting.ended(); ++k) loop.io.run_one_for(10ms);
      EXPECT_TRUE(waiting.ended());
    }
    feed->close();
  }
  value_of(loop.run(feed->connect()));
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(PostgresFeedTest, SaysThatThereIsNoDescriptorLeftAndConnectsOnceThereIs) {
  auto feed = feed_to(server.url(database));
  value_of(loop.run(feed->connect()));  // the threads and files of a first time are there
  feed->close();
  const std::size_t before = open_descriptors();
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit all = limit;
  std::set<std::string> refusals;
  for (limit.rlim_cur = 3;; ++limit.rlim_cur) {
    ASSERT_LT(limit.rlim_cur, 100U);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    const auto connected = loop.run(feed->connect());
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &all), 0);
    if (connected) break;
    EXPECT_EQ(connected.error().kind(), ErrorKind::unavailable) << connected.error().text();
    EXPECT_EQ(open_descriptors(), before) << connected.error().text();
    refusals.insert(connected.error().text());
  }
  EXPECT_TRUE(refusals.contains("cannot wait for the server: Too many open files")) << testing::PrintToString(refusals);
  EXPECT_TRUE(value_of(loop.run(feed->ask({}))).full);
}

/// libpq closes its descriptor as soon as the server is gone, and the next file that any thread opens gets its number:
/// what we wait on must be ours. A thread sanitizer sees it when it is not.
TEST_F(PostgresFeedTest, LeavesDescriptorsOfOtherThreadsAloneWhenSessionsEnd) {
  std::atomic<bool> done = false;
  std::atomic<int> broken = 0;
  std::vector<std::thread> others(2);
  for (auto& other : others) {
    other = std::thread([&] {
      while (!done) {
        const int fd = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
        char byte = 1;
        if (::read(fd, &byte, 1) != 1 || byte != 0 || ::close(fd) != 0) ++broken;
      }
    });
  }
  auto feed = feed_to(server.url(database));
  for (int i = 0; i < 20; ++i) {
    value_of(loop.run(feed->connect()));
    value_of(loop.run(feed->listen()));
    server.exec("postgres",
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = '" + database + "'");
    EXPECT_FALSE(loop.run(feed->wait(loop.clock.now() + 10s)));
  }
  done = true;
  for (auto& other : others) other.join();
  EXPECT_EQ(broken, 0);
}

TEST_F(PostgresFeedTest, ReadsTheUrlAgainAtEveryConnect) {
  std::string role = "nobody_here";
  const auto url = [&] { return Result<Secret>(Secret(server.url(database, role))); };
  PostgresFeed feed(loop.io.get_executor(), loop.clock, loop.pool, url, "", quick());
  EXPECT_FALSE(loop.run(feed.connect()));
  role = "postgres";
  EXPECT_EQ(value_of(loop.run(feed.connect())).role, "postgres");
}

TEST_F(PostgresFeedTest, OddRowsAreProblemsOfTheirTemplates) {
  server.exec(database, R"(
    set session_replication_role = replica;
    insert into public.templates (id, name, default_version_id) values
      ('00000000-0000-0000-0000-00000000000a', 'a', '00000000-0000-0000-0000-0000000000a1'),
      ('00000000-0000-0000-0000-00000000000b', 'b', '00000000-0000-0000-0000-0000000000b1'),
      ('00000000-0000-0000-0000-00000000000c', 'c', '00000000-0000-0000-0000-0000000000c1');
    insert into public.template_versions (id, template_id, semver) values
      ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-00000000000a', '1.0.0'),
      ('00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-00000000000b', '1.0.0'),
      ('00000000-0000-0000-0000-0000000000c1', '00000000-0000-0000-0000-00000000000c', '1.0.0');
    insert into public.artifacts (template_version_id, kind, storage_path, sha256, size_bytes, content_type) values
      ('00000000-0000-0000-0000-0000000000a1', 'k', 'a/v1.0.0/x.md', 'abc', 1, 't/p'),
      ('00000000-0000-0000-0000-0000000000b1', 'k', 'b/v1.0.0/x.md', repeat('a', 64), -1, 't/p'),
      ('00000000-0000-0000-0000-0000000000c1', 'k', 'c/v1.0.0/x.md', repeat('A', 64), 1, 't/p'))");
  auto feed = connected();
  const auto answer = value_of(loop.run(feed->ask({})));
  ASSERT_EQ(answer.templates.size(), 3u);
  EXPECT_EQ(answer.templates[0].problem, "sha256_invalid");
  EXPECT_EQ(answer.templates[1].problem, "size_invalid");
  EXPECT_EQ(answer.templates[2].problem, "");
  EXPECT_EQ(answer.templates[2].current->bundle.files.at(0).sha256.hex(), std::string(64, 'a'));
}

}  // namespace
}  // namespace bundlesync::tests
