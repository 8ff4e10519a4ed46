#include "cli/why.hpp"

#include <gtest/gtest.h>

namespace bundlesync::cli {
namespace {

report::TemplateLine line(const std::string& state, const std::string& reason = "", const std::string& detail = "") {
  report::TemplateLine made;
  made.name = "section7";
  made.state = state;
  made.reason = reason;
  made.detail = detail;
  made.version = "1.0.0";
  made.source = "cache";
  made.desired_version = "1.1.0";
  return made;
}

report::TemplateLine from(report::TemplateLine of, const std::string& source) {
  of.source = source;
  return of;
}

TEST(Why, SaysWhatTheCatalogWantsAndWhatStaysInstead) {
  auto current = line("current");
  current.desired_version = "1.0.0";
  EXPECT_EQ(why(current), "it is the default that the catalog names");
  EXPECT_EQ(why(line("moving")), "1.1.0 is complete on disk and about to be shown; 1.0.0 stays");
  EXPECT_EQ(why(line("fetching")), "fetching: 1.1.0 is on its way; 1.0.0 stays");
  EXPECT_EQ(why(line("retrying", "object_missing", "key=a.md")),
            "retrying: 1.1.0 could not be had (object_missing: key=a.md); 1.0.0 stays");
  EXPECT_EQ(why(line("refused", "digest_mismatch", "path=a.md")),
            "refused: 1.1.0 breaks a rule (digest_mismatch: path=a.md); 1.0.0 stays");
  EXPECT_EQ(why(line("held", "generation_lower", "seen_generation=3 accepted=5")),
            "held: the catalog names an older generation than was shown before "
            "(generation_lower: seen_generation=3 accepted=5); 1.0.0 stays");
  EXPECT_EQ(why(line("blocked", "group", "intake")),
            "blocked: another template of the same change cannot be had, and both are shown together or not at all "
            "(group: intake); 1.0.0 stays");
}

TEST(Why, CallsLocalAndFallbackFilesAFallback) {
  EXPECT_EQ(why(from(line("refused", "digest_mismatch"), "filesystem")),
            "refused: 1.1.0 breaks a rule (digest_mismatch); the files of fallback_dir are shown");
  EXPECT_EQ(why(from(line("standalone"), "local")), "fallback: remote is off; the files of local_dir are shown");
  EXPECT_EQ(why(from(line("disabled", "not_enabled"), "filesystem")),
            "fallback: the catalog has it with enabled = false; the files of fallback_dir are shown");
  EXPECT_EQ(why(line("standalone", "remote_off")), "remote is off: what was shown last stays");
}

TEST(Why, SaysWhatIsNotFollowed) {
  EXPECT_EQ(why(line("orphaned", "deleted")), "it was deleted from the catalog; the last good stays");
  EXPECT_EQ(why(line("disabled", "no_default")), "the catalog names no default version; the last good stays");
  EXPECT_EQ(why(line("waiting", "database_not_reached")),
            "the database was not reached since the agent started; the last good stays");
  auto nothing = line("absent", "not_in_catalog");
  nothing.version = "";
  EXPECT_EQ(why(nothing), "the catalog has no template of this name; nothing is shown");
  EXPECT_EQ(why(line("unknown")), "only the agent knows, and it cannot be asked here");
}

TEST(Why, NamesTheRemedyWhereThereIsOne) {
  EXPECT_EQ(remedy(line("held")), "after a restore from a backup: bundlesync catalog new-epoch --reason TEXT");
  EXPECT_EQ(remedy(line("refused")), "publish a good version, or go back: bundlesync rollback section7");
  EXPECT_EQ(remedy(line("blocked")), "mend or roll back the template that is named");
  EXPECT_EQ(remedy(line("current")), "");
  EXPECT_EQ(remedy(line("fetching")), "");
}

}  // namespace
}  // namespace bundlesync::cli
