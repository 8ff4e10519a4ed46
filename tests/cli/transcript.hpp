#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// A session at a shell, written down: what was typed and all that came of it.
///
///   # a comment
///   $ bundlesync version          one command line, run by sh in a directory of its own
///   | bundlesync 0.1.0            what it wrote to stdout, line by line
///   ! error: …                    what it wrote to stderr
///   = 2                           its exit code; without this line 0
///
/// What differs from run to run is written as what it is: the session's directory $DIR, <time>, <age>, <pid>, <host>,
/// <uuid>, <change>.
namespace bundlesync::cli {

struct Step {
  std::vector<std::string> before;  ///< comments and empty lines above it
  std::string command;
  std::string output;  ///< the lines with | ! and =
};

std::vector<Step> read_transcript(const std::filesystem::path& file);
std::string write_transcript(const std::vector<Step>& steps);

/// A directory for one session; removed when it ends.
class Session {
 public:
  /// `environment` is all that its commands find besides PATH and DIR: "NAME='value'", separated by spaces.
  explicit Session(std::filesystem::path binary, std::string environment = "");
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  /// Runs a command line in an empty environment with our binary first in the PATH; ended by force after 30 s.
  std::string run(const std::string& command);

 private:
  std::string normalised(std::string text) const;

  std::filesystem::path binary_;
  std::string environment_;
  std::filesystem::path directory_;
};

}  // namespace bundlesync::cli
