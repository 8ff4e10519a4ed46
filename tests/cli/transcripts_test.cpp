#include "support/postgres_server.hpp"
#include "transcript.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace bundlesync::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> transcripts(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() != ".txt" || entry.path().filename() == "CMakeLists.txt") continue;
    names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string name_of(const testing::TestParamInfo<std::string>& of) {
  std::string name = of.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

/// With BUNDLESYNC_WRITE_TRANSCRIPTS set, writes down what happens instead: read the difference before you keep it.
void replay(const fs::path& file, Session& session) {
  std::vector<Step> steps = read_transcript(file);
  ASSERT_FALSE(steps.empty());
  const bool write = std::getenv("BUNDLESYNC_WRITE_TRANSCRIPTS") != nullptr;
  for (auto& step : steps) {
    const std::string happened = session.run(step.command);
    if (write) {
      step.output = happened;
    } else {
      EXPECT_EQ(happened, step.output) << "$ " << step.command;
    }
  }
  if (write) std::ofstream(file) << write_transcript(steps);
}

class Transcript : public testing::TestWithParam<std::string> {};

TEST_P(Transcript, IsWhatHappens) {
  Session session(BUNDLESYNC_BINARY);
  replay(fs::path(TRANSCRIPTS) / (GetParam() + ".txt"), session);
}

INSTANTIATE_TEST_SUITE_P(Cli, Transcript, testing::ValuesIn(transcripts(TRANSCRIPTS)), name_of);

/// The same with an empty database of its own and a store in the session's directory.
class DatabaseTranscript : public testing::TestWithParam<std::string> {};

TEST_P(DatabaseTranscript, IsWhatHappens) {
  auto& server = tests::PostgresServer::shared();
  const std::string url = server.url(server.create_database());
  Session session(BUNDLESYNC_BINARY, "DATABASE_URL='" + url + "' EXAMPLES='" EXAMPLES "' BUNDLESYNC_ACTOR=alice");
  replay(fs::path(TRANSCRIPTS) / "database" / (GetParam() + ".txt"), session);
}

INSTANTIATE_TEST_SUITE_P(Cli, DatabaseTranscript, testing::ValuesIn(transcripts(fs::path(TRANSCRIPTS) / "database")),
                         name_of);

}  // namespace
}  // namespace bundlesync::cli
