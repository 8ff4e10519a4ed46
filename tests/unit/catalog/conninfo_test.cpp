#include "catalog/postgres/conninfo.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace bundlesync::catalog::postgres {
namespace {

constexpr auto bundle = "/etc/ssl/bundle.pem";

Conninfo read(const std::string& text, const std::string& ca = "", const std::string& system_ca = bundle) {
  auto info = read_conninfo(Secret(text), ca, system_ca);
  if (!info) throw std::runtime_error(info.error().text());
  return *std::move(info);
}
std::string parameter(const Conninfo& info, const std::string& key) {
  const auto found = info.parameters.find(key);
  return found == info.parameters.end() ? "absent" : found->second.reveal();
}

TEST(Conninfo, ReadsAUrlAndCompletesIt) {
  const auto info = read("postgresql://me:pw@db.example.com:6000/prompts");
  ASSERT_EQ(info.hosts.size(), 1u);
  EXPECT_EQ(info.hosts[0].text(), "db.example.com:6000");
  EXPECT_EQ(parameter(info, "user"), "me");
  EXPECT_EQ(parameter(info, "password"), "pw");
  EXPECT_EQ(parameter(info, "dbname"), "prompts");
  EXPECT_EQ(parameter(info, "application_name"), "bundlesync");
  EXPECT_EQ(parameter(info, "keepalives_idle"), "10");
  EXPECT_EQ(parameter(info, "keepalives_interval"), "5");
  EXPECT_EQ(parameter(info, "keepalives_count"), "3");
  EXPECT_EQ(parameter(info, "tcp_user_timeout"), "15000");
  EXPECT_EQ(parameter(info, "connect_timeout"), "5");
  EXPECT_EQ(parameter(info, "target_session_attrs"), "absent");
  EXPECT_TRUE(info.warnings.empty());
}

TEST(Conninfo, WhatTheStringSaysWins) {
  const auto info = read("host=db keepalives_idle=99 application_name=mine tcp_user_timeout=1 connect_timeout=2");
  EXPECT_EQ(parameter(info, "keepalives_idle"), "99");
  EXPECT_EQ(parameter(info, "application_name"), "mine");
  EXPECT_EQ(parameter(info, "tcp_user_timeout"), "1");
  EXPECT_EQ(parameter(info, "connect_timeout"), "2");
}

TEST(Conninfo, SeveralHostsMeanTheOneThatWrites) {
  const auto info = read("postgresql://a:1,b,[::1]:3/db");
  ASSERT_EQ(info.hosts.size(), 3u);
  EXPECT_EQ(info.hosts[0].text(), "a:1");
  EXPECT_EQ(info.hosts[1].text(), "b:5432");
  EXPECT_EQ(info.hosts[2].text(), "[::1]:3");
  EXPECT_EQ(parameter(info, "target_session_attrs"), "read-write");
  EXPECT_EQ(parameter(read("postgresql://a,b/db?target_session_attrs=any"), "target_session_attrs"), "any");
}

TEST(Conninfo, OnePortServesAllHosts) {
  const auto info = read("host=a,b port=7777");
  EXPECT_EQ(info.hosts[0].text(), "a:7777");
  EXPECT_EQ(info.hosts[1].text(), "b:7777");
}

TEST(Conninfo, VerifiesHostsBeyondThisMachine) {
  const auto remote = read("postgresql://db.example.com/x");
  EXPECT_EQ(parameter(remote, "sslmode"), "verify-full");
  EXPECT_EQ(parameter(remote, "sslrootcert"), bundle);
  EXPECT_EQ(parameter(read("postgresql://db.example.com/x", "/my/ca.pem"), "sslrootcert"), "/my/ca.pem");
  EXPECT_EQ(parameter(read("postgresql://db/x?sslrootcert=/url/ca.pem", "/my/ca.pem"), "sslrootcert"), "/url/ca.pem");
  EXPECT_EQ(parameter(read("host=localhost hostaddr=10.0.0.1"), "sslmode"), "verify-full");
  EXPECT_EQ(parameter(read("postgresql://localhost,db.example.com/x"), "sslmode"), "verify-full");
  EXPECT_EQ(parameter(read("postgresql://127.0.0.1.example.com/x"), "sslmode"), "verify-full");
}

TEST(Conninfo, LeavesThisMachineAsLibpqDoes) {
  for (const auto* text : {"postgresql://localhost/x", "postgresql://127.0.0.1/x", "postgresql://[::1]/x",
                           "host=/run/postgresql", "host=@abstract", "dbname=x", "host=db hostaddr=127.0.0.1"}) {
    const auto info = read(text);
    EXPECT_EQ(parameter(info, "sslmode"), "absent") << text;
    EXPECT_EQ(parameter(info, "sslrootcert"), "absent") << text;
    EXPECT_TRUE(info.warnings.empty()) << text;
  }
}

TEST(Conninfo, SaysWhenTheUrlAsksForLess) {
  for (const std::string mode : {"disable", "allow", "prefer", "require", "verify-ca"}) {
    const auto info = read("postgresql://db.example.com/x?sslmode=" + mode);
    EXPECT_EQ(parameter(info, "sslmode"), mode);
    ASSERT_EQ(info.warnings.size(), 1u);
    EXPECT_EQ(info.warnings[0],
              "sslmode=" + mode +
                  " does not verify that the server is db.example.com:5432 (hint: take sslmode out of "
                  "database.url; set database.ca if its authority is not public)");
  }
  EXPECT_TRUE(read("postgresql://db.example.com/x?sslmode=verify-full").warnings.empty());
  EXPECT_TRUE(read("postgresql://localhost/x?sslmode=disable").warnings.empty());
}

TEST(Conninfo, NeedsAFileWithAuthoritiesToVerify) {
  const auto info = read_conninfo(Secret("postgresql://db.example.com/x"), "", "");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().kind(), ErrorKind::usage);
  EXPECT_EQ(info.error().text(),
            "no file with certificate authorities is there to verify the database server with\n"
            "hint: install the package ca-certificates, or set database.ca to a PEM file");
  EXPECT_TRUE(read_conninfo(Secret("postgresql://db.example.com/x?sslmode=require"), "", ""));
}

TEST(Conninfo, QuotesNothingOfAStringItCannotRead) {
  for (const auto* text :
       {"postgresql://me:hunter2@host:99999:1/x", "postgresql://me:hunter2@[::1/x", "postgresql://me:hunter2%zz@host/x",
        "password=hunter2 hunter2", "hunter2", "postgresql://me:x@host/db?hunter2=1", "password='hunter2"}) {
    const auto info = read_conninfo(Secret(text), "", bundle);
    if (info) continue;  // libpq lets some of them pass
    EXPECT_EQ(info.error().kind(), ErrorKind::usage) << text;
    EXPECT_TRUE(info.error().fact().starts_with("database.url cannot be read: ")) << info.error().fact();
    EXPECT_EQ(info.error().text().find("hunter2"), std::string::npos) << info.error().text();
  }
  const auto word = read_conninfo(Secret("hunter2"), "", bundle);
  ASSERT_FALSE(word);
  EXPECT_EQ(word.error().fact(), "database.url cannot be read: neither a URL nor name=value pairs");
  EXPECT_FALSE(read_conninfo(Secret("postgresql://me:hunter2%zz@host/x"), "", bundle));
}

TEST(Conninfo, ScrubsThePasswordInEitherSpelling) {
  const auto info = read("postgresql://me:p%40ss%2Fword@localhost/x");
  EXPECT_EQ(parameter(info, "password"), "p@ss/word");
  EXPECT_EQ(info.scrub("tried p@ss/word and p%40ss%2Fword"), "tried *** and ***");
  const auto error = info.scrub(Error(ErrorKind::failed, "p@ss/word", "not p@ss/word").with_reason("r"));
  EXPECT_EQ(error.text(), "***\nhint: not ***");
  EXPECT_EQ(error.reason(), "r");
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_EQ(read("postgresql://localhost/x").scrub("as it is"), "as it is");
}

TEST(Conninfo, ForgetsLibpqsEnvironment) {
  ::setenv("PGPASSWORD", "hunter2", 1);
  ::setenv("PGHOST", "elsewhere", 1);
  ::setenv("PGSERVICEFILE", "/x", 1);
  ::setenv("PGX_OURS", "stays", 1);
  forget_libpq_environment();
  EXPECT_EQ(::getenv("PGPASSWORD"), nullptr);
  EXPECT_EQ(::getenv("PGHOST"), nullptr);
  EXPECT_EQ(::getenv("PGSERVICEFILE"), nullptr);
  EXPECT_STREQ(::getenv("PGX_OURS"), "stays");
  ::unsetenv("PGX_OURS");
}

}  // namespace
}  // namespace bundlesync::catalog::postgres
