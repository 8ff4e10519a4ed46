#include "base/error.hpp"

#include <gtest/gtest.h>

namespace bundlesync {
namespace {

TEST(Error, WritesTheFactThenTheHints) {
  const Error error =
      Error(ErrorKind::usage, "unknown key 'targe'", "did you mean 'target'?").with_hint("see config reference");
  EXPECT_EQ(error.text(), "unknown key 'targe'\nhint: did you mean 'target'?\nhint: see config reference");
  EXPECT_EQ(error.line(), "unknown key 'targe' (hint: did you mean 'target'?) (hint: see config reference)");
  EXPECT_EQ(Error(ErrorKind::failed, "alone").text(), "alone");
  EXPECT_EQ(Error(ErrorKind::failed, "alone").line(), "alone");
}

TEST(Error, WithinPutsTheContextBeforeTheFact) {
  const Error error =
      Error(ErrorKind::damaged, "no such file", "make it").with_reason("file_missing").within("reading a.md");
  EXPECT_EQ(error.fact(), "reading a.md: no such file");
  EXPECT_EQ(error.reason(), "file_missing");
  EXPECT_EQ(error.kind(), ErrorKind::damaged);
  EXPECT_EQ(error.hints(), std::vector<std::string>{"make it"});
}

TEST(Error, CanTakeAHintFromItself) {
  Error error(ErrorKind::usage, "a fact that is longer than a string holds in place");
  error = std::move(error).with_hint("a hint");
  EXPECT_EQ(error.text(), "a fact that is longer than a string holds in place\nhint: a hint");
}

TEST(Error, ExitCodesAreTheContract) {
  const auto code = [](ErrorKind kind) { return static_cast<int>(Error(kind, "x").exit_code()); };
  EXPECT_EQ(code(ErrorKind::failed), 1);
  EXPECT_EQ(code(ErrorKind::usage), 2);
  EXPECT_EQ(code(ErrorKind::unavailable), 1);
  EXPECT_EQ(code(ErrorKind::timed_out), 1);
  EXPECT_EQ(code(ErrorKind::not_found), 1);
  EXPECT_EQ(code(ErrorKind::unauthorised), 4);
  EXPECT_EQ(code(ErrorKind::conflict), 5);
  EXPECT_EQ(code(ErrorKind::refused), 1);
  EXPECT_EQ(code(ErrorKind::damaged), 1);
  EXPECT_EQ(code(ErrorKind::no_space), 1);
  EXPECT_EQ(code(ErrorKind::held), 7);
  EXPECT_EQ(code(ErrorKind::not_converged), 6);
  EXPECT_EQ(code(ErrorKind::cancelled), 1);
}

TEST(Error, OnlyWhatPassesByItselfMayPass) {
  const auto may_pass = [](ErrorKind kind) { return Error(kind, "x").may_pass(); };
  EXPECT_TRUE(may_pass(ErrorKind::unavailable));
  EXPECT_TRUE(may_pass(ErrorKind::timed_out));
  EXPECT_TRUE(may_pass(ErrorKind::no_space));
  for (const auto kind :
       {ErrorKind::failed, ErrorKind::usage, ErrorKind::not_found, ErrorKind::unauthorised, ErrorKind::conflict,
        ErrorKind::refused, ErrorKind::damaged, ErrorKind::held, ErrorKind::not_converged, ErrorKind::cancelled}) {
    EXPECT_FALSE(may_pass(kind)) << static_cast<int>(kind);
  }
}

TEST(Error, FailMakesAResultOfAnyType) {
  const Result<int> number = fail(ErrorKind::refused, "no", "yes");
  ASSERT_FALSE(number);
  const Result<void> nothing = fail(number.error());
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().text(), "no\nhint: yes");
}

}  // namespace
}  // namespace bundlesync
