#include "cli/cli.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace bundlesync::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class RunTest : public testing::Test {
 protected:
  int run(const std::vector<std::string>& arguments, const Environment& environment = {}) {
    const Streams streams{out_, err_, false, false};
    return cli::run(arguments, streams, environment);
  }
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(RunTest, PutsDataOnOneStreamAndTalkOnTheOther) {
  EXPECT_EQ(run({"version"}), 0);
  EXPECT_THAT(out_.str(), testing::StartsWith("bundlesync "));
  EXPECT_EQ(err_.str(), "");
  out_.str("");
  EXPECT_EQ(run({"nonsense"}), 2);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), testing::StartsWith("error: there is no command 'bundlesync nonsense'\n"));
}

TEST_F(RunTest, FailsWhenNobodyTakesItsOutput) {
  out_.setstate(std::ios::badbit);
  EXPECT_EQ(run({"version"}), 1);
  EXPECT_EQ(err_.str(), "error: cannot write to the standard output\n");
}

TEST_F(RunTest, PrintsNoSecretWhateverIsAsked) {
  const Environment environment = {{"BUNDLESYNC_DATABASE_URL", "postgres://u:hunter2@db/app"},
                                   {"BUNDLESYNC_STORAGE_KEY", "sb_hunter2"}};
  EXPECT_EQ(run({"config", "print", "--origin"}, environment), 0);
  EXPECT_EQ(run({"config", "print", "--json"}, environment), 0);
  EXPECT_THAT(out_.str() + err_.str(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(out_.str(), HasSubstr("BUNDLESYNC_DATABASE_URL"));
}

TEST_F(RunTest, SaysThatTheDatabaseIsAwayWithoutItsPassword) {
  EXPECT_EQ(run({"list"}, {{"DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/app"}}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("error: "));
  EXPECT_THAT(err_.str(), HasSubstr("127.0.0.1"));
  EXPECT_THAT(err_.str(), Not(HasSubstr("hunter2")));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(RunTest, VerifiesAServerThatIsNotOnThisMachineUnlessToldOtherwise) {
  EXPECT_EQ(run({"list"}, {{"DATABASE_URL", "postgres://u@db.invalid/app?sslmode=disable"}}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("note: "));
  EXPECT_THAT(err_.str(), HasSubstr("sslmode"));
}

}  // namespace
}  // namespace bundlesync::cli
