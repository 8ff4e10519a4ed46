#include "catalog/postgres/sqlstate.hpp"

#include <gtest/gtest.h>

namespace bundlesync::catalog::postgres {
namespace {

TEST(Sqlstate, HasAKindAReasonAndAHintForWhatPeopleCanMend) {
  struct Case {
    std::string state;
    ErrorKind kind;
    std::string reason;
    bool hint;
  };
  const std::vector<Case> cases = {
      {"28P01", ErrorKind::unauthorised, "", true},
      {"28000", ErrorKind::unauthorised, "", true},
      {"42501", ErrorKind::unauthorised, "", true},
      {"53300", ErrorKind::no_space, "too_many_connections", true},
      {"53400", ErrorKind::unavailable, "", false},
      {"57P01", ErrorKind::unavailable, "", false},
      {"57P02", ErrorKind::unavailable, "", false},
      {"57P03", ErrorKind::unavailable, "", false},
      {"08006", ErrorKind::unavailable, "", false},
      {"08P01", ErrorKind::unavailable, "", false},
      {"57014", ErrorKind::timed_out, "", false},
      {"25006", ErrorKind::failed, "listen_refused", false},
      {"42883", ErrorKind::usage, "", true},
      {"3F000", ErrorKind::usage, "", true},
      {"3D000", ErrorKind::usage, "", true},
      {"22P02", ErrorKind::failed, "sqlstate_22P02", false},
      {"XX000", ErrorKind::failed, "sqlstate_XX000", false},
  };
  for (const auto& one : cases) {
    const auto error = sql_error(one.state, "the words");
    EXPECT_EQ(error.kind(), one.kind) << one.state;
    EXPECT_EQ(error.reason(), one.reason) << one.state;
    EXPECT_EQ(!error.hints().empty(), one.hint) << one.state;
    EXPECT_TRUE(error.fact().ends_with("the words")) << one.state;
  }
}

TEST(Sqlstate, TakesTheServersWordsOutOfLibpqsMessage) {
  const auto error = connect_error(
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password authentication failed for user "
      "\"x\"\nLOCATION:  auth_failed, auth.c:326\n");
  EXPECT_EQ(error.fact(), "password authentication failed for user \"x\"");
  EXPECT_EQ(error.kind(), ErrorKind::unauthorised);
}

TEST(Sqlstate, AServerThatIsStartingUpIsUnavailable) {
  const auto error = connect_error("connection failed: FATAL:  57P03: the database system is starting up\n");
  EXPECT_EQ(error.fact(), "the database system is starting up");
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
}

TEST(Sqlstate, WhatHasNoStateIsUnavailableInOneLine) {
  const auto error = connect_error("connection to server failed: Connection refused\n\tIs the server running?\n");
  EXPECT_EQ(error.fact(), "connection to server failed: Connection refused Is the server running?");
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
}

TEST(Sqlstate, OldServersThatGiveNoStateAreReadAsTheyAre) {
  const auto error = connect_error("connection failed: FATAL:  no such thing\n");
  EXPECT_EQ(error.fact(), "connection failed: FATAL: no such thing");
}

TEST(Sqlstate, TlsThatCannotBeHadIsForPeople) {
  const auto unknown = connect_error("connection failed: SSL error: certificate verify failed\n");
  EXPECT_EQ(unknown.kind(), ErrorKind::usage);
  EXPECT_EQ(unknown.reason(), "tls_not_verified");
  const auto other = connect_error("server certificate for \"a\" does not match host name \"b\"\n");
  EXPECT_EQ(other.reason(), "tls_not_verified");
  const auto none = connect_error("server does not support SSL, but SSL was required\n");
  EXPECT_EQ(none.kind(), ErrorKind::usage);
  EXPECT_EQ(none.reason(), "tls_not_offered");
}

TEST(Sqlstate, OneLineHasNoRunsOfBlanks) {
  EXPECT_EQ(one_line("  a\n\t b  c\n"), "a b c");
  EXPECT_EQ(one_line("\n"), "");
}

}  // namespace
}  // namespace bundlesync::catalog::postgres
